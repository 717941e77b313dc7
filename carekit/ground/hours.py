"""Weekly opening hours as people write them: ``{"mon-fri": ["09:00-13:00", "14:00-18:00"]}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

from carekit.ground.suggest import did_you_mean

Window: TypeAlias = tuple[int, int]
"""Opening and closing as seconds after local midnight: start 0 to 86399, end 0 to 86400."""
Windows: TypeAlias = tuple[Window, ...]
"""The windows that begin on one local date; empty means closed."""
Weekly: TypeAlias = tuple[Windows, ...]
"""Seven entries, Monday first."""

DAY: Final = 86_400
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: Final[Weekly] = (((0, DAY),),) * 7
"""Open round the clock."""

_FULL_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS: Final = {name: number for names in (DAYS, _FULL_NAMES) for number, name in enumerate(names)}
_WINDOW: Final = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})\s*")


def parse_hours(hours: Mapping[str, Sequence[str]] | str) -> Weekly:
    """Read weekly opening hours.

    *hours* is the text "always" for round the clock, or a table. Its keys are days ("sat", "saturday") or ranges
    of days that may wrap around the week ("mon-fri", "fri-mon"); its values are lists of windows "HH:MM-HH:MM".
    "24:00" as an end is midnight; an end at or before its start is on the next day ("22:00-06:00"). A day that is
    not named, or has an empty list, is closed.

    :raises ValueError: a day is unknown or given twice, or a window cannot be read. The message names the key and
        the window.
    """
    if isinstance(hours, str):
        if hours.strip().lower() == "always":
            return EVERY_DAY
        raise ValueError(f'"{hours}" is not opening hours: write "always" or a table of days and windows')
    weekly: list[Windows] = [()] * 7
    given_by: dict[int, str] = {}
    for key, texts in hours.items():
        windows = _parse_windows(key, texts)
        for day in _parse_days(key):
            if day in given_by:
                raise ValueError(f'"{DAYS[day]}" is given twice, by "{given_by[day]}" and by "{key}"')
            given_by[day] = key
            weekly[day] = windows
    return tuple(weekly)


def parse_window(text: str) -> Window:
    """Read one window "HH:MM-HH:MM" as seconds after midnight; see :func:`parse_hours` for what an end may be.

    :raises ValueError: it is not two times of day; the message repeats it.
    """
    match = _WINDOW.fullmatch(text)
    if match is not None:
        start_hour, start_minute, end_hour, end_minute = (int(part) for part in match.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if start_minute < 60 and end_minute < 60 and start < 24 * 60 and end <= 24 * 60:
            return start * 60, end * 60
    raise ValueError(f'"{text}" is not a window: write two times such as "09:00-17:30", "22:00-06:00" or "18:00-24:00"')


def _parse_windows(key: str, texts: object) -> Windows:
    # a lone text is a sequence of texts to the type checker, but never what was meant
    is_list = isinstance(texts, Sequence) and not isinstance(texts, str)
    if not is_list:
        raise ValueError(f'"{key}" needs a list of windows, such as ["09:00-17:00"], not {texts!r}')
    windows: list[Window] = []
    for text in cast("Sequence[object]", texts):
        try:
            windows.append(parse_window(str(text)))
        except ValueError as error:
            raise ValueError(f'"{key}" has {error}') from None
    return tuple(windows)


def _parse_days(key: str) -> list[int]:
    first, dash, last = (part.strip().lower() for part in key.partition("-"))
    start = _parse_day(key, first)
    if not dash:
        return [start]
    length = (_parse_day(key, last) - start) % 7 + 1
    return [(start + step) % 7 for step in range(length)]


def _parse_day(key: str, name: str) -> int:
    number = _NUMBERS.get(name)
    if number is None:
        where = "" if name == key else f' in "{key}"'
        raise ValueError(
            f'"{name}"{where} is not a day{did_you_mean(name, _NUMBERS)}: '
            f'use {", ".join(DAYS)}, or a range such as "mon-fri"'
        )
    return number
