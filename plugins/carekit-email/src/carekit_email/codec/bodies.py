"""Which parts are the body: plain text and HTML in reading order, everything else is an attachment."""

from __future__ import annotations

from attrs import field, frozen

from carekit_email.codec.attachments import extract_uuencoded
from carekit_email.codec.html import html_to_text
from carekit_email.codec.mime import Part
from carekit_email.codec.model import Attachment

_TEXT = frozenset({"text/plain", "text/html", "text/enriched", "text/x-amp-html"})
_MAX_TEXT = 2_000_000


@frozen
class Chunk:
    """One piece of the body in its two forms; None where it has no such form."""

    plain: str | None = None
    html: str | None = None


@frozen
class Body:
    """The chunks in order, what is not body, and attachments that were uuencoded inside the text."""

    chunks: list[Chunk] = field(factory=list)
    rest: list[Part] = field(factory=list)
    uuencoded: list[Attachment] = field(factory=list)

    def text(self, html_limit: int) -> str:
        """Give the readable text: plain chunks, HTML ones converted where there is no plain text."""
        leading = next((chunk for chunk in self.chunks if (chunk.plain or chunk.html or "").strip()), Chunk())
        # Beside a plain text, HTML outside an alternative repeats it; after leading HTML, a plain text is a footer.
        only_plain = bool(leading.plain and leading.plain.strip())
        pieces: list[str] = []
        for chunk in self.chunks:
            if chunk.plain and chunk.plain.strip():
                pieces.append(chunk.plain)
            elif not only_plain:
                pieces.append(html_to_text(chunk.html or "", html_limit))
        return "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())

    @property
    def html(self) -> str:
        """Give the HTML of all chunks that have it, "" when none has."""
        return "\n".join(chunk.html for chunk in self.chunks if chunk.html)

    @property
    def has_plain(self) -> bool:
        """Tell whether the text comes from plain parts only."""
        return any(chunk.plain and chunk.plain.strip() for chunk in self.chunks)


def body_of(root: Part) -> Body:
    """Walk the tree without entering enclosed messages and choose the body."""
    body = Body()
    if root.content_type.startswith("multipart/") and not root.is_multipart:
        body.chunks.append(Chunk(plain=root.text()[:_MAX_TEXT]))
    else:
        body.chunks.extend(_chunks(root, body, top=True))
    return body


def _chunks(node: Part, body: Body, top: bool) -> list[Chunk]:
    if node.is_multipart:
        children = node.children
        if node.content_type == "multipart/alternative":
            return _alternative(children, body)
        found: list[Chunk] = []
        for child in children:
            found.extend(_chunks(child, body, top=False))
        return found
    if not _is_body(node, top):
        body.rest.append(node)
        return []
    return [_leaf(node, body)]


def _alternative(children: list[Part], body: Body) -> list[Chunk]:
    """Merge the forms of one content: the longest plain list and the HTML of the last form that has it."""
    forms = [_chunks(child, body, top=False) for child in children]
    plain = [chunk.plain for form in forms for chunk in form if chunk.plain and chunk.plain.strip()]
    html = [chunk.html for form in forms for chunk in form if chunk.html]
    if not plain and not html:
        return []
    return [Chunk("\n".join(dict.fromkeys(plain)) or None, "\n".join(html) or None)]


def _is_body(node: Part, top: bool) -> bool:
    if node.content_type not in _TEXT:
        return False
    if node.disposition == "attachment":
        return top and not node.name
    return not node.name or top


def _leaf(node: Part, body: Body) -> Chunk:
    text = node.text()[:_MAX_TEXT]
    if node.content_type == "text/html":
        return Chunk(html=text)
    if node.parameters.get("format", "").lower() == "flowed":
        text = unflowed(text, node.parameters.get("delsp", "").lower() == "yes")
    text, files = extract_uuencoded(text)
    body.uuencoded.extend(files)
    return Chunk(plain=text)


def unflowed(text: str, delsp: bool) -> str:
    """Join the soft line breaks of RFC 3676 text; quoted lines join only with lines of the same depth."""
    out: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        piece = content[:-1] if soft and delsp else content
        if open_depth == depth and content != "-- ":
            out[-1] += piece
        else:
            out.append(">" * depth + (" " if depth else "") + piece)
        open_depth = depth if soft else -1
    return "\n".join(out)
