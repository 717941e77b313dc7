"""What is asked of many conversations: lists and searches, and what they give."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import attrs

from carekit.facts.nouns import Conversation, Status
from carekit.ground.values import Value


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


class Hit(Value, frozen=True):
    """A message that matches a search, and the part of it that does, as ``(text, matches)`` pieces in order."""

    conversation: str
    seq: int
    at: datetime
    pieces: tuple[tuple[str, bool], ...]
