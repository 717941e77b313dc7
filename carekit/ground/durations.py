"""Durations as people write and read them: "4h", "1d 12h", "2 h 5 min"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "min": 60, "s": 1}
_SHOWN: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_PART: Final = re.compile(r"\s*([0-9]{1,12})\s*(w|d|h|min|m|s)(?![a-z])", re.IGNORECASE | re.ASCII)
# letters may follow a unit only through a digit ("1h30m"), so "4hours" is refused instead of read as "4h"
_ACCEPTED: Final = 'write whole numbers with w, d, h, m or s, largest first, such as "90s", "30m", "4h", "2d", "1h30m"'


def parse_duration(text: str) -> timedelta:
    """Read a duration such as "90s", "30m", "4h", "2d", "1w", "1h30m" or "1d 12h".

    A day is 24 hours and a week 7 days, whatever calendar the duration is later counted in. "min" is accepted
    for "m", upper case for lower, and spaces anywhere between numbers and units, so what
    :func:`format_duration` writes can be read back. Zero ("0s") is a duration.

    :raises ValueError: the text is empty, has a number without a unit, an unknown unit, a unit twice or out of
        order, or is longer than timedelta can hold. The message repeats the text and says what is accepted.
    """
    total = 0
    position = 0
    previous: int | None = None
    stripped = text.strip()
    while position < len(stripped):
        match = _PART.match(stripped, position)
        if match is None:
            raise _refusal(text)
        unit = _SECONDS[match[2].lower()]
        if previous is not None and unit >= previous:
            raise _refusal(text)
        total += int(match[1]) * unit
        previous = unit
        position = match.end()
    if previous is None:
        raise _refusal(text)
    try:
        return timedelta(seconds=total)
    except OverflowError:
        raise ValueError(f'"{_clip(text)}" is too long for a duration: the limit is 999999999 days') from None


def format_duration(duration: timedelta, *, parts: int | None = None) -> str:
    """Write a duration in its short form: "45 s", "2 h 5 min", "1 d 3 h", "0 s", "-4 h".

    Fractions of a second are dropped. All units that are not zero are written, or only the *parts* largest ones
    when given (the rest is cut off, not rounded: "2 h" for 2 h 59 min with ``parts=1``).

    :raises ValueError: *parts* is below 1.
    """
    if parts is not None and parts < 1:
        raise ValueError(f"parts must be 1 or more, not {parts}")
    sign = "-" if duration < timedelta(0) else ""
    rest = abs(duration) // timedelta(seconds=1)
    shown: list[str] = []
    for name, seconds in _SHOWN:
        count, rest = divmod(rest, seconds)
        if count:
            shown.append(f"{count} {name}")
    return sign + " ".join(shown[:parts]) if shown else "0 s"


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def _refusal(text: str) -> ValueError:
    return ValueError(f'"{_clip(text)}" is not a duration: {_ACCEPTED}')
