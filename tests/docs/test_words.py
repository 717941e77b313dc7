"""The documentation speaks the words of the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs._pages import DOCS, ROOT, pages, prose

FOREIGN = {
    r"\btickets?\b": "conversation",
    r"\bcustomers?\b(?![- ](?:care|service|satisfaction))": "contact",
    r"\bend[- ]users?\b": "contact",
    r"\bpending\b": "waiting",
    r"\bsolved\b": "resolved",
    r"\b(?:seamless\w*|blazing\w*|powerful|simply|effortless\w*|world-class|cutting-edge)\b": "nothing at all",
}
"""Words that are not ours, and what to write instead."""

EXPLAINS = {"glossary.md"}
"""Pages that may name a foreign word, to say what ours is."""


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_foreign_words_stay_out(page: Path) -> None:
    """Outside of code, a page uses our words for our things, and none that sells."""
    if page.name in EXPLAINS:
        return
    text = prose(page)
    wrong = [
        f"{match[0]!r}: write {ours}"
        for word, ours in FOREIGN.items()
        for match in re.finditer(word, text, re.IGNORECASE)
    ]
    assert not wrong


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_begins_with_its_title(page: Path) -> None:
    """The first line is a heading."""
    assert page.read_text("utf-8").startswith("# ")
