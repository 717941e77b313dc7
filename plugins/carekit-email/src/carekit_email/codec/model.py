"""The values the codec deals in: the decoded mail, its attachments, the limits and the one refusal."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from carekit import Malformed


class Unreadable(StrEnum):
    """Why a mail was refused before it was parsed."""

    SIZE = "size"
    HEADERS = "headers"
    PARTS = "parts"
    DEPTH = "depth"


class UnreadableMail(Malformed):
    """The mail is over a limit, so it was not parsed; `reason` says which limit.

    The raw bytes are still the caller's: store them and deliver a stub, or quarantine them.
    """

    def __init__(self, reason: Unreadable, found: int, allowed: int) -> None:
        super().__init__(f"mail not read: {reason} {found} is over the limit of {allowed}; raise the limit or drop it")
        self.reason = reason
        self.found = found
        self.allowed = allowed


@frozen
class Limits:
    """Limits checked on the bytes before any parsing.

    `size` and `headers` are octets (headers: the first header block), `parts` counts MIME parts, `depth` levels of
    multiparts and enclosed messages, `recipients` and `references` cut lists short instead of refusing,
    `html` is the number of characters of HTML that are looked at.
    """

    size: int = 50_000_000
    headers: int = 4_000_000
    parts: int = 1_000
    depth: int = 50
    recipients: int = 500
    references: int = 100
    html: int = 1_000_000


@frozen
class Attachment:
    """One attached part. `name` is for display only, free of path separators and control characters, "" if none."""

    name: str
    content_type: str
    size: int
    content: bytes = field(repr=False)
    content_id: str = ""
    inline: bool = False


@frozen
class InboundEmail:
    """One decoded mail.

    Addresses are in the sender's spelling; `from_address` falls back to Reply-To, Return-Path, then Sender, and is ""
    when none has an address. `text` is the readable body, `reply_text` what the sender wrote now, `html` sanitised and
    without remote images ("" when the mail has no HTML). Ids are without angle brackets; `in_reply_to` is "" if absent.
    `date` is what the mail claims (aware, UTC), never to be used for ordering.
    `auto_reply`: a machine sent it, so never answer automatically. `bounce`: it reports a failed delivery.
    `failed_recipients` and `failed_message_id` tell, as far as a bounce says so, what failed.
    """

    from_name: str
    from_address: str
    reply_to: tuple[str, ...]
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    reply_text: str = field(repr=False)
    attachments: tuple[Attachment, ...]
    auto_reply: bool
    bounce: bool
    list_mail: bool
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    date: datetime | None
    delivered_to: tuple[str, ...] = ()
    failed_recipients: tuple[str, ...] = ()
    failed_message_id: str = ""
