"""The values the codec deals in: the decoded mail and its parts, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from attrs import field, frozen


class Unreadable(StrEnum):
    """Which limit a mail is over."""

    SIZE = "size"
    HEADERS = "headers"
    PARTS = "parts"
    DEPTH = "depth"


@frozen
class Excess:
    """A mail is over a limit, so only its header was read: which limit, what was found, what is allowed."""

    reason: Unreadable
    found: int
    allowed: int

    def __str__(self) -> str:
        return f"{self.reason}: {self.found} where {self.allowed} are read"


@frozen
class Limits:
    """Limits checked on the bytes before any parsing, in linear time.

    `size` and `headers` are octets (headers: the first header block), `parts` counts MIME parts, `depth` levels of
    multiparts and enclosed messages, `recipients` and `references` cut lists short instead of refusing,
    `html` is the number of characters of HTML that are looked at, `text` those of plain text, `unpacked` the octets
    that are taken out of one TNEF container.
    """

    size: int = 50_000_000
    headers: int = 4_000_000
    parts: int = 1_000
    depth: int = 50
    recipients: int = 500
    references: int = 100
    html: int = 1_000_000
    text: int = 2_000_000
    unpacked: int = 50_000_000


@frozen
class Attachment:
    """One attached part. `name` is for display only, free of path separators and control characters, "" if none.

    `contains` are the files that a TNEF container (winmail.dat) holds; the container stays as it came.
    """

    name: str
    content_type: str
    size: int
    content: bytes = field(repr=False)
    content_id: str = ""
    inline: bool = False
    contains: tuple[Attachment, ...] = ()


@frozen
class FailedRecipient:
    """One recipient that a report names: the address, the enhanced status code (RFC 3463) and the far side's words."""

    address: str
    status: str = ""
    diagnostic: str = ""


@frozen
class Bounce:
    """A report (RFC 3464, or what a program sends in its stead) that a mail could not be delivered, or not yet.

    `failed` is False for a warning that the mail is late and will be tried again. `message_id` is that of the mail it
    is about, without brackets; ids and recipients are "" and () where the report does not name them.
    """

    failed: bool
    recipients: tuple[FailedRecipient, ...] = ()
    message_id: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the recipients."""
        return tuple(one.address for one in self.recipients)

    @property
    def status(self) -> str:
        """The first enhanced status code, such as ``5.1.1``; "" when none is given."""
        return next((one.status for one in self.recipients if one.status), "")


@frozen
class Invitation:
    """A calendar object (RFC 5545) as its part says it; `starts` and `ends` are in the sender's spelling."""

    method: str
    uid: str
    summary: str = ""
    organizer: str = ""
    starts: str = ""
    ends: str = ""
    location: str = ""


@frozen
class Authentication:
    """What our own mail server found out about the sender (RFC 8601): method to result, such as ``dmarc`` to ``pass``.

    Empty where no field of our authserv-id is there: a field of anybody else proves nothing.
    """

    results: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))

    @property
    def verified(self) -> bool:
        """Whether the address in From is proven: DMARC (RFC 7489) passed."""
        return self.results.get("dmarc") == "pass"

    @property
    def failed(self) -> bool:
        """Whether the address in From is refuted: DMARC failed."""
        return self.results.get("dmarc") == "fail"


@frozen
class InboundEmail:
    """One decoded mail.

    Addresses are in the sender's spelling; `from_address` falls back to Reply-To, Return-Path, then Sender, and is ""
    when none has an address. `text` is the readable body, `reply_text` what the sender wrote now, `html` sanitised and
    without remote images ("" when the mail has no HTML). Ids are without angle brackets; `in_reply_to` is "" if absent.
    `date` is what the mail claims (aware, UTC), never to be used for ordering.
    `auto_reply`: a machine sent it, so never answer automatically. `bounce`: it reports a failed or late delivery.
    `excess`: it is over a limit; then only the header was read, and text and attachments are empty.
    `spam`: a filter on the way marked it (nobody marks their own mail so, but nothing proves that it is none).
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
    bounce: Bounce | None
    list_mail: bool
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    date: datetime | None
    delivered_to: tuple[str, ...] = ()
    return_path: str | None = None
    """The envelope's sender: "" for the null path, None when the mail does not tell."""
    embedded: tuple[Attachment, ...] = ()
    """Files that an old program uuencoded inside the plain text: `text` still has them, `reply_text` has not."""
    invitations: tuple[Invitation, ...] = ()
    authentication: Authentication = Authentication()
    spam: bool = False
    excess: Excess | None = None
