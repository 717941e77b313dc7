"""Which parts are the body: plain text and HTML in reading order, everything else is an attachment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from attrs import field, frozen

from carekit_email.codec.html import Token, as_text, marked_up, tokens
from carekit_email.codec.mime import Part
from carekit_email.codec.model import Limits
from carekit_email.codec.tnef import is_container, unpack

_TEXT = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext"})
_ENRICHED = frozenset({"text/enriched", "text/richtext"})
_ENRICHED_TAG = re.compile(r"<param>[^<]{0,200}</param>|<(?!<)/?[A-Za-z0-9-]{1,60}>", re.IGNORECASE)


@frozen
class Chunk:
    """One piece of the body in its two forms; None where it has no such form. `poor` text gives way to any other."""

    plain: str | None = None
    html: str | None = None
    poor: bool = False

    @cached_property
    def tokens(self) -> list[Token]:
        """The pieces of the HTML, [] without one; taken apart once, for the text and for the reply."""
        return tokens(marked_up(self.html)) if self.html else []


@frozen
class Body:
    """The chunks in order, and what is not body."""

    chunks: list[Chunk] = field(factory=list)
    rest: list[Part] = field(factory=list)

    @property
    def text(self) -> str:
        """Give the readable text: plain chunks, HTML ones converted where there is no plain text."""
        leading = next((chunk for chunk in self.chunks if (chunk.plain or chunk.html or "").strip()), Chunk())
        # Beside a plain text, HTML outside an alternative repeats it; after leading HTML, a plain text is a footer.
        only_plain = bool(leading.plain and leading.plain.strip())
        pieces: list[str] = []
        for chunk in self.chunks:
            if chunk.plain and chunk.plain.strip():
                pieces.append(chunk.plain)
            elif not only_plain:
                pieces.append(as_text(chunk.tokens))
        return "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())

    @property
    def html(self) -> str:
        """Give the HTML of all chunks that have it, "" when none has."""
        return "\n".join(chunk.html for chunk in self.chunks if chunk.html)

    @property
    def tokens(self) -> list[Token]:
        """Give the pieces of the HTML of all chunks."""
        return [token for chunk in self.chunks for token in chunk.tokens]

    @property
    def has_plain(self) -> bool:
        """Tell whether the text comes from plain parts only."""
        return any(chunk.plain and chunk.plain.strip() for chunk in self.chunks)


def body_of(root: Part, limits: Limits) -> Body:
    """Walk the tree without entering enclosed messages and choose the body."""
    body = Body()
    walk = _Walk(body, limits)
    if root.content_type.startswith("multipart/") and not root.is_multipart:
        body.chunks.append(Chunk(plain=root.text()[: limits.text]))
    else:
        body.chunks.extend(walk.chunks(root, top=True))
    if not any((chunk.plain or chunk.html or "").strip() for chunk in body.chunks):
        body.chunks.extend(_from_container(body.rest, limits))
    return body


def _from_container(rest: list[Part], limits: Limits) -> list[Chunk]:
    """Give the body that a TNEF container holds: a mail of Exchange may have no other."""
    unpacked = (unpack(part.content(), limits.unpacked) for part in rest if is_container(part))
    return [Chunk(one.text or None, one.html or None) for one in unpacked if one and (one.text or one.html)]


@frozen
class _Walk:
    """The choice of the body, part by part."""

    body: Body
    limits: Limits

    def chunks(self, node: Part, *, top: bool = False, first: bool = True) -> list[Chunk]:
        if node.is_multipart:
            forms = [self.chunks(child, first=number == 0) for number, child in enumerate(node.children)]
            if node.content_type == "multipart/alternative":
                return _alternative(forms)
            return [chunk for form in forms for chunk in form]
        if not _is_body(node, top, first):
            self.body.rest.append(node)
            return []
        return [self._leaf(node)]

    def _leaf(self, node: Part) -> Chunk:
        if node.content_type == "text/html":
            return Chunk(html=node.text()[: self.limits.html])
        text = node.text()[: self.limits.text]
        if node.content_type in _ENRICHED:
            return Chunk(plain=unenriched(text), poor=True)
        if node.parameters.get("format", "").lower() == "flowed":
            text = unflowed(text, node.parameters.get("delsp", "").lower() == "yes")
        return Chunk(plain=text)


def _alternative(forms: Sequence[Sequence[Chunk]]) -> list[Chunk]:
    """Merge the forms of one content: the longest plain list and the HTML of the last form that has it."""
    html = [chunk.html for form in forms for chunk in form if chunk.html]
    written = [chunk for form in forms for chunk in form if chunk.plain and chunk.plain.strip()]
    good = [chunk for chunk in written if not chunk.poor]
    plain = [chunk.plain for chunk in (good or ([] if html else written)) if chunk.plain]
    if not plain and not html:
        return []
    return [Chunk("\n".join(dict.fromkeys(plain)) or None, "\n".join(html) or None)]


def _is_body(node: Part, top: bool, first: bool) -> bool:
    """Tell whether a leaf is read as text: RFC 8621 section 4.1.4, where a first part may have a name."""
    if node.content_type not in _TEXT and not (top and node.content_type.startswith("text/")):
        return False
    if node.disposition == "attachment":
        return top and not node.name
    return not node.name or first


def unenriched(text: str) -> str:
    """Give enriched text (RFC 1896) as plain text: without its commands, and with its own rule for line ends."""
    lines = re.sub(r"\n+", lambda ends: "\n" * (len(ends.group()) - 1) or " ", text)
    return _ENRICHED_TAG.sub("", lines).replace("<<", "<")


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
