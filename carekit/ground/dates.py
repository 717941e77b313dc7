"""Instants as people read them in lists and reports."""

from __future__ import annotations

from datetime import datetime


def iso(at: datetime, timespec: str = "minutes") -> str:
    """*at* on its own clock, without its zone: ``2026-11-22 09:00``, or what *timespec* of `datetime.isoformat` gives.

    The year has four digits (ISO 8601), where ``strftime`` leaves out the zeros of early ones on some systems.
    """
    return at.replace(tzinfo=None).isoformat(" ", timespec)
