"""How the console says things: instants, sizes, names and links as text. Pure functions of their arguments."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from carekit import DeliveryStatus, Presence, Status, format_duration

STATUS: Final = {
    Status.OPEN: "Open",
    Status.WAITING: "Waiting for contact",
    Status.SNOOZED: "Snoozed",
    Status.RESOLVED: "Resolved",
    Status.CLOSED: "Closed",
}
PRESENCE: Final = {Presence.AVAILABLE: "Available", Presence.AWAY: "Away", Presence.OFF: "Off"}
DELIVERY: Final = {
    DeliveryStatus.QUEUED: "Sending",
    DeliveryStatus.SENDING: "Sending",
    DeliveryStatus.SENT: "Sent",
    DeliveryStatus.DELIVERED: "Delivered",
    DeliveryStatus.READ: "Read",
    DeliveryStatus.FAILED: "Not delivered",
    DeliveryStatus.UNSURE: "Delivery unsure",
}
LETTER: Final = {
    "inbound": "Could not be read",
    "failed": "Could not be sent",
    "unsure": "May or may not have been sent",
}
METRIC: Final = {"first_response": "First reply", "next_response": "Next reply", "resolution": "Resolution"}
PURPOSE: Final = {
    "acknowledgement": "Acknowledgement",
    "hours": "Opening hours",
    "follow_up": "Follow-up",
    "survey": "Survey",
    "notice": "Notice",
}
TRIGGER: Final = {
    "requested": "the contact asked for a person",
    "misses": "too many questions without an answer",
    "failed": "the bot failed",
    "bot": "the bot gave way",
    "timeout": "the bot took too long",
}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARKS: Final = re.compile(r"^(\s*(re|aw|sv|rv|antw|fwd?|wg|tr)\s*(\[\d+\])?\s*:)+", re.IGNORECASE)
# Only these two schemes become links; what follows the last letter, digit or slash is punctuation of the sentence.
_LINK: Final = re.compile(r"https?://[^\s<>\"'`\\]{1,2000}[^\s<>\"'`\\.,;:!?)\]}]", re.IGNORECASE)


@attrs.frozen
class Stamp:
    """An instant to show: ``iso`` for machines, ``short`` in the line, ``full`` on hover."""

    iso: str
    short: str
    full: str


@attrs.frozen
class Piece:
    """A stretch of a message; ``href`` is set where it is a link."""

    text: str
    href: str = ""


def stamp(at: datetime, now: datetime, zone: ZoneInfo) -> Stamp:
    """*at* as seen at *now* in *zone*: relative within a day, a date beyond it."""
    local = at.astimezone(zone)
    return Stamp(at.isoformat(timespec="seconds"), _short(at, now, zone), f"{date(local)}, {local:%H:%M}")


def date(local: datetime) -> str:
    """A local instant as a date: ``Sun 22 Nov 2026`` (in English on every machine, unlike ``strftime``)."""
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"


def moment(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """An instant near *now*: ``14:00`` today, ``Mon 23 Nov, 14:00`` otherwise."""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}, {local:%H:%M}"


def day(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The day of *at* for a divider: Today, Yesterday, or its date."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return "Today"
    if local.date() == today - timedelta(days=1):
        return "Yesterday"
    return date(local)


def _short(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    age = now - at
    if timedelta(0) <= age < timedelta(days=1):
        return "now" if age < timedelta(minutes=1) else span(age)
    local = at.astimezone(zone)
    year = "" if local.year == now.astimezone(zone).year else f" {local.year}"
    return f"{local.day} {_MONTHS[local.month - 1]}{year}"


def span(length: timedelta) -> str:
    """A length of time by its largest unit, minutes at the least: ``14 min``, ``3 h``."""
    minutes = max(1, int(abs(length).total_seconds()) // 60)
    return format_duration(timedelta(minutes=minutes), parts=1)


def remaining(length: timedelta) -> str:
    """A length of time by its two largest units, minutes at the least: ``1 h 20 min``."""
    minutes = max(1, int(abs(length).total_seconds()) // 60)
    return format_duration(timedelta(minutes=minutes), parts=2)


def initials(name: str) -> str:
    """At most two letters that stand for *name*; a question mark for an empty one."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word]
    letters = [word[0] for word in (words if len(words) < 2 else (words[0], words[-1]))]
    return "".join(letters).upper() or "?"


def pieces(text: str) -> tuple[Piece, ...]:
    """*text* cut into plain stretches and http(s) links."""
    found: list[Piece] = []
    position = 0
    for match in _LINK.finditer(text):
        if match.start() > position:
            found.append(Piece(text[position : match.start()]))
        found.append(Piece(match[0], match[0]))
        position = match.end()
    if position < len(text):
        found.append(Piece(text[position:]))
    return tuple(found)


def bare(subject: str) -> str:
    """A subject without the marks that mail programs put before it, to compare two of them."""
    return _MARKS.sub("", subject).strip().casefold()


def size(count: int) -> str:
    """A number of bytes as people say it: ``812 B``, ``14 KB``, ``3.2 MB``."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{round(count / 1000)} KB"
    return f"{count / 1_000_000:.1f} MB"


def metric(name: str) -> str:
    """The name of a target's metric in words."""
    return METRIC.get(name, name.replace("_", " ").capitalize())
