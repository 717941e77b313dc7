"""The MIME tree: cut out of the bytes as the standard library's tolerant parser does it, without going line by line.

`tests/test_mime.py` compares the two over real and broken mail. What differs on purpose: enclosed messages are opaque
here, so nothing of them is parsed, and they keep their bytes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice

from attrs import frozen

from carekit_email.codec.charsets import to_text
from carekit_email.codec.headers import Headers
from carekit_email.codec.words import from_base64, parameters

_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_MEANT = {"text": "text/plain", "html": "text/html", "multipart": "multipart/mixed", "message": "message/rfc822"}
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([A-Za-z0-9_-]{2,40})", re.IGNORECASE)
_NOT_ENCODING = re.compile(r"[^a-z0-9]+")
_SPACED_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_WORDS = re.compile(rb"\s*[A-Za-z,.]+(?:[ \t]+[A-Za-z,.:]+){3}")
_DELIMITER_LINE = re.compile(
    rb"(?:\A|[\r\n])--([!-~](?:[ -~]{0,68}[!-~])?)[ \t]*(?:\r\n|\r|\n)(?=[!-9;-~]{1,76}:|[ \t]*[\r\n])"
)
_MOST_SNIFFED = 200
_BOUNDARY = re.compile(r"boundary[ \t]*=[ \t]*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_NAME = re.compile(r"([!-9;-~]*)[ \t]*:")
_BLANK_REST = re.compile(rb"[ \t]*(?:\r\n|\r|\n|\Z)")


@frozen(eq=False)
class Part:
    """One node of the tree, its type and names decoded; `body` is what follows its header, undecoded."""

    headers: Headers
    content_type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    content_id: str
    body: bytes
    children: tuple[Part, ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Tell whether it is a multipart that really has parts."""
        return bool(self.children)

    def content(self) -> bytes:
        """Give the decoded bytes of a leaf; never raises."""
        if "content-transfer-encoding" not in self.headers:
            return self.body
        encoding = _NOT_ENCODING.sub("", self.headers.text("content-transfer-encoding").lower())
        if encoding.startswith("base64") and self.content_type.startswith("text/") and _WORDS.match(self.body):
            return self.body  # it says so, and is not
        return _transfer_decoded(self.body, encoding)

    def text(self) -> str:
        """Give the content as text, line ends normalised to LF."""
        content = self.content()
        charset = self.parameters.get("charset")
        if self.content_type == "text/html":
            meta = _META_CHARSET.search(content[:4_096])
            charset = charset or (meta.group(1).decode("ascii") if meta else None)
        return to_text(content, charset).replace("\r\n", "\n").replace("\r", "\n")


def parse(raw: bytes) -> Part:
    """Take apart *raw*, whose limits were checked: multiparts nest no deeper than those allow."""
    root = _part(raw, "text/plain", outermost=True)
    if not root.headers.ascii:
        texts = (part for part in _walk(root) if part.content_type in {"text/plain", "text/html"})
        root.headers.charset = next(
            (part.parameters["charset"] for part in texts if "charset" in part.parameters), None
        )
    return root


def _walk(part: Part) -> Iterator[Part]:
    yield part
    for child in part.children:
        yield from _walk(child)


def _part(raw: bytes, default: str, *, outermost: bool = False) -> Part:
    fields, body = _split_header(raw)
    headers = Headers(fields)
    content_type, values = parameters(headers.raw("content-type"))
    if not _TYPE.fullmatch(content_type):
        content_type = _MEANT.get(content_type.partition("/")[0].strip(), default)
    disposition, extra = parameters(headers.raw("content-disposition"))
    children: tuple[Part, ...] = ()
    if content_type.startswith("multipart/"):
        inner = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        pieces = _first_pieces(body, _boundaries(headers, values)) or (_sniffed(body) if outermost else [])
        children = tuple(_part(piece, inner) for piece in pieces)
    return Part(
        headers=headers,
        content_type=content_type,
        parameters=values,
        disposition=disposition.split(" ")[0],
        name=extra.get("filename") or values.get("name") or "",
        content_id=headers.text("content-id").strip("<> ") if "content-id" in headers else "",
        body=body,
        children=children,
    )


