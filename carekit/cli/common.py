"""What several commands share: the FILE argument, loading it, and a desk to work with for the length of one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from carekit.ground.durations import format_duration
from carekit.service.opening import ServiceFiles
from carekit.service.service import Service

T = TypeVar("T")

file_argument: Callable[[Any], Any] = click.argument(
    "file", type=click.Path(path_type=Path, dir_okay=False), default=Path("carekit.toml")
)
"""The FILE of most commands; ``carekit.toml`` in the present folder if absent."""

file_and_more: Callable[[Any], Any] = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
"""The FILE of commands that take another word after it: it cannot be left out, or the word would be taken for it."""


def with_service(file: Path, work: Callable[[Service], Awaitable[T]]) -> T:
    """Open the store of *file*, do *work*, and close it again, with nothing running in the background."""

    async def run() -> T:
        async with ServiceFiles().open(file) as service:
            return await work(service)

    return asyncio.run(run())


def parse_day(text: str | None, zone: str) -> datetime | None:
    """``2026-11-22`` or ``2026-11-22T09:00`` in *zone* as an instant; raises `click.BadParameter`."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: on the first or the last day that there is
        raise click.BadParameter(f"{text!r} is not a date such as 2026-11-22 or 2026-11-22T09:00") from None


def printable(text: str, keep: str = "") -> str:
    """*text* as a terminal may be trusted with: without what moves the cursor or changes colours, except *keep*."""
    return "".join(c if c.isprintable() or c in keep else "\ufffd" for c in text)


def counted(count: int, one: str, many: str = "") -> str:
    """``1 file``, ``1,200 files``; *many* where an s is not enough."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def duration(seconds: object) -> str:
    """Seconds as people read them, a dash for none."""
    if not isinstance(seconds, int | float):
        return "–"
    return format_duration(timedelta(seconds=round(seconds)), parts=2)
