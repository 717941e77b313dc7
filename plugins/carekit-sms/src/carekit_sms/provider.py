"""What a provider is: how a text is handed to it, and how what it posts is verified and read.

A provider opens no connection, reads no clock and keeps nothing: the channel does all that, in the same way for each
of them. So every provider is a table of small pure functions, and a recorded payload is a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import attrs
import msgspec

from carekit import Answer, DeliveryError, DeliveryStatus, Ignored, Malformed, NoSettings, Permanent, Temporary, Unsure

_MOST_FIELDS = 200

# --- what comes in


@attrs.frozen(slots=False)
class Posted:
    """One request of the provider: ``url`` is the public address it was sent to, with its query; headers in lower
    case. ``now`` is when it came, None where that cannot be judged (a payload that is read again)."""

    url: str
    body: bytes = attrs.field(default=b"", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    now: datetime | None = None

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The fields of the form that the body is, in order; raises `Malformed`."""
        try:
            return parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as error:  # the UnicodeDecodeError of bytes that are no text, too
            raise Malformed(f"the body is not a form: {error}") from None

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of the form, of one that comes twice the last; raises `Malformed`."""
        return dict(self.pairs)

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object that the body is; raises `Malformed`."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"the body is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise Malformed("the body is not a JSON object")
        return found


@attrs.frozen
class Media:
    """A file that came with a text, behind an address."""

    url: str
    content_type: str = ""
    name: str = ""


@attrs.frozen
class Text:
    """One text that came in, whole. ``keyword`` is ``stop``, ``start`` or ``help`` where the provider says so."""

    id: str
    """The provider's own, the same however often it delivers."""
    sender: str
    """As the provider writes it; with a plus where it is known to be international."""
    to: str
    """Our number; empty where the provider does not say it."""
    text: str
    media: Sequence[Media] = ()
    sent_at: datetime | None = None
    keyword: str = ""


@attrs.frozen
class Report:
    """A delivery receipt: how far a text got. ``reference`` is ours, where the provider gives it back."""

    status: DeliveryStatus
    id: str = ""
    detail: str = ""
    reference: str = ""


# --- what goes out


@attrs.frozen
class Outgoing:
    """One text to hand over. ``reference`` is for the provider to give back, ``report_to`` where it reports."""

    sender: str
    to: str
    text: str
    reference: str
    report_to: str
    now: datetime
    wide: bool = False
    """Whether it holds anything that the GSM alphabet has not."""


@attrs.frozen
class Submission:
    """The request that hands a text over: at most one of ``form``, ``json`` and ``content``."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    form: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    json: Any = attrs.field(default=None, repr=False)
    content: bytes | None = attrs.field(default=None, repr=False)


@attrs.frozen(slots=False)
class Reply:
    """What the provider answered to a submission."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    @property
    def good(self) -> bool:
        """Whether its status is one of the 2xx, which say that the text was taken."""
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object that it is; empty if it is none, because the status tells what became of the text."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def words(self) -> str:
        """The beginning of it as text, on one line."""
        return " ".join(self.body[:400].decode("utf-8", "replace").split())[:200]

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, where it says so."""
        given = self.headers.get("retry-after", "")
        return float(given) if given.isascii() and given.isdigit() else None

    def refusal(self, said: str = "") -> DeliveryError:
        """The error that an answer is which is no acceptance; *said* is the provider's reason.

        429 and 503 say that it was not taken, and 401 and 403 are somebody's to mend, so all of these are tried again;
        any other 5xx says nothing about what was done before it.
        """
        detail = f"the provider answered {self.status}" + (f": {said[:300]}" if said else "")
        if self.status in (401, 403):
            return Temporary(f"{detail}; look at the credentials in the file")
        if self.status in (429, 503):
            return Temporary(detail, retry_after=self.retry_after)
        if self.status == 408 or self.status >= 500 or self.status < 400:
            return Unsure(f"{detail}; it may have the text")
        return Permanent(detail)


# --- the provider itself


class Provider:
    """Base of all providers, made from the table of its own name below the channel's.

    Whatever is wrong with what came in is raised as `NotOurs`, `Ignored` or `Malformed`; with what was answered as
    `Temporary`, `Permanent` or `Unsure`.
    """

    Settings: ClassVar[type] = NoSettings
    accepted: Answer = Answer(200)
    """What it wants to hear when what it posted is kept."""
    max_length: int = 1600
    """Characters of the longest text that it takes at once."""
    has_media: bool = False
    """Whether files may come with a text."""
    signs_receipts: bool = True
    """Whether `verify` holds for receipts, too; if not, the signed address that each text names is all there is."""
    media_hosts: tuple[str, ...] = ()
    """Domains to which the address of a file may lead on, once; empty for nowhere."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def check(self) -> Iterable[str]:
        """Faults of the settings beyond their types."""
        return ()

    def verify(self, posted: Posted) -> None:
        """Raise `NotOurs` unless the provider sent *posted*."""
        raise NotImplementedError

    def read(self, posted: Posted) -> Sequence[Text]:
        """The texts in *posted*, which has been verified."""
        raise NotImplementedError

    def report(self, posted: Posted) -> Report:
        """The delivery receipt that *posted* is."""
        raise NotImplementedError

    def submit(self, outgoing: Outgoing) -> Submission:
        """The request that hands *outgoing* over."""
        raise NotImplementedError

    def taken(self, reply: Reply) -> str:
        """The provider's id of the text that it took, empty if it gives none; raises if it did not take it."""
        raise NotImplementedError

    def media_headers(self, url: str) -> Mapping[str, str]:
        """What to send along when the file at *url* is fetched: credentials only where *url* is the provider's."""
        return {}


def field(fields: Mapping[str, Any], name: str) -> str:
    """The text or number under *name*; raises `Malformed` without one."""
    value = optional(fields, name)
    if not value:
        raise Malformed(f"the payload has no {name!r}")
    return value


def optional(fields: Mapping[str, Any], name: str) -> str:
    """The text or number under *name*, empty without one."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def status_of(said: str, table: Mapping[str, DeliveryStatus]) -> DeliveryStatus:
    """How far a text got of which the provider *said* this; raises `Ignored` for what is not in its *table*."""
    status = table.get(said)
    if status is None:
        raise Ignored(f"the status {said!r} says nothing of a text of ours")
    return status


def inner(fields: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The object under *names*, one within the other; empty if there is none."""
    found: Any = fields
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def international(number: str) -> str:
    """*number* with a plus, for providers that write international numbers without one; short codes and names stay."""
    return f"+{number}" if number.isascii() and number.isdigit() and len(number) > 6 else number


def instant(text: str) -> datetime | None:
    """An ISO 8601 instant, None if *text* is none or names no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
