from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_chat.theme import ACCENT, contrast, is_colour, palette, parse, stylesheet

SURFACES = {"light": "#FFFFFF", "dark": "#171B1F"}


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}"))
def test_every_accent_becomes_readable(accent: str) -> None:
    """Whatever the owner chooses, text on it and text in it reach 4.5:1 in both themes."""
    for theme, tokens in palette(accent).items():
        colours = {name: parse(value) for name, value in tokens.items()}
        assert contrast(colours["--ck-accent"], colours["--ck-on-accent"]) >= 4.5
        assert contrast(colours["--ck-accent"], parse(SURFACES[theme])) >= 4.5
        assert contrast(colours["--ck-accent-text"], colours["--ck-accent-soft"]) >= 4.5


def test_a_readable_accent_is_kept() -> None:
    """A colour that reads well on white is not touched."""
    assert palette("#1A4FB4")["light"]["--ck-accent"] == "#1A4FB4"


def test_default_accent_needs_no_rules() -> None:
    """The stylesheet already has the default's values."""
    assert stylesheet(ACCENT.lower()) == ""


def test_own_accent_is_set_for_both_themes() -> None:
    """Light, dark by the system, and dark by choice."""
    rules = stylesheet("#7A1FA2")
    assert rules.count("--ck-accent:") == 3


@pytest.mark.parametrize(("ratio", "one", "other"), [(21, "#000000", "#FFFFFF"), (4.54, "#767676", "#FFFFFF")])
def test_contrast_agrees_with_known_pairs(ratio: float, one: str, other: str) -> None:
    """Two pairs whose ratio is well known."""
    assert contrast(parse(one), parse(other)) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("text", ["#12345", "123456", "#12345G", "red", "#123456;}"])
def test_what_is_not_a_colour(text: str) -> None:
    """Only ``#rrggbb`` gets into a stylesheet."""
    assert not is_colour(text)
