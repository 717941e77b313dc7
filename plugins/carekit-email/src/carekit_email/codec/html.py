"""HTML of strangers: sanitised for display without remote images, and as plain text; both in bounded time.

Everything goes through nh3 (an HTML5 parser) first. What comes out is well-formed, so the scans here are single passes.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Final

import nh3

_TAGS: Final = nh3.ALLOWED_TAGS | {"tfoot", "font", "big"}
_ATTRIBUTES: Final = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "ol": {"start"},
    "font": {"color"},
}
_SCHEMES: Final = {"http", "https", "mailto", "tel", "cid", "data"}
_INLINE_IMAGE = re.compile(r"(?:cid:|data:image/(?:png|gif|jpe?g|webp);base64,)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^\"<>]*+(?:\"[^\"]*+\"[^\"<>]*+)*+)>")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_SPACES = re.compile(r" {2,}")
_ALT = re.compile(r'\balt="([^"]*)"')
_OPEN_CLOSE = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_SHALLOW: Final = frozenset(
    "area base br col embed hr img input link meta param source wbr p li td tr th dt dd option o".split()
)
_MAX_NESTING: Final = 500
_LINE_BREAKING: Final = frozenset(
    "address article aside blockquote center dd details dir div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr li nav ol p pre section table tbody tfoot thead tr ul br title".split()
)  # fmt: skip
_PARAGRAPH: Final = frozenset("p blockquote h1 h2 h3 h4 h5 h6 pre ul ol table".split())
_MARKED: Final = {"*": {"class", "id", "style", "type", "name", "data-marker"}, "a": {"href"}, "img": {"alt"}}


Token = tuple[str, str, str]
"""A piece of well-formed HTML: ("text", text, ""), ("open", tag, attributes) or ("close", tag, "")."""


def sanitise(html: str) -> str:
    """Give safe HTML: no scripts, styles, forms, events or remote images."""
    if too_deep(html):
        return "<pre>" + escape(_stripped(html), quote=False) + "</pre>"
    return _TAG.sub(_drop_sourceless_image, _SAFE.clean(html))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _INLINE_IMAGE.match(value.strip()) else None
    if name == "href" and re.match(r"\s*(?:data|cid):", value, re.IGNORECASE):
        return None
    return value


# Made once: to set a cleaner up takes several times as long as to clean a mail.
_SAFE: Final = nh3.Cleaner(
    tags=set(_TAGS),
    attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
    attribute_filter=_attribute,
    url_schemes=set(_SCHEMES),
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)
_WHOLE: Final = nh3.Cleaner(
    tags=set(_TAGS) | {"body", "section", "address", "dir"},
    attributes={tag: set(names) for tag, names in _MARKED.items()},
    clean_content_tags={"script", "style", "title"},
    url_schemes=set(_SCHEMES),
    link_rel=None,
)


def _drop_sourceless_image(tag: re.Match[str]) -> str:
    return "" if tag.group(2) == "img" and ' src="' not in tag.group(3) else tag.group()


def too_deep(html: str) -> bool:
    """Tell whether elements nest deeper than an HTML5 parser handles in good time (its cost grows with the depth)."""
    if html.count("<") <= _MAX_NESTING:
        return False
    depth = 0
    for tag in _OPEN_CLOSE.finditer(html):
        if tag.group(2).lower() in _SHALLOW:
            continue
        depth += -1 if tag.group(1) else 1
        depth = max(depth, 0)
        if depth > _MAX_NESTING:
            return True
    return False


def _stripped(html: str) -> str:
    return unescape(re.sub(r"<[^<>]*>?", " ", html))


def marked_up(html: str) -> str:
    """Give well-formed HTML that keeps the attributes that tell a quotation from a reply."""
    if too_deep(html):
        return escape(_stripped(html), quote=False)
    return _WHOLE.clean(html)


def tokens(html: str) -> list[Token]:
    """Split well-formed HTML into its pieces, in order."""
    out: list[Token] = []
    end = 0
    for tag in _TAG.finditer(html):
        if tag.start() > end:
            out.append(("text", unescape(html[end : tag.start()]), ""))
        out.append(("close" if tag.group(1) else "open", tag.group(2), tag.group(3)))
        end = tag.end()
    if end < len(html):
        out.append(("text", unescape(html[end:]), ""))
    return out


def as_text(pieces: list[Token]) -> str:
    """Render tokens as plain text: block elements break lines, quotations get "> ", runs of spaces shrink."""
    writer = _Writer()
    for kind, value, attributes in pieces:
        if kind == "text":
            writer.text(value)
        else:
            writer.tag(value, attributes, opening=kind == "open")
    return writer.result()


class _Writer:
    """Collects lines of text."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.preformatted = 0
        self.quoted = 0

    def text(self, value: str) -> None:
        if self.preformatted:
            first, *rest = value.split("\n")
            self.line.append(first)
            for more in rest:
                self._break()
                self.line.append(more)
        else:
            self.line.append(_BLANKS.sub(" ", value))

    def tag(self, name: str, attributes: str, opening: bool) -> None:
        if name == "br" or (name == "hr" and opening):
            self._break()
        elif name in _LINE_BREAKING:
            if any(piece.strip() for piece in self.line):
                self._break()
            self.line.clear()
            if name in _PARAGRAPH and self.lines and self.lines[-1].strip("> "):
                self.lines.append("> " * min(self.quoted, 8))
        elif name in {"td", "th"}:
            self.line.append(" ")
        elif name == "img" and opening:
            alt = _ALT.search(attributes)
            self.line.append(f" {unescape(alt.group(1))} " if alt else "")
        if name == "pre":
            self.preformatted = max(0, self.preformatted + (1 if opening else -1))
        elif name == "blockquote":
            self.quoted = max(0, self.quoted + (1 if opening else -1))

    def _break(self) -> None:
        line = "".join(self.line)
        line = line.rstrip() if self.preformatted else _SPACES.sub(" ", line).strip()
        self.lines.append("> " * min(self.quoted, 8) + line)
        self.line.clear()

    def result(self) -> str:
        if any(piece.strip() for piece in self.line):
            self._break()
        return "\n".join(self.lines).replace("\xa0", " ").strip()
