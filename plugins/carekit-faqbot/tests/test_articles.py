"""Loading a folder of articles: what it gives, and everything it complains about."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from carekit import ConfigError
from carekit_faqbot.articles import ArticlesError, load_articles

GOOD = """---
title: Returns
aliases: Send it back, Return label
aliases: Exchange
language: en-GB
updated: 2025-10-02
---

You can return it. See [Refunds](refunds.md#late).

## How

Print the label.
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(ArticlesError) as caught:
        load_articles(folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_an_article_is_read_with_all_its_fields(tmp_path: Path) -> None:
    """Front matter, slug, Markdown, plain text and passages all arrive."""
    write(tmp_path, returns=GOOD, refunds="---\ntitle: Refunds\n---\nSoon.\n")
    article = load_articles(tmp_path)[1]
    assert (article.slug, article.title, article.language) == ("returns", "Returns", "en-GB")
    assert article.aliases == ("Send it back", "Return label", "Exchange")
    assert article.updated == date(2025, 10, 2)
    assert article.text == "You can return it. See Refunds.\n\nHow\nPrint the label."
    assert [(part.heading, part.anchor) for part in article.passages] == [("", ""), ("How", "how")]


def test_articles_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """The order does not depend on the file system."""
    write(tmp_path, **{name: f"---\ntitle: {name}\n---\nText." for name in ("c", "a", "b")})
    assert [article.slug for article in load_articles(tmp_path)] == ["a", "b", "c"]


def test_windows_line_ends_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    """A file saved on Windows is an article like any other."""
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf---\r\ntitle: A\r\n---\r\nText.\r\n")
    assert load_articles(tmp_path)[0].text == "Text."


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Text.", "a.md:1: the file does not begin with front matter; begin with `---`, `title: ...`, `---`"),
        ("---\ntitle: A\n", "a.md:1: the front matter has no end; close it with a line `---` above the text"),
        ("---\nlanguage: en\n---\nText.", "a.md:1: there is no title; add a line `title: ...` to the front matter"),
        ("---\ntitle:\n---\nText.", "a.md:2: there is no title; add a line `title: ...` to the front matter"),
        ("---\ntitle: A\nalias: B\n---\nText.", 'a.md:3: unknown key "alias"; did you mean "aliases"?'),
        (
            "---\ntitle: A\nfoo: B\n---\nText.",
            'a.md:3: unknown key "foo"; known keys: title, aliases, language, updated',
        ),
        ("---\ntitle: A\nnonsense\n---\nText.", 'a.md:3: "nonsense" is not `key: value`; put a colon after the key'),
        (
            "---\ntitle: A\ntitle: B\n---\nText.",
            'a.md:3: "title" is given twice, first in line 2; keep one of them',
        ),
        (
            "---\ntitle: A\nupdated: May\n---\nText.",
            'a.md:3: updated "May" cannot be understood; write a day such as 2025-10-02',
        ),
        (
            "---\ntitle: A\nlanguage: English!\n---\nText.",
            'a.md:3: language "English!" cannot be understood; write a language code such as en or pt-BR',
        ),
        ("---\ntitle: A\n---\n\n", "a.md:4: the article is empty; write its text below the second `---`"),
        ("---\ntitle: A\n---\n# Only\n", "a.md:4: there are headings but no text; write something under a heading"),
        (
            "---\ntitle: A\n---\n\nSee [b](b.md).",
            "a.md:5: link to b.md, which does not exist; link to the name of a file in this folder",
        ),
    ],
)
def test_a_fault_is_named_with_its_line_and_its_remedy(tmp_path: Path, text: str, wanted: str) -> None:
    """Each fault says which file, which line, what is wrong and what to do."""
    assert problems(write(tmp_path, a=text)) == [wanted]


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    """Nobody mends a folder one error at a time."""
    write(tmp_path, a="Text.", b="---\nfoo: B\nupdated: x\n---\nText.", c="---\ntitle: C\n---\nFine.")
    assert [line.partition(": ")[0] for line in problems(tmp_path)] == ["a.md:1", "b.md:1", "b.md:2", "b.md:3"]


def test_one_question_cannot_belong_to_two_articles(tmp_path: Path) -> None:
    """An alias that another article claims is a fault of the later one."""
    write(
        tmp_path,
        a="---\ntitle: Returns\n---\nText.",
        b="---\ntitle: B\naliases: returns?\n---\nText.",
        c="---\ntitle: Returns\nlanguage: fr\n---\nText.",
    )
    assert problems(tmp_path) == ['b.md:3: "returns?" also belongs to a.md; leave it in one of the two']


def test_a_dangling_link_suggests_the_nearest_name(tmp_path: Path) -> None:
    """A misspelt link names the file that was probably meant."""
    write(tmp_path, returns="---\ntitle: R\n---\n[x](return.md)")
    assert problems(tmp_path) == ["returns.md:4: link to return.md, which does not exist; did you mean returns.md?"]


def test_a_name_unfit_for_an_address_is_refused(tmp_path: Path) -> None:
    """The file's name becomes the address of its page."""
    (tmp_path / "My Page.md").write_text("---\ntitle: A\n---\nText.")
    assert "not fit for an address" in problems(tmp_path)[0]


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path) -> None:
    """The offending byte is named."""
    (tmp_path / "a.md").write_bytes(b"---\ntitle: \xff\n---\n")
    assert problems(tmp_path) == ["a.md: byte 11 is not UTF-8; save the file as UTF-8"]


def test_a_missing_or_empty_folder_is_a_configuration_error(tmp_path: Path) -> None:
    """The integrator is told which folder, as for every other key of the file."""
    with pytest.raises(ConfigError, match="there is no such folder"):
        load_articles(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no article found"):
        load_articles(tmp_path)
