"""Reading Markdown: passages by heading, plain text for a message, links with the line they stand on.

One parser setting for everything, so that what the bot quotes and what the help centre shows are the same article.
Raw HTML is not interpreted: it stays visible text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs
from markdown_it import MarkdownIt
from markdown_it.token import Token

_BREAKS = {"softbreak": " ", "hardbreak": "\n"}


@attrs.frozen
class Passage:
    """One section of an article: *heading* and *anchor* are empty for what stands before the first heading."""

    heading: str
    anchor: str
    body: str
    text: str


@attrs.frozen
class Link:
    """Where a link or picture points, and the line (from 1) of the block it stands in."""

    target: str
    line: int


@attrs.frozen
class Section:
    """The tokens of one section; ``start`` and ``end`` are lines from 0, the end exclusive, the heading included."""

    heading: str
    anchor: str
    start: int
    end: int
    tokens: tuple[Token, ...]


def parser() -> MarkdownIt:
    """A CommonMark parser with tables, without raw HTML."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def anchor_of(heading: str) -> str:
    """The fragment a heading is linked by: ASCII letters and digits, joined by hyphens."""
    folded = unicodedata.normalize("NFKD", heading.casefold())
    plain_letters = "".join(char for char in folded if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain_letters).strip("-") or "section"


def sections(body: str) -> tuple[Section, ...]:
    """*body* cut before each heading that stands at the outer level; the first may have none, and no anchor then."""
    tokens = parser().parse(body)
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    edges = sorted({0, *starts, len(tokens)})
    lines = body.count("\n") + 1
    taken: dict[str, int] = {}
    found = []
    for first, last in pairwise(edges):
        begin = _line(tokens[first])
        end = _line(tokens[last]) if last < len(tokens) else lines
        heading, anchor, rest = "", "", tokens[first:last]
        if first in starts:
            heading, rest = inline(tokens[first + 1]), tokens[first + 3 : last]
            anchor = _unique(anchor_of(heading), taken)
        found.append(Section(heading, anchor, begin, end, tuple(rest)))
    return tuple(found)


def passages(body: str) -> tuple[Passage, ...]:
    """The sections of *body* as text; a heading with nothing under it gives none."""
    lines = body.split("\n")
    found = []
    for section in sections(body):
        text = plain(section.tokens)
        if text:
            found.append(
                Passage(section.heading, section.anchor, "\n".join(lines[section.start : section.end]).strip(), text)
            )
    return tuple(found)


def links(body: str) -> tuple[Link, ...]:
    """Every link and picture of *body*, in reading order."""
    found = []
    for token in parser().parse(body):
        line = _line(token) + 1
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if target is not None:
                found.append(Link(str(target), line))
    return tuple(found)


def plain(tokens: Sequence[Token]) -> str:
    """*tokens* as text for a message: one line a paragraph, list item or table row, paragraphs apart.

    A table row reads "first cell: header value, header value", because a message has no columns.
    """
    blocks: list[tuple[bool, str]] = []
    markers: list[str] = []
    marker = ""
    for table, token in _with_tables(tokens):
        if table is not None:
            blocks.append((False, "\n".join(_rows(table))))
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            markers.append("- " if token.type == "bullet_list_open" else "")
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            markers.pop()
        elif token.type == "list_item_open":
            marker = markers[-1] or f"{token.info}. "
        elif token.type in ("inline", "fence", "code_block"):
            text = inline(token) if token.type == "inline" else token.content.rstrip()
            blocks.append((bool(marker), marker + text))
            marker = ""
    return _joined(blocks)


def inline(token: Token) -> str:
    """The readable words of one line of Markdown: link texts without their targets, pictures by their description."""
    return "".join(_BREAKS.get(child.type, child.content) for child in token.children or ())


def _joined(blocks: Sequence[tuple[bool, str]]) -> str:
    text, after_item = "", False
    for is_item, block in blocks:
        if block.strip():
            text += ("\n" if is_item and after_item else "\n\n" if text else "") + block
            after_item = is_item
    return text


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _unique(anchor: str, taken: dict[str, int]) -> str:
    taken[anchor] = taken.get(anchor, 0) + 1
    return anchor if taken[anchor] == 1 else f"{anchor}-{taken[anchor]}"


def _with_tables(tokens: Sequence[Token]) -> Iterator[tuple[Sequence[Token] | None, Token]]:
    """Each token alone, but a table as one: its tokens come together with its opening one."""
    at = 0
    while at < len(tokens):
        if tokens[at].type == "table_open":
            end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
            yield tokens[at:end], tokens[at]
            at = end
        else:
            yield None, tokens[at]
        at += 1


def _rows(table: Sequence[Token]) -> Iterator[str]:
    rows: list[list[str]] = []
    for token in table:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(inline(token))
    header = rows[0]
    for row in rows[1:]:
        cells = [f"{name} {cell}".strip() for name, cell in zip(header[1:], row[1:], strict=False) if cell]
        yield f"{row[0]}: {', '.join(cells)}" if cells else row[0]