def _split_header(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Split a part into its fields and what follows them: a blank line, or the first line that can be no field."""
    fields: list[tuple[str, list[str]]] = []
    position = 0
    while position < len(raw):
        end = _line_end(raw, position)
        line = raw[position:end].decode("ascii", "surrogateescape")
        if line[0] in "\r\n":
            return _joined(fields), raw[end:]
        if line[0] in " \t":
            if fields:
                fields[-1][1].append(line)
        elif (found := _NAME.match(line)) is not None:
            if found.group(1):
                fields.append((found.group(1), [line[found.end() :].lstrip(" \t")]))
        elif not line.startswith("From "):
            return _joined(fields), raw[position:]
        position = end
    return _joined(fields), b""


def _joined(fields: list[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    return [(name, "".join(lines).rstrip("\r\n")) for name, lines in fields]


def _line_end(raw: bytes, start: int) -> int:
    """Give where the line at *start* ends, its line end included; a lone CR is one as well."""
    feed = raw.find(b"\n", start)
    end = feed + 1 if feed >= 0 else len(raw)
    carriage = raw.find(b"\r", start, end)
    if carriage < 0 or carriage == feed - 1:
        return end
    return carriage + (2 if raw[carriage + 1 : carriage + 2] == b"\n" else 1)


def _boundaries(headers: Headers, values: dict[str, str]) -> Iterator[str]:
    """Give what may be the boundary: as the parameter reads, and as it stands there, undecoded."""
    if values.get("boundary"):
        yield values["boundary"].rstrip()
    found = _BOUNDARY.search(headers.raw("content-type"))
    if found is not None:
        yield (found.group(1) or found.group(2)).rstrip()


def _first_pieces(body: bytes, boundaries: Iterator[str]) -> list[bytes]:
    return next((pieces for one in boundaries if one and (pieces := list(_pieces(body, one)))), [])


def _sniffed(body: bytes) -> list[bytes]:
    """Give the pieces of a multipart whose header names no boundary, or another one: by what looks like its own."""
    found = _DELIMITER_LINE.search(body)
    if found is None:
        return []
    pieces = list(islice(_pieces(body, found.group(1).decode("ascii")), _MOST_SNIFFED + 1))
    whole = len(pieces) > 1 or b"--" + found.group(1) + b"--" in body
    return pieces if whole and len(pieces) <= _MOST_SNIFFED else []


def _pieces(body: bytes, boundary: str) -> Iterator[bytes]:
    """Give what stands between the delimiter lines of *boundary* (RFC 2046 section 5.1), up to the closing one."""
    delimiter = b"--" + boundary.encode("utf-8", "surrogateescape")
    start = -1
    for position, end, closing in _delimiters(body, delimiter):
        if start >= 0 and position > start:
            yield _without_line_end(body[start:position])
        start = end
        if closing:
            return
    if start >= 0:
        yield _without_line_end(body[start:])


def _without_line_end(piece: bytes) -> bytes:
    """Give *piece* without its last line end, which belongs to the delimiter after it."""
    if piece.endswith(b"\r\n"):
        return piece[:-2]
    return piece[:-1] if piece[-1:] in {b"\n", b"\r"} else piece


def _delimiters(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
    """Give (start, end, whether it closes) of every delimiter line."""
    position = body.find(delimiter)
    while position >= 0:
        after = position + len(delimiter)
        closing = body[after : after + 2] == b"--"
        found = _BLANK_REST.match(body, after + 2 * closing)
        if found is not None and (position == 0 or body[position - 1] in b"\r\n"):
            yield position, found.end(), closing
            after = found.end()
        position = body.find(delimiter, after)


def _transfer_decoded(data: bytes, encoding: str) -> bytes:
    if encoding.startswith("base64"):
        return from_base64(data)
    if encoding.startswith("quotedprintable"):
        return binascii.a2b_qp(_SPACED_BREAK.sub(b"=", data) if b"= " in data or b"=\t" in data else data)
    if encoding in {"xuuencode", "uuencode", "xuue", "uue"}:
        return uudecoded(data.splitlines())
    return data


def uudecoded(lines: list[bytes]) -> bytes:
    """Decode uuencoded *lines*; the begin and end lines may be there, broken lines give what they can."""
    out = bytearray()
    for line in lines:
        if line.startswith(b"begin ") or not line.strip():
            continue
        if line.strip() in {b"end", b"`"}:
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders pad wrongly: the length in the first character tells how many characters count.
            wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out += binascii.a2b_uu(line[:wanted])
            except binascii.Error:
                continue
    return bytes(out)
