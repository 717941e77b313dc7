"""Which conversations to list, and a page of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from carekit.facts.nouns import Conversation, Status


@attrs.frozen
class Query:
    """Which conversations to list. None means any; ``assignee`` may be an empty text for nobody."""

    status: Collection[Status] | None = None
    assignee: str | None = None
    inbox: str | None = None
    channel: str | None = None
    contact: str | None = None
    order: str = "updated"
    """``updated`` (newest first), ``waiting`` (longest waiting first, only those that wait) or ``queued`` (in order
    of entering the queue, only those in it)."""
    cursor: str = ""
    limit: int = 50


@attrs.frozen
class Page:
    """A page of conversations, and the cursor of the next one (empty at the end)."""

    items: Sequence[Conversation]
    cursor: str = ""
