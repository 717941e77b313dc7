"""Reads the documentation: its pages, their blocks of code, their links.

A block may be preceded by one line of comment that says what it is:

``<!-- continues -->``            it goes on in the names of the block before it
``<!-- pytest -->``               a file of tests, run by pytest
``<!-- file: NAME -->``           a file of the page's story, which a test of its own plays
``<!-- shown only: REASON -->``   it is looked at and not run
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_SAID = re.compile(r"<!-- (?P<what>[^>]*?) -->\s*\Z")


class Block(NamedTuple):
    """One block of a page: ``said`` is the comment before it."""

    page: Path
    line: int
    language: str
    text: str
    said: str

    @property
    def place(self) -> str:
        """``docs/reference/hooks.md:12``."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def file(self) -> str:
        """The name of the file it is, if it is one."""
        return self.said.removeprefix("file: ") if self.said.startswith("file: ") else ""


def pages() -> list[Path]:
    """The pages that are ours to keep: docs/, the front page and the READMEs of examples."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").glob("*/README.md"))]


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """Every block of a page in order."""
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        said = _SAID.search(text[: match.start()])
        indent = len(match["indent"])
        body = "".join(line[indent:] or "\n" for line in match["text"].splitlines(keepends=True))
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match["language"], body, said["what"] if said else ""))
    return tuple(found)


def all_blocks(language: str) -> list[Block]:
    """Every block of *language* on all pages."""
    return [block for page in pages() for block in blocks(page) if block.language == language]


def files(page: Path) -> dict[str, str]:
    """The files of a page's story by name; of a name that comes twice the last."""
    return {block.file: block.text for block in blocks(page) if block.file}


def prose(page: Path) -> str:
    """The page without its blocks, its code in lines and its comments."""
    text = FENCE.sub("", page.read_text("utf-8"))
    return re.sub(r"`[^`\n]*`", "", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
