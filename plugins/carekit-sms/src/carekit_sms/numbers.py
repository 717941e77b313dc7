"""Telephone numbers: E.164 from whatever a provider or a person writes, and the time zones in which they lie."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,6}")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &._-]{1,11}")


def is_e164(number: str) -> bool:
    """Whether *number* is in international form: ``+34612345678``."""
    return _E164.fullmatch(number) is not None


def is_short_code(number: str) -> bool:
    """Whether *number* is a short code: three to six digits, which mean something to one operator or country only."""
    return _SHORT_CODE.fullmatch(number) is not None


def is_sender_id(text: str) -> bool:
    """Whether *text* can stand as a sender without a number: up to eleven characters, one of them a letter."""
    return _SENDER_ID.fullmatch(text) is not None


def is_region(code: str) -> bool:
    """Whether *code* is a region (ISO 3166) with telephone numbers."""
    return code in _library().SUPPORTED_REGIONS


def e164(raw: str, region: str = "") -> str:
    """*raw* in international form, empty if it is no telephone number.

    Gateways write the same number as ``+34612345678``, ``34612345678``, ``0034612345678`` or, within *region*, as
    ``612345678``. A reading that gives a number in use wins over one that only has the right length.
    """
    found = [number for one in _readings(raw.strip(), region) if (number := _parsed(*one)) is not None]
    if not found:
        return ""
    library = _library()
    best = next((number for number in found if library.is_valid_number(number)), found[0])
    return str(library.format_number(best, library.PhoneNumberFormat.E164))


def _readings(raw: str, region: str) -> list[tuple[str, str]]:
    if raw.startswith("+"):
        return [(raw, "")]
    if raw.startswith("00"):
        return [("+" + raw[2:], "")]
    international = ("+" + raw, "")
    return [(raw, region), international] if region else [international]


def _parsed(raw: str, region: str) -> PhoneNumber | None:
    if len(raw) > 40 or any(character.isalpha() for character in raw):  # a name, or letters that stand for digits
        return None
    library = _library()
    try:
        number: PhoneNumber = library.parse(raw, region or None)
    except library.NumberParseException:
        return None
    possible = library.is_possible_number_with_reason(number) == library.ValidationResult.IS_POSSIBLE
    return number if possible else None


@cache
def _library() -> ModuleType:
    """The library, when a number is first looked at: a tenth of a second that other commands need not spend."""
    import phonenumbers

    return phonenumbers


def region_of(number: str) -> str:
    """The region (ISO 3166) of a number in international form, empty if it has none."""
    parsed = _parsed(number, "")
    return (_library().region_code_for_number(parsed) or "") if parsed is not None else ""


def zones_of(number: str) -> tuple[str, ...]:
    """The time zones in which *number* may be, none if nothing is known of it."""
    from phonenumbers import timezone  # half a megabyte of prefixes, for desks with quiet hours only

    parsed = _parsed(number, "") if is_e164(number) else None
    if parsed is None:
        return ()
    return tuple(zone for zone in timezone.time_zones_for_number(parsed) if is_zone(zone))


@cache
def is_zone(zone: str) -> bool:
    """Whether *zone* is a time zone that this machine knows."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def local(at: datetime, zone: str) -> datetime:
    """*at* on the clocks of *zone*."""
    return at.astimezone(ZoneInfo(zone))
