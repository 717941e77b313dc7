"""One accent colour to a readable pair for each theme (WCAG 2.2: relative luminance and contrast ratio)."""

from __future__ import annotations

import re
from typing import TypeAlias

ACCENT = "#0A6B62"
"""The accent when the owner sets none; `panel.css` and `w.js` carry its derived values already."""

Rgb: TypeAlias = tuple[float, float, float]

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_WHITE: Rgb = (1.0, 1.0, 1.0)
_INK: Rgb = (5 / 255, 32 / 255, 29 / 255)
_DARK_SURFACE: Rgb = (23 / 255, 27 / 255, 31 / 255)
_TEXT = 4.5


def is_colour(text: str) -> bool:
    """Whether *text* is ``#rrggbb``."""
    return _HEX.fullmatch(text) is not None


def luminance(colour: Rgb) -> float:
    """Relative luminance as WCAG 2.2 defines it, 0 to 1."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Contrast ratio as WCAG 2.2 defines it, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def parse(text: str) -> Rgb:
    """``#rrggbb`` as three numbers from 0 to 1."""
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def format_hex(colour: Rgb) -> str:
    """Three numbers from 0 to 1 as ``#rrggbb``."""
    return "#" + "".join(f"{round(c * 255):02X}" for c in colour)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """*one* with *share* (0 to 1) of *other*."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def readable(colour: Rgb, ground: Rgb, toward: Rgb) -> Rgb:
    """*colour*, moved *toward* white or ink only as far as it needs to be read on *ground*, and to be written on."""
    for step in range(51):
        moved = parse(format_hex(mix(colour, toward, step / 50)))
        if contrast(moved, ground) >= _TEXT and contrast(moved, ink_on(moved)) >= _TEXT:
            return moved
    return toward


def ink_on(colour: Rgb) -> Rgb:
    """White or ink, whichever reads better on *colour*."""
    return max((_WHITE, _INK), key=lambda ink: contrast(ink, colour))


def palette(accent: str) -> dict[str, dict[str, str]]:
    """The tokens that follow from *accent*, for the light and for the dark theme."""
    base = parse(accent)
    light = readable(base, _WHITE, _INK)
    dark = readable(mix(base, _WHITE, 0.35), _DARK_SURFACE, _WHITE)
    return {
        "light": _tokens(light, soft=mix(light, _WHITE, 0.86), hover=mix(light, _INK, 0.2), text=(_WHITE, _INK)),
        "dark": _tokens(
            dark, soft=mix(dark, _DARK_SURFACE, 0.78), hover=mix(dark, _WHITE, 0.18), text=(_DARK_SURFACE, _WHITE)
        ),
    }


def _tokens(accent: Rgb, *, soft: Rgb, hover: Rgb, text: tuple[Rgb, Rgb]) -> dict[str, str]:
    soft = parse(format_hex(soft))
    return {
        "--ck-accent": format_hex(accent),
        "--ck-accent-hover": format_hex(hover),
        "--ck-on-accent": format_hex(ink_on(accent)),
        "--ck-accent-soft": format_hex(soft),
        "--ck-accent-text": format_hex(readable(accent, soft, text[1])),
    }


def stylesheet(accent: str) -> str:
    """Rules to append to the panel's stylesheet for *accent*; empty for the default."""
    if accent.upper() == ACCENT:
        return ""
    themes = {name: "".join(f"{k}:{v};" for k, v in tokens.items()) for name, tokens in palette(accent).items()}
    return (
        f":root{{{themes['light']}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{themes['dark']}}}}}"
        f":root[data-theme=dark]{{{themes['dark']}}}"
    )
