"""The header block: repaired on the bytes, then looked up by name without any exception."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from carekit_email.codec.addresses import Mailbox, mailboxes
from carekit_email.codec.words import decode_header, decode_words

_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_KNOWN = re.compile(
    rb"^(?:from|to|cc|subject|date|message-id|mime-version|content-type|content-transfer-encoding|reply-to|received):",
    re.IGNORECASE | re.MULTILINE,
)
_BOUNDARY_UNINDENTED = re.compile(rb";[ \t]*\r?\n(?=boundary=)", re.IGNORECASE)
_MBOX = re.compile(rb">?From (?![ \t]*:)[^\n]*\n")
_ID = re.compile(r"<([^<>]{1,998})>")
_TOKEN_END = re.compile(r"[\s;,]")
_MAX_VALUE = 262_144
_NOT_IN_ID = re.compile(r"[\s\x00-\x1f]+")


class Headers:
    """Header fields by their names in lower case, repeatable; values keep 8-bit bytes as surrogates until decoded."""

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        self.charset: str | None = None
        """What raw 8-bit values are probably in: the charset the body declares."""
        self.ascii = True
        """Whether no value has raw 8-bit bytes."""
        for name, value in items:
            self.ascii = self.ascii and value.isascii()
            self._values.setdefault(name.strip().lower(), []).append(value[:_MAX_VALUE])

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> Iterable[str]:
        """Give all field names in lower case."""
        return self._values.keys()

    def raw(self, name: str) -> str:
        """Give the first non-empty value as it came, "" when there is none."""
        values = self._values.get(name)
        return next((value for value in values if value.strip()), "") if values else ""

    def all(self, name: str) -> list[str]:
        """Give every value as it came."""
        return self._values.get(name, [])

    def text(self, name: str) -> str:
        """Give the first non-empty value decoded to one line."""
        return decode_header(self.raw(name), self.charset).strip()

    def token(self, name: str) -> str:
        """Give the first word of the value in lower case, for keyword fields."""
        return _TOKEN_END.split(self.text(name).lower(), maxsplit=1)[0] if name in self._values else ""

    def boxes(self, name: str, limit: int) -> tuple[Mailbox, ...]:
        """Give the mailboxes of all fields of this name, at most *limit*."""
        found: list[Mailbox] = []
        for value in self.all(name)[:limit]:
            found.extend(mailboxes(value, limit - len(found), self.charset))
            if len(found) >= limit:
                break
        return tuple(found)


def repaired(raw: bytes) -> bytes:
    """Give the mail with a header block the parser reads to its end.

    Leading blank lines and an mbox "From " line go. A junk line in the middle of the fields is dropped; when no field
    follows it before the first blank line, the body starts there, so a blank line is put in.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\n" not in raw[:100_000] and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    elif raw[: raw.find(b"\n") + 1].endswith(b"\r\r\n"):
        raw = raw.replace(b"\r\r\n", b"\r\n")  # written by a program that thought it was text
    if raw[:1] in {b" ", b"\t"} and _FIELD.match(raw.lstrip(b" \t")):
        raw = raw.lstrip(b" \t")
    mbox = _MBOX.match(raw)
    if mbox:
        raw = raw[mbox.end() :]
    if b"\nboundary=" in raw or b"\nBoundary=" in raw:
        raw = _BOUNDARY_UNINDENTED.sub(b"; ", raw)
    blanks = [found for found in (raw.find(b"\n\n"), raw.find(b"\n\r\n", 0, 4_000_000)) if found >= 0]
    block_end = min(blanks) + 1 if blanks else len(raw)
    last_known = max((known.start() for known in _KNOWN.finditer(raw, 0, block_end)), default=-1)
    kept: list[bytes] = []
    position = 0
    while position < len(raw):
        end = raw.find(b"\n", position) + 1 or len(raw)
        line = raw[position:end]
        if not line.strip(b"\r\n"):
            return raw if len(kept) == 0 and position == 0 else b"".join(kept) + raw[position:]
        if _FIELD.match(line) or (kept and line[:1] in b" \t" and line.strip()):
            kept.append(line)
        elif not (kept and position < last_known) and not _field_follows(raw, end):
            return b"".join(kept) + b"\n" + raw[position:]
        position = end
    return b"".join(kept)


def _field_follows(raw: bytes, position: int) -> bool:
    """Tell whether one of the next lines is a field, looking a few lines ahead and not past a blank one."""
    for _ in range(10):
        end = raw.find(b"\n", position) + 1 or len(raw)
        line = raw[position:end]
        if not line.strip():
            return False
        if _FIELD.match(line):
            return True
        position = end
    return False


def message_ids(values: Iterable[str], limit: int) -> tuple[str, ...]:
    """Give at most *limit* distinct message ids, without brackets, of In-Reply-To or References values.

    When there are more, the first and the newest stay. Text that is no id is skipped, an id without brackets taken.
    """
    found: dict[str, None] = {}
    for value in values:
        value = decode_words(value)
        ids = _ID.findall(value) or [word for word in re.split(r"[\s,]+", value) if "@" in word and len(word) < 998]
        found.update((_NOT_IN_ID.sub("", item), None) for item in ids)
    distinct = [item for item in found if item]
    return tuple(distinct if len(distinct) <= limit else [distinct[0], *distinct[1 - limit :]])


def message_id(headers: Headers, raw: bytes) -> str:
    """Give the Message-ID without brackets; a missing one is made from the bytes, so a second delivery is the same."""
    for value in headers.all("message-id"):
        value = decode_words(value)
        found = _ID.search(value)
        text = _NOT_IN_ID.sub("", found.group(1) if found else value.strip("<> \t\r\n"))
        if text:
            return text[:998].encode("utf-8", "replace").decode("utf-8")
    return f"{hashlib.sha256(raw).hexdigest()[:40]}@missing.invalid"


def claimed_date(headers: Headers) -> datetime | None:
    """Give what the Date field claims as aware UTC, None when it cannot be read."""
    try:
        claimed = parsedate_to_datetime(headers.text("date")[:200])
        if claimed.tzinfo is None:
            claimed = claimed.replace(tzinfo=UTC)
        return claimed.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
