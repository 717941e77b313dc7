"""Dates are written as ISO 8601 has them."""

from __future__ import annotations

from datetime import UTC, datetime

from carekit.ground.dates import iso


def test_a_year_has_four_digits() -> None:
    """Early ones have zeros before them, on every system."""
    assert iso(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01 00:00"
    assert iso(datetime(2026, 11, 22, 9, 5, 7, 999, tzinfo=UTC), "seconds") == "2026-11-22 09:05:07"
