"""Header values to text: RFC 2047 words, raw 8-bit bytes, RFC 2231 parameters; always one line, always an answer."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from carekit_email.codec.charsets import known_charset, to_text

ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_FOOTER = re.compile(rb"\n[ \t\r]*\n(?=[^\n]{0,998}[^A-Za-z0-9+/=\s])")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_SEGMENT = re.compile(r"^(.*?)(?:\*(\d{1,6}))?(\*)?$", re.DOTALL)


def header_safe(value: str) -> str:
    """Give *value* as one line: line ends, NULs and other controls become single spaces, lone surrogates go.

    Every value written to a header, a log line or an SMTP command passes here, and every decoded one, too: an encoded
    word may hide a line end.
    """
    if value.isascii() and value.isprintable():
        return value.strip()
    return _UNSAFE.sub(" ", value).encode("utf-8", "ignore").decode("utf-8").strip()


def raw_text(value: str, charset: str | None = None) -> str:
    """Decode the raw 8-bit bytes of a header value, which the parser kept as surrogates; *charset* is a guess."""
    if value.isascii() and "\x1b" not in value:
        return value
    return to_text(value.encode("utf-8", "surrogateescape"), None, guess=charset)


def decode_words(value: str, guess: str | None = None) -> str:
    """Decode every encoded word of *value*; adjacent words of one charset are joined before decoding.

    Raw 8-bit bytes between the words are decoded as well, as *guess* when they are not UTF-8.
    """
    if "=?" not in value:
        return header_safe(raw_text(value, guess))
    out: list[str] = []
    pending: tuple[str, bytes] | None = None
    end = 0
    for word in ENCODED_WORD.finditer(value):
        gap = value[end : word.start()]
        end = word.end()
        charset, data = word.group(1).partition("*")[0].lower(), _word_bytes(word.group(2), word.group(3))
        if pending is not None and not gap.strip():
            if pending[0] == charset:
                pending = (charset, pending[1] + data)
                continue
            gap = ""
        if pending is not None:
            out.append(to_text(pending[1], pending[0]))
        out.append(raw_text(gap, guess))
        pending = (charset, data)
    if pending is not None:
        out.append(to_text(pending[1], pending[0]))
    return header_safe("".join(out) + raw_text(value[end:], guess))


def decode_header(value: str, guess: str | None = None) -> str:
    """Decode an unstructured header value (Subject) to one line of text."""
    if "\n" in value or "\r" in value:
        value = value.replace("\r", "").replace("\n", "")
    return decode_words(value, guess)


@lru_cache(512)
def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split a Content-Type or Content-Disposition value into (value in lower case, decoded parameters).

    Understands RFC 2231 continuations and charsets, encoded words inside values, raw 8-bit names and missing quotes.
    The answer is remembered, since most mails say the same few things: nobody may change it.
    """
    pieces = _split(_FOLD.sub(" ", value))
    if "=" in pieces[0] and "/" not in pieces[0].partition("=")[0]:
        pieces.insert(0, "")  # the value itself was forgotten
    segments: dict[str, list[tuple[int, bool, str]]] = {}
    for piece in pieces[1:]:
        key, _, content = piece.partition("=")
        found = _SEGMENT.match(key.strip().lower())
        name, number, extended = found.groups() if found else (key, None, None)
        segments.setdefault(name, []).append((int(number or 0), bool(extended), _unquote(content.strip())))
    return pieces[0].strip().lower(), {name: _join(parts) for name, parts in segments.items() if name}


def _join(parts: list[tuple[int, bool, str]]) -> str:
    parts = sorted(parts, key=lambda part: part[0])
    if not any(extended for _, extended, _ in parts):
        return decode_words("".join(content for _, _, content in parts))
    charset = ""
    data = bytearray()
    for number, (_, extended, content) in enumerate(parts):
        if extended and number == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        as_bytes = content.encode("utf-8", "surrogateescape")
        data += unquote_to_bytes(as_bytes) if extended else as_bytes
    return decode_words(to_text(bytes(data), charset if known_charset(charset) else None))


def _split(value: str) -> list[str]:
    """Split at semicolons outside quotes; an opening quote that never closes is an ordinary character."""
    pieces: list[str] = []
    start, position = 0, 0
    quotes_left = value.count('"')
    while position < len(value):
        char = value[position]
        if char == '"' and quotes_left > 1:
            end = value.find('"', position + 1)
            while value[end - 1] == "\\" and value.find('"', end + 1) > 0:
                quotes_left -= 1
                end = value.find('"', end + 1)
            quotes_left -= 2
            position = end
        elif char == ";":
            pieces.append(value[start:position])
            start = position + 1
        position += 1
    return [*pieces, value[start:]]


def _unquote(content: str) -> str:
    if len(content) >= 2 and content[0] == content[-1] == '"':
        return re.sub(r'\\(["\\])', r"\1", content[1:-1])
    return content.strip('"')


def _word_bytes(encoding: str, content: str) -> bytes:
    data = content.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    return from_base64(data)


def from_base64(data: bytes) -> bytes:
    """Decode base64 as far as it goes: foreign characters are skipped, padding is repaired.

    Text behind a blank line was put there by a mailing list and is none.
    """
    footer = _FOOTER.search(data)
    clean = (data[: footer.start()] if footer else data).translate(None, _NOT_BASE64)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
