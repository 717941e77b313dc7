"""Which conversation a mail belongs to: signed tokens first, then the ids it refers to, never anything guessable.

A token is an HMAC over (conversation, recipient, purpose). It stands in our Message-IDs and in the plus-address of
Reply-To, so an answer carries it back. It verifies only for mail from the recipient it was made for: a forwarded copy
does not let a stranger speak as the contact. A number in a subject never authorises anything and is not even read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from attrs import frozen

from carekit_email.codec import InboundEmail

REPLY = "reply"
"""Purpose of the token in a Reply-To address."""

_TAG_LENGTH = 20  # base32 characters: 100 bits, and local parts stay under 64
_CONVERSATION = r"[a-z0-9_]{1,40}"
_MESSAGE_ID = re.compile(rf"({_CONVERSATION})\.(\d{{1,9}})\.([a-z2-7]{{{_TAG_LENGTH}}})@", re.IGNORECASE)
_PLUS = re.compile(rf"[^+@]+\+({_CONVERSATION})-([a-z2-7]{{{_TAG_LENGTH}}})@", re.IGNORECASE)


@frozen
class Candidates:
    """Where a mail may belong, strongest first.

    `conversation` is verified ("" if nothing was); `ids` are the Message-IDs it refers to, to be looked up among those
    that were stored, within the same channel and for the same contact only.
    """

    conversation: str
    ids: tuple[str, ...]


@frozen
class SentMessage:
    """The conversation and the step of a message of ours, as one of our Message-IDs names them."""

    conversation: str
    seq: int


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


def candidates(mail: InboundEmail, secret: bytes) -> Candidates:
    """Give where *mail* may belong: a verified token's conversation, In-Reply-To, References from newest to oldest."""
    ids = tuple(dict.fromkeys(one for one in (mail.in_reply_to, *reversed(mail.references)) if one))
    return Candidates(_verified(mail, secret, ids), ids)


def _verified(mail: InboundEmail, secret: bytes, ids: tuple[str, ...]) -> str:
    for address in (*mail.delivered_to, *mail.to, *mail.cc):
        found = _PLUS.match(address)
        if found and _matches(secret, found.group(1), mail.from_address, REPLY, found.group(2)):
            return found.group(1).lower()
    for one in ids:
        sent = verify_message_id(one, (mail.from_address,), secret)
        if sent is not None:
            return sent.conversation
    return ""


def verify_message_id(message_id: str, recipients: tuple[str, ...], secret: bytes) -> SentMessage | None:
    """Give what our *message_id* names if it is genuine and was made for one of *recipients*, else None."""
    found = _MESSAGE_ID.match(message_id)
    if found is None:
        return None
    conversation, seq, given = found.groups()
    # Every recipient is tried: how long it takes tells nobody which one fitted.
    fits = [_matches(secret, conversation, one, str(int(seq)), given) for one in recipients]
    return SentMessage(conversation.lower(), int(seq)) if any(fits) else None


def named_message(message_id: str) -> SentMessage | None:
    """Give what a Message-ID in our form names, unverified: only for ids that were found stored as ours."""
    found = _MESSAGE_ID.match(message_id)
    return SentMessage(found.group(1), int(found.group(2))) if found else None


def _matches(secret: bytes, conversation: str, recipient: str, purpose: str, given: str) -> bool:
    expected = tag(secret, conversation.lower(), recipient, purpose)
    return hmac.compare_digest(expected.encode("ascii"), given.lower().encode("ascii", "replace"))
