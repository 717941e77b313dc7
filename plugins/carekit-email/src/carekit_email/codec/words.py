"""Header values to text: RFC 2047 words, raw 8-bit bytes, RFC 2231 parameters; always one line, always an answer."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from carekit_email.codec.charsets import known_charset, to_text

# Its text may have question marks (it must not, and does), but no beginning of another word, or it could take long.
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?=]|=(?!\?[^?\s]{1,60}\?[bBqQ]\?)|\?(?!=))*)\?=")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_FOR_LINKS = re.compile(rb"[A-Za-z0-9_\s-]+=*\s*")
_PADDING = re.compile(rb"=[=\s]*")
_FROM_LINKS = bytes.maketrans(b"-_", b"+/")
_FOOTER = re.compile(rb"\n[ \t\r]*\n(?=[^\n]{0,998}[^A-Za-z0-9+/=\s])")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_VALUE_END = re.compile(r"[\s,]+(?=[\w*.-]{1,40}\s*=)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
_ESCAPED = re.compile(r'\\(["\\])')
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
    run = _Run()
    end = 0
    for word in ENCODED_WORD.finditer(value):
        gap = value[end : word.start()]
        end = word.end()
        charset, encoding = word.group(1).partition("*")[0].lower(), word.group(2).lower()
        if not run.contents or gap.strip() or run.charset != charset:
            out += [run.text(), "" if run.contents and not gap.strip() else raw_text(gap, guess)]
            run = _Run(charset)
        run.add(encoding, word.group(3))
    return header_safe("".join(out) + run.text() + raw_text(value[end:], guess))


class _Run:
    """Encoded words of one charset with nothing between them: a character, or four of base64, may be split over two."""

    def __init__(self, charset: str = "") -> None:
        self.charset = charset
        self.contents: list[tuple[str, str]] = []

    def add(self, encoding: str, content: str) -> None:
        """Add a word; base64 that ends in the middle goes on in it."""
        if self.contents and encoding == "b" == self.contents[-1][0]:
            before = self.contents[-1][1]
            if len(before) % 4 and not before.endswith("="):
                self.contents[-1] = ("b", before + content)
                return
        self.contents.append((encoding, content))

    def text(self) -> str:
        """Give what the words say."""
        data = b"".join(_word_bytes(encoding, content) for encoding, content in self.contents)
        return to_text(data, self.charset) if data else ""


def decode_header(value: str, guess: str | None = None) -> str:
    """Decode an unstructured header value (Subject) to one line of text."""
    if "\n" in value or "\r" in value:
        value = value.replace("\r", "").replace("\n", "")
    return decode_words(value, guess)


@lru_cache(512)
def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split a Content-Type or Content-Disposition value into (value in lower case, decoded parameters).

    Understands RFC 2231 continuations and charsets, encoded words inside values, raw 8-bit names and missing quotes
    and semicolons. Of the forms in which a parameter is there, the one that says its charset counts, else the first.
    The answer is remembered, since most mails say the same few things: nobody may change it.
    """
    pieces = _split(_FOLD.sub(" ", value))
    pieces[:1] = _VALUE_END.split(pieces[0].strip(), maxsplit=1) if "=" in pieces[0] else pieces[:1]
    if "=" in pieces[0] and "/" not in pieces[0].partition("=")[0]:
        pieces.insert(0, "")  # the value itself was forgotten
    whole: dict[str, str] = {}
    parts: dict[str, dict[int, tuple[bool, str]]] = {}
    for piece in pieces[1:]:
        key, _, content = piece.partition("=")
        found = _SEGMENT.match(key.strip().lower())
        name, number, extended = found.groups() if found else (key, None, None)
        if number is None and not extended:
            whole.setdefault(name, decode_words(_unquote(content.strip())))
        else:
            parts.setdefault(name, {}).setdefault(int(number or 0), (bool(extended), _unquote(content.strip())))
    joined = {name: _join([segments[number] for number in sorted(segments)]) for name, segments in parts.items()}
    return pieces[0].strip().lower(), {name: text for name, text in (whole | joined).items() if name}


def _join(segments: list[tuple[bool, str]]) -> str:
    """Put a value together again: RFC 2231 names its charset in the first of its *segments* (extended, content)."""
    if not any(extended for extended, _ in segments):
        return decode_words("".join(content for _, content in segments))
    charset = ""
    data = bytearray()
    for number, (extended, content) in enumerate(segments):
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
    """Give what quotes hold; what stands behind them is a comment, and double ones are one too many."""
    if content[:2] == '""' and content[-2:] == '""':
        content = content[1:-1]
    if len(content) > 2 and content[0] == content[-1] == "'":
        return content[1:-1]
    if len(content) >= 2 and content[0] == content[-1] == '"':
        return _ESCAPED.sub(r"\1", content[1:-1])
    found = _QUOTED.match(content)
    return _ESCAPED.sub(r"\1", found.group(1)) if found else content.strip('"')


def _word_bytes(encoding: str, content: str) -> bytes:
    data = content.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    return from_base64(data)


def from_base64(data: bytes) -> bytes:
    """Decode base64 as far as it goes: foreign characters are skipped, padding is repaired.

    Padding in the middle ends one piece, and another follows if it is whole. Text behind a blank line was put there
    by a mailing list and is none. The alphabet for links is taken, too (RFC 4648 section 5).
    """
    footer = _FOOTER.search(data)
    data = data[: footer.start()] if footer else data
    if (b"-" in data or b"_" in data) and _FOR_LINKS.fullmatch(data):
        data = data.translate(_FROM_LINKS)
    first, *more = _PADDING.split(data)
    out = [_decoded(first)]
    for number, piece in enumerate(more, 1):
        clean = piece.translate(None, b" \t\r\n")
        whole = len(clean) % 4 == 0 or (len(clean) % 4 != 1 and number < len(more))
        if not clean or not whole or clean.translate(None, _NOT_BASE64) != clean:
            break
        out.append(_decoded(clean))
    return b"".join(out)


def _decoded(data: bytes) -> bytes:
    clean = data.translate(None, _NOT_BASE64)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
