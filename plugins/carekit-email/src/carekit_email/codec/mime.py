"""The MIME tree: the standard library's tolerant parser, walked without recursion or exceptions."""

from __future__ import annotations

import binascii
import re
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from attrs import frozen

from carekit_email.codec.charsets import to_text
from carekit_email.codec.headers import Headers
from carekit_email.codec.words import from_base64, parameters

_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([A-Za-z0-9_-]{2,40})", re.IGNORECASE)


@frozen(eq=False)
class Part:
    """One node of the tree, its type and names decoded; `message` is the parser's object."""

    message: Message
    headers: Headers
    content_type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    content_id: str

    @property
    def is_multipart(self) -> bool:
        """Tell whether it is a multipart that really has parts."""
        return self.content_type.startswith("multipart/") and self.message.is_multipart()

    @property
    def children(self) -> list[Part]:
        """Give the parts of a multipart in order, [] for everything else: enclosed messages are opaque."""
        payload = self.message.get_payload() if self.is_multipart else []
        default = "message/rfc822" if self.content_type == "multipart/digest" else "text/plain"
        nodes = payload if isinstance(payload, list) else []
        return [part(child, default) for child in nodes if isinstance(child, Message)]

    def content(self) -> bytes:
        """Give the decoded bytes of a leaf, the source of an enclosed message; never raises."""
        if self.message.is_multipart():
            payload = self.message.get_payload()
            enclosed = payload if isinstance(payload, list) else []
            return b"".join(_source(child) for child in enclosed if isinstance(child, Message))
        # Without the field the parser gives the bytes as they came; its own decoding gives up on what is only odd.
        del self.message["content-transfer-encoding"]
        content = self.message.get_payload(decode=True)
        encoding = self.headers.token("content-transfer-encoding")
        return _transfer_decoded(content, encoding) if isinstance(content, bytes) else b""

    def text(self) -> str:
        """Give the content as text, line ends normalised to LF."""
        content = self.content()
        charset = self.parameters.get("charset")
        if self.content_type == "text/html":
            meta = _META_CHARSET.search(content[:4_096])
            charset = charset or (meta.group(1).decode("ascii") if meta else None)
        return to_text(content, charset).replace("\r\n", "\n").replace("\r", "\n")


def parse(raw: bytes) -> Part:
    """Parse *raw*, whose limits were checked; raises RecursionError if it is nested deeper than the parser can go."""
    message = BytesParser(policy=compat32).parsebytes(raw)
    root = part(message, "text/plain")
    if not root.headers.ascii:
        charsets = (_charset(node) for node in message.walk())
        root.headers.charset = next((str(charset) for charset in charsets if charset is not None), None)
    return root


def _charset(message: Message) -> str | None:
    content_type, values = parameters(Headers(message.raw_items()).raw("content-type"))
    return values.get("charset") if content_type in {"text/plain", "text/html"} else None


def part(message: Message, default: str) -> Part:
    """Wrap one node of the parser's tree."""
    headers = Headers(message.raw_items())
    content_type, values = parameters(headers.raw("content-type"))
    if not _TYPE.fullmatch(content_type):
        content_type = {"text": "text/plain", "html": "text/html"}.get(content_type, default)
    disposition, extra = parameters(headers.raw("content-disposition"))
    name = extra.get("filename") or values.get("name") or ""
    content_id = headers.text("content-id").strip("<> ")
    return Part(message, headers, content_type, values, disposition.split(" ")[0], name, content_id)


def _source(message: Message) -> bytes:
    """Give an enclosed message as it came; the library's generator folds headers anew and fails on many defects."""
    pieces: list[str] = []
    waiting: list[Message | str] = [message]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        pieces += [f"{name}: {value}\n" for name, value in node.raw_items()]
        pieces.append("\n")
        payload = node.get_payload()
        if not isinstance(payload, list):
            pieces.append(str(payload or ""))
            continue
        boundary = node.get_boundary() or ""
        inner: list[Message | str] = [f"{node.preamble}\n"] if boundary and node.preamble else []
        for child in payload:
            inner += [f"--{boundary}\n", child, "\n"] if boundary else [child]
        if boundary:
            inner.append(f"--{boundary}--\n{node.epilogue or ''}")
        waiting.extend(reversed(inner))
    return "".join(pieces).encode("utf-8", "surrogateescape")


def _transfer_decoded(data: bytes, encoding: str) -> bytes:
    if encoding.startswith("base64"):
        return from_base64(data)
    if encoding.startswith(("quoted-printable", "quoted_printable")):
        return binascii.a2b_qp(data)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
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
