"""Who a visitor is: an id nobody can guess, in a token that only this channel's signature makes good.

The token is the secret. The id alone opens nothing; agents may see it as the contact's address.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

import attrs

from carekit import Address, Desk, Inbound, NotAllowed

_ID = re.compile(r"[A-Za-z0-9_-]{20,40}")


@attrs.frozen
class Visitor:
    """One browser that chats. ``known`` tells whether it brought a good token."""

    id: str
    token: str = attrs.field(repr=False)
    known: bool = False

    @property
    def key(self) -> str:
        """The thread key of its conversation, and the key of its address."""
        return f"visitor:{self.id}"

    def inbound(self, channel: str, message: str, text: str, *, intent: str = "", fresh: bool = False) -> Inbound:
        """What the desk is to keep: *message* is the client's own id, the same for every attempt.

        A *fresh* message names no thread, so the desk begins a conversation and the visitor's key moves to it.
        """
        return Inbound(
            channel=channel,
            external_id=f"{self.id}:{message}",
            sender=Address("visitor", self.id),
            text=text,
            thread=() if fresh else (self.key,),
            keys=(self.key,),
            intent=intent,
        )


def message_id(external_id: str) -> str:
    """The client's own id of a message, from the id under which the desk keeps it."""
    return external_id.partition(":")[2]


class Sessions:
    """Makes visitors and knows them again."""

    def __init__(self, desk: Desk, channel: str, remember: timedelta) -> None:
        self._desk = desk
        self._purpose = f"chat-visitor:{channel}"
        self._remember = remember

    def visitor(self, token: str) -> Visitor:
        """The visitor that *token* names, with a token that runs anew; a new one if it is empty, forged or too old."""
        if token:
            try:
                known = self._desk.unsign(self._purpose, token, self._remember)
            except NotAllowed:
                known = ""
            if _ID.fullmatch(known):
                return Visitor(known, self._desk.sign(self._purpose, known), known=True)
        fresh = secrets.token_urlsafe(18)
        return Visitor(fresh, self._desk.sign(self._purpose, fresh))
