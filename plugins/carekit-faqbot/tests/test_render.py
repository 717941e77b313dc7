"""Markdown as HTML that may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_faqbot.articles import Article
from carekit_faqbot.render import render


def html(body: str) -> str:
    return str(render(Article.from_markdown("a", 'A "b"', body), lambda slug: f"/help/{slug}"))


def test_headings_carry_the_anchors_of_their_passages() -> None:
    """A link from an answer leads to the section it quotes; the page's title stays the only first heading."""
    assert html("# One\n\nx\n\n## Two\n\ny") == '<h2 id="one">One</h2>\n<p>x</p>\n<h2 id="two">Two</h2>\n<p>y</p>\n'


def test_links_between_articles_become_addresses() -> None:
    """``returns.md#how`` works in the folder and on the page."""
    assert 'href="/help/returns#how"' in html("[x](returns.md#how)")


def test_a_foreign_link_is_left_alone() -> None:
    """Only names of articles are rewritten."""
    assert 'href="https://example.org/x.md"' in html("[x](https://example.org/x.md)")


def test_a_wide_table_scrolls_in_its_own_box() -> None:
    """The box has a name and can be reached with the keyboard."""
    table = html("| a | b |\n|--:|---|\n| 1 | 2 |")
    assert table.startswith('<div class="table" role="region" tabindex="0" aria-label="A &quot;b&quot;"><table>')
    assert "style=" not in table


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](javascript:alert(1))",
        '<a href="x" style="position:fixed">x</a>',
        "<iframe src=//evil.example></iframe>",
        '[x](https://a.example "onmouseover=alert(1)")',
    ],
)
def test_nothing_that_runs_survives(body: str) -> None:
    """Whatever an article says, it only says it."""
    shown = html(body)
    assert "<script" not in shown and "<iframe" not in shown and "<img src=x" not in shown
    assert 'href="javascript' not in shown.lower() and 'href="data' not in shown and 'src="javascript' not in shown
    assert " style=" not in shown.replace("&quot;", '"').split("&lt;")[0]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_body_can_be_rendered(body: str) -> None:
    """No Markdown makes the page fail, and none of it becomes a script."""
    assert "<script" not in html(body)


def test_a_heading_without_words_does_not_shift_the_others() -> None:
    """Anchors stay with their headings."""
    assert 'id="b">B</h2>' in html("##\n\nx\n\n## B\n\ny")
