"""Passages, anchors, links and plain text of Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.markdown import Link, anchor_of, links, passages


def text_of(body: str) -> str:
    return "\n\n".join(part.text for part in passages(body))


def test_a_body_is_cut_at_its_headings() -> None:
    """Each passage has its heading, its own Markdown and its own text."""
    first, second = passages("Intro.\n\n## One\n\nText *one*.\n")
    assert (first.heading, first.text) == ("", "Intro.")
    assert (second.heading, second.anchor, second.body) == ("One", "one", "## One\n\nText *one*.")
    assert second.text == "Text one."


def test_a_heading_without_text_gives_no_passage() -> None:
    """An answer never quotes an empty section."""
    assert [part.heading for part in passages("# Title\n\n## Part\n\nText.\n\n## Empty\n")] == ["Part"]


def test_a_heading_inside_a_quotation_does_not_cut() -> None:
    """Only the article's own headings divide it."""
    assert len(passages("Before.\n\n> ## Quoted\n> words\n\nAfter.")) == 1


def test_equal_headings_get_different_anchors() -> None:
    """A link leads to one place."""
    assert [part.anchor for part in passages("## A\nx\n\n## A\ny\n")] == ["a", "a-2"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("When is it?", "when-is-it"), ("Größe & Maß", "grosse-mass"), ("Où ça", "ou-ca"), ("送料", "section")],
)
def test_an_anchor_is_made_of_ascii(heading: str, anchor: str) -> None:
    """Accents are dropped, and a heading without Latin letters still has an anchor."""
    assert anchor_of(heading) == anchor


def test_a_list_keeps_its_marks_and_stays_together() -> None:
    """Items stand on lines of their own under one another."""
    assert text_of("Do:\n\n1. one\n2. two\n   - deep\n\nDone.") == "Do:\n\n1. one\n2. two\n- deep\n\nDone."


def test_a_table_row_reads_without_columns() -> None:
    """Each value comes with the name of its column."""
    table = "| Where | Price | Days |\n|---|---|---|\n| Spain | 4 € | 2 |\n| Norway | 9 € | |\n"
    assert text_of(table) == "Spain: Price 4 €, Days 2\nNorway: Price 9 €"


def test_markup_leaves_only_words() -> None:
    """Links, emphasis, code and pictures become what a reader would read."""
    assert text_of("See [this](x.md), **now**, `code` and ![a tent](t.png).") == "See this, now, code and a tent."


def test_raw_html_is_text() -> None:
    """Markup that is not Markdown has no effect."""
    assert text_of("<b>bold</b>") == "<b>bold</b>"


def test_links_come_with_their_lines() -> None:
    """Pictures count as links; the line is that of the paragraph."""
    assert links("One.\n\n[a](b.md) ![c](d.png)") == (Link("b.md", 3), Link("d.png", 3))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_can_be_read(body: str) -> None:
    """No body makes the reader fail, and each passage says something."""
    assert all(part.text.strip() for part in passages(body))
