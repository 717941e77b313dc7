"""Public holidays come by country, region and year."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from carekit.ground.public_holidays import country_holidays


def test_national_holidays_of_a_year() -> None:
    """New Year, Labour Day and Christmas are holidays in Spain; an ordinary day is not."""
    days = country_holidays("ES", None, [2026])
    assert {date(2026, 1, 1), date(2026, 5, 1), date(2026, 12, 25)} <= days
    assert date(2026, 6, 2) not in days


def test_a_subdivision_adds_its_own_holidays() -> None:
    """Madrid keeps 2 May in addition to the national days."""
    added = country_holidays("ES", "MD", [2025]) - country_holidays("ES", None, [2025])
    assert date(2025, 5, 2) in added


def test_only_the_years_asked_for_are_given() -> None:
    """No year is added by looking at the next one."""
    assert {day.year for day in country_holidays("DE", None, [2024, 2026])} == {2024, 2026}


def test_codes_are_read_in_any_case() -> None:
    """What a person types in lower case is the same country and region."""
    assert country_holidays("es", "md", [2026]) == country_holidays("ESP", "MD", [2026])


def test_an_unknown_country_is_named() -> None:
    """The message says what was not found and how a country is written."""
    with pytest.raises(ValueError, match=r'"Spainland" is not a country with known holidays.*ISO 3166 code'):
        country_holidays("Spainland", None, [2026])


def test_an_unknown_subdivision_is_named_with_a_suggestion() -> None:
    """The likely region is suggested and all are listed."""
    with pytest.raises(
        ValueError, match=r'"Barcelone" is not a subdivision of ES \(did you mean "Barcelona"\?\)'
    ) as caught:
        country_holidays("ES", "Barcelone", [2026])
    assert "known subdivisions: AN, AR" in str(caught.value)


def test_the_large_library_is_loaded_only_when_asked() -> None:
    """Importing calendars alone does not load the table of the world's holidays."""
    code = "import sys, carekit.ground.calendars; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
