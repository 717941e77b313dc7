"""The filters of templates: fixed, pure steps from text to text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final

DATE_CODES: Final = "%Y %y %m %d %B %b %A %a %H %I %M %S %p %j %%"
"""What a date form may contain, with the meanings of strftime and English names on every machine."""

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST_TRUNCATION: Final = 100_000
_DATE_CODE: Final = re.compile(r"%(.?)", re.DOTALL)


def apply_filter(name: str, value: str, argument: str) -> str:
    """Return *value* after the filter *name*, whose argument :func:`check_argument` has accepted."""
    return _FILTERS[name](value, argument)


def check_argument(name: str, argument: str | None) -> str:
    """Return what is wrong with the argument of a known filter (None: it has none), or an empty text."""
    if name == "upper":
        return "" if argument is None else 'filter "upper" takes no argument'
    if name == "default":
        return 'filter "default" needs a text, such as default:"there"' if argument is None else ""
    if name == "date":
        unknown = [f"%{code}" for code in _DATE_CODE.findall(argument or "") if f"%{code}" not in DATE_CODES.split()]
        return f'filter "date" does not know {", ".join(unknown)}: use {DATE_CODES}' if unknown else ""
    good = argument is not None and re.fullmatch("[0-9]{1,6}", argument) and 1 <= int(argument) <= _LONGEST_TRUNCATION
    return "" if good else f'filter "truncate" needs a length from 1 to {_LONGEST_TRUNCATION}, such as truncate:40'


def _default(value: str, argument: str) -> str:
    return value if value.strip() else argument


def _upper(value: str, _argument: str) -> str:
    return value.upper()


def _truncate(value: str, argument: str) -> str:
    length = int(argument)
    return value if len(value) <= length else value[: length - 1].rstrip() + "…"


def _date(value: str, argument: str) -> str:
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return value
    return _DATE_CODE.sub(lambda match: _date_part(moment, match[1]), argument or "%Y-%m-%d")


def _date_part(moment: datetime, code: str) -> str:
    # strftime would follow the machine's locale, and its padding of early years differs between systems
    parts: dict[str, Callable[[], str]] = {
        "Y": lambda: f"{moment.year:04}",
        "y": lambda: f"{moment.year % 100:02}",
        "m": lambda: f"{moment.month:02}",
        "d": lambda: f"{moment.day:02}",
        "B": lambda: _MONTHS[moment.month - 1],
        "b": lambda: _MONTHS[moment.month - 1][:3],
        "A": lambda: _DAYS[moment.weekday()],
        "a": lambda: _DAYS[moment.weekday()][:3],
        "H": lambda: f"{moment.hour:02}",
        "I": lambda: f"{(moment.hour - 1) % 12 + 1:02}",
        "M": lambda: f"{moment.minute:02}",
        "S": lambda: f"{moment.second:02}",
        "p": lambda: "PM" if moment.hour >= 12 else "AM",
        "j": lambda: f"{date.toordinal(moment) - date(moment.year, 1, 1).toordinal() + 1:03}",
        "%": lambda: "%",
    }
    return parts[code]()


_FILTERS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "default": _default,
    "upper": _upper,
    "date": _date,
    "truncate": _truncate,
}
FILTERS: Final = tuple(sorted(_FILTERS))
"""The names of all filters."""
