"""The chip that shows how a promise about time stands."""

from __future__ import annotations

from datetime import datetime

import attrs

from carekit import Conversation, Target
from carekit_console.words import metric, remaining


@attrs.frozen
class Chip:
    """A promise to show: ``tone`` is ``due``, ``risk`` or ``overdue``; the instants let the browser tick by itself.

    ``short`` is for lists, where the chip stands in a row of others.
    """

    label: str
    text: str
    short: str
    tone: str
    due: str
    risk: str


def chip(conversation: Conversation, now: datetime) -> Chip | None:
    """The most urgent promise that is still owed on *conversation*, or None."""
    owed = [target for target in conversation.targets.values() if target.ended_at is None]
    if not owed:
        return None
    return _chip(min(owed, key=lambda target: target.due), now)


def _chip(target: Target, now: datetime) -> Chip:
    label = metric(target.metric)
    # The last quarter is counted on the wall clock: the desk gives the due instant, not the calendar behind it.
    risk = target.due - (target.due - target.started_at) / 4
    left = target.due - now
    if target.state == "breached" or now > target.due:
        text, short, tone = f"{label} overdue by {remaining(left)}", f"Overdue by {remaining(left)}", "overdue"
    elif now >= risk:
        text, short, tone = f"{label} at risk: {remaining(left)} left", f"At risk: {remaining(left)}", "risk"
    else:
        text, short, tone = f"{label} due in {remaining(left)}", f"Due in {remaining(left)}", "due"
    return Chip(label, text, short, tone, target.due.isoformat(timespec="seconds"), risk.isoformat(timespec="seconds"))
