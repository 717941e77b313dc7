"""What the sockets of one channel share."""

from __future__ import annotations

from typing import Protocol

from carekit import Desk
from carekit_chat.limits import Buckets
from carekit_chat.origins import origin_of
from carekit_chat.session import Sessions
from carekit_chat.settings import ChatSettings

LONGEST = 2000
"""Characters of one message."""
TABS = 8
"""Sockets one visitor may hold; a further one takes the place of the oldest."""


class Guest(Protocol):
    """What the room needs of a peer."""

    def bye(self, code: int, reason: str) -> None: ...


class Room:
    """One channel's desk, visitors, limits and open sockets."""

    def __init__(self, desk: Desk, name: str, settings: ChatSettings) -> None:
        self.desk = desk
        self.name = name
        self.settings = settings
        self.own = origin_of(desk.url("/"))
        self.sessions = Sessions(desk, name, settings.remember)
        self.messages = Buckets(settings.messages_per_minute)
        self.newcomers = Buckets(settings.visitors_per_minute)
        self.peers: dict[Guest, str] = {}
        """Open sockets, oldest first, with the visitor's id (empty before the first frame)."""

    def enter(self, peer: Guest, visitor: str) -> Guest | None:
        """Note whose socket *peer* is; returns the one that must make room, if there are too many."""
        self.peers[peer] = visitor
        tabs = [other for other, owner in self.peers.items() if owner == visitor]
        return tabs[0] if len(tabs) > TABS else None
