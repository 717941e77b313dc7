"""What is asked of many conversations: lists and searches, and what they give."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

import attrs

from carekit.facts.nouns import Conversation, Status
from carekit.ground.errors import Refused
from carekit.ground.values import Value

_CURSOR = re.compile(r"(-?[0-9]{1,18})~([^\x00-\x1f]+)")


def cursor_of(place: int, id: str) -> str:
    """The cursor of what comes after *id* in a list; *place* is what the list is sorted by first, 0 where ids alone
    are."""
    return f"{place}~{id}"


def place_of(cursor: str) -> tuple[int, str]:
    """The place and the id of a cursor; raises `Refused` for what is none."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Refused("the cursor is not one of ours; begin without one", field="cursor")
    return int(found[1]), found[2]


@attrs.frozen
class Query:
    """Which conversations to list. None means any; ``assignee`` may be an empty text for nobody."""

    status: Collection[Status] | None = None
    assignee: str | None = None
    inbox: str | None = None
    channel: str | None = None
    contact: str | None = None
    bot: bool | None = None
    """Whether a bot handles it now, so that it waits for no person yet."""
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
