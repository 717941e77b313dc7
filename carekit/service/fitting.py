"""What the desk is told, made fit to be kept, or refused before anything comes of it."""

from __future__ import annotations

from hashlib import sha256
from typing import TypeVar

from carekit.facts.actions import Action
from carekit.facts.codec import encode, repaired
from carekit.facts.nouns import Inbound
from carekit.ground.errors import Refused

T = TypeVar("T")


def fitting(value: T, *, plain: bool = False) -> T:
    """*value* as it can be kept; raises `Refused` if it could not be read again."""
    try:
        return repaired(value, plain=plain)
    except TypeError as error:
        raise Refused(f"it cannot be kept: {error}; mend what made it") from None


def fingerprint_of(about: str, action: Action) -> str:
    """What tells one request from another that came with the same key."""
    return sha256(f"{about}\n{type(action).__name__}\n".encode() + encode(action)).hexdigest()


def is_plain(inbound: Inbound) -> bool:
    """Whether it surely holds what its class says: a quick look, which most messages pass."""
    sender = inbound.sender
    try:
        "".join(
            (inbound.channel, inbound.external_id, inbound.text, inbound.conversation, inbound.account, inbound.inbox)
        )
        "".join((inbound.subject, inbound.html, inbound.intent, inbound.raw, *inbound.thread, *inbound.keys))
        "".join((sender.kind, sender.value, sender.name))
    except TypeError:
        return False
    if inbound.attachments or inbound.meta or inbound.sent_at is not None or type(inbound.automatic) is not bool:
        return False
    return type(inbound.thread) is tuple and type(inbound.keys) is tuple
