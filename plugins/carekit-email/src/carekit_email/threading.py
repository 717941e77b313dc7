"""Which conversation a mail belongs to: signed tokens first, then the ids it refers to, never anything guessable.

A token is an HMAC over (conversation, recipient, purpose). It stands in our Message-IDs, in the plus-address of
Reply-To and in the envelope's sender, so an answer or a report carries it back. It verifies only for mail from the
recipient it was made for: a forwarded copy does not let a stranger speak as the contact. A number in a subject never
authorises anything and is not even read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from attrs import frozen

from carekit_email.codec import Bounce, InboundEmail

REPLY = "reply"
"""Purpose of the token in a Reply-To address."""
BOUNCE = "bounce"
"""Purpose of the token in an envelope's sender; the message's step follows it."""

_TAG_LENGTH = 20  # base32 characters: 100 bits, and local parts stay under 64
_CONVERSATION = r"[a-z0-9_]{1,40}"
_MESSAGE_ID = re.compile(rf"({_CONVERSATION})\.(\d{{1,9}})\.([a-z2-7]{{{_TAG_LENGTH}}})@", re.IGNORECASE)
_PLUS = re.compile(rf"[^+@]+\+({_CONVERSATION})-([a-z2-7]{{{_TAG_LENGTH}}})@", re.IGNORECASE)
_RETURN = re.compile(rf"[^+@]+\+b-({_CONVERSATION})-(\d{{1,9}})-([a-z2-7]{{{_TAG_LENGTH}}})@", re.IGNORECASE)


@frozen
class SentMessage:
    """The conversation and the step of a message of ours, as one of our ids or addresses names them."""

    conversation: str
    seq: int


@frozen
class Clue:
    """One thing in a mail that may say where it belongs: where it stood, what it is, and what was made of it.

    `conversation` is what it names, "" for an id of somebody else; `verified` says that it carries our tag, made for
    the sender of this mail.
    """

    where: str
    value: str
    conversation: str = ""
    verified: bool = False
    note: str = ""


@frozen
class Candidates:
    """Where a mail may belong, strongest first.

    `conversation` is verified ("" if nothing was); `ids` are the Message-IDs it refers to, to be looked up among those
    that were stored, within the same channel and for the same contact only.
    """

    conversation: str
    ids: tuple[str, ...]


def tag(secret: bytes, conversation: str, recipient: str, purpose: str) -> str:
    """Give the authentication tag in lower-case base32: mail systems change the case of addresses."""
    message = "\0".join((conversation, recipient.strip().lower(), purpose)).encode("utf-8", "replace")
    digest = hmac.new(secret, message, hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_TAG_LENGTH]


def signed_message_id(secret: bytes, conversation: str, seq: int, recipient: str, domain: str) -> str:
    """Give the Message-ID (without brackets) of message *seq* to *recipient*: the same at every attempt to send it."""
    return f"{conversation}.{seq}.{tag(secret, conversation, recipient, str(seq))}@{domain}"


def reply_address(secret: bytes, conversation: str, recipient: str, address: str) -> str:
    """Give the plus-address of *address* that brings an answer back to *conversation*."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{conversation}-{tag(secret, conversation, recipient, REPLY)}@{domain}"


def return_address(secret: bytes, conversation: str, seq: int, address: str) -> str:
    """Give the envelope's sender that brings a report of a failed delivery back to message *seq*.

    It is good for reports only, and whoever wrote them: the tag is over the message alone.
    """
    local, _, domain = address.rpartition("@")
    return f"{local}+b-{conversation}-{seq}-{tag(secret, conversation, '', f'{BOUNCE} {seq}')}@{domain}"


def clues(mail: InboundEmail, secret: bytes) -> list[Clue]:
    """Give everything in *mail* that may say where it belongs, strongest first; pure."""
    found = [_from_address(one, mail, secret) for one in dict.fromkeys((*mail.delivered_to, *mail.to, *mail.cc))]
    places = [("In-Reply-To", mail.in_reply_to), *(("References", one) for one in reversed(mail.references))]
    seen: set[str] = set()
    for where, one in places:
        if one and one not in seen:
            seen.add(one)
            found.append(_from_id(where, one, mail, secret))
    return sorted((one for one in found if one is not None), key=lambda clue: not clue.verified)


def candidates(mail: InboundEmail, secret: bytes) -> Candidates:
    """Give where *mail* may belong: a verified token's conversation, In-Reply-To, References from newest to oldest."""
    found = clues(mail, secret)
    verified = next((clue.conversation for clue in found if clue.verified), "")
    ids = tuple(dict.fromkeys(one for one in (mail.in_reply_to, *reversed(mail.references)) if one))
    return Candidates(verified, ids)


def _from_address(address: str, mail: InboundEmail, secret: bytes) -> Clue | None:
    found = _PLUS.match(address)
    if found is None:
        return None
    conversation = found.group(1).lower()
    fits = _matches(secret, conversation, mail.from_address, REPLY, found.group(2))
    note = "its tag is genuine and was made for this sender" if fits else _WRONG
    return Clue("recipient", address, conversation, fits, note)


def _from_id(where: str, one: str, mail: InboundEmail, secret: bytes) -> Clue:
    named = named_message(one)
    if named is None:
        return Clue(where, one, note="an id of another system, looked up among those that were seen on this channel")
    fits = verify_message_id(one, (mail.from_address,), secret) is not None
    note = "its tag is genuine and was made for this sender" if fits else _WRONG
    return Clue(where, one, named.conversation, fits, note)


_WRONG = "it has our form, but its tag is not one that we made for this sender"


def verify_message_id(message_id: str, recipients: tuple[str, ...], secret: bytes) -> SentMessage | None:
    """Give what our *message_id* names if it is genuine and was made for one of *recipients*, else None."""
    found = _MESSAGE_ID.match(message_id)
    if found is None:
        return None
    conversation, seq, given = found.groups()
    # Every recipient is tried: how long it takes tells nobody which one fitted.
    fits = [_matches(secret, conversation, one, str(int(seq)), given) for one in recipients]
    return SentMessage(conversation.lower(), int(seq)) if any(fits) else None


def reported_message(mail: InboundEmail, bounce: Bounce, secret: bytes) -> SentMessage | None:
    """Give the message a report is about, as a verified token names it, else None; pure."""
    for address in (*mail.delivered_to, *mail.to):
        found = _RETURN.match(address)
        if found is not None:
            conversation, seq, given = found.groups()
            if _matches(secret, conversation, "", f"{BOUNCE} {int(seq)}", given):
                return SentMessage(conversation.lower(), int(seq))
    for one in reported_ids(mail, bounce):
        sent = verify_message_id(one, bounce.addresses, secret)
        if sent is not None:
            return sent
    return None


def reported_ids(mail: InboundEmail, bounce: Bounce) -> Iterable[str]:
    """Give the ids of the mail that a report may be about, likeliest first."""
    return (one for one in (bounce.message_id, mail.in_reply_to, *mail.references) if one)


def named_message(message_id: str) -> SentMessage | None:
    """Give what a Message-ID in our form names, unverified: only for ids that were found stored as ours."""
    found = _MESSAGE_ID.match(message_id)
    return SentMessage(found.group(1).lower(), int(found.group(2))) if found else None


def _matches(secret: bytes, conversation: str, recipient: str, purpose: str, given: str) -> bool:
    expected = tag(secret, conversation.lower(), recipient, purpose)
    return hmac.compare_digest(expected.encode("ascii"), given.lower().encode("ascii", "replace"))
