"""What an event that is not a message says in the thread, as one line of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from carekit import (
    Assigned,
    BotAnswered,
    BotAsked,
    CapacityFreed,
    Closed,
    ContactIdentified,
    ConversationStarted,
    DeliveryChanged,
    Event,
    HandedOff,
    PolicyFailed,
    QueueEntered,
    Reopened,
    Resolved,
    Snoozed,
    SurveyAnswered,
    SurveyOffered,
    SurveyWithheld,
    TargetBreached,
    TargetCancelled,
    TargetMet,
    TargetSet,
    TimerCancelled,
    TimerFired,
    TimerSet,
    Unassigned,
    Woken,
    format_duration,
)
from carekit_console.people import People
from carekit_console.words import TRIGGER, metric, moment

SILENT = frozenset({BotAsked, CapacityFreed, DeliveryChanged, TimerSet, TimerCancelled, TimerFired})
"""Facts that only matter to the machinery; the log has them, the thread does not show them."""


@attrs.frozen
class Line:
    """The text of an event and its ``tone``: empty, ``ok``, ``warn`` or ``bad``."""

    text: str
    tone: str = ""


@attrs.frozen
class _Seen:
    event: Event
    people: People
    now: datetime
    zone: ZoneInfo

    @property
    def who(self) -> str:
        return self.people.name(self.event.actor)

    @property
    def by(self) -> str:
        """Who did it, if a person did."""
        return f" by {self.who}" if self.event.actor.startswith("agent:") else ""

    def when(self, at: datetime) -> str:
        return moment(at, self.now, self.zone)


def line(event: Event, people: People, now: datetime, zone: ZoneInfo) -> Line | None:
    """The line of *event*, or None if it has none."""
    fact = event.fact
    if type(fact) in SILENT or (isinstance(fact, BotAnswered) and not fact.missed):
        return None
    write = _LINES.get(type(fact))
    if write is None:  # a fact of a later version: better named than hidden
        return Line(fact.kind.replace("_", " ").capitalize())
    made = write(_Seen(event, people, now, zone), fact)
    return made if isinstance(made, Line) else Line(made)


def _started(s: _Seen, fact: ConversationStarted) -> str:
    return f"Conversation started on {s.people.channels.get(fact.channel, fact.channel)}"


def _identified(s: _Seen, fact: ContactIdentified) -> str:
    return f"{s.people.contact} gave {' and '.join(part for part in (fact.name, fact.email) if part) or 'nothing'}"


def _assigned(s: _Seen, fact: Assigned) -> str:
    agent = s.people.agent(fact.agent)
    if not s.event.actor.startswith("agent:"):
        return f"Assigned to {agent}"
    return f"{agent} took it" if s.event.actor == f"agent:{fact.agent}" else f"{s.who} assigned it to {agent}"


def _unassigned(s: _Seen, fact: Unassigned) -> str:
    agent = s.people.agent(fact.agent)
    return f"{agent} gave it back" if s.event.actor == f"agent:{fact.agent}" else f"Unassigned from {agent}{s.by}"


def _bot_missed(s: _Seen, fact: BotAnswered) -> Line:
    figures = f" (confidence {fact.confidence:.2f}, needs {fact.threshold:.2f})" if fact.threshold else ""
    return Line(f"{fact.bot} had no answer it trusts{figures}", "warn")


def _handed_off(s: _Seen, fact: HandedOff) -> Line:
    trigger = TRIGGER.get(fact.trigger, fact.trigger)
    return Line(f"{f'{fact.bot} handed' if fact.bot else 'Handed'} off to people: {trigger}", "warn")


def _target_set(s: _Seen, fact: TargetSet) -> str:
    calendar = f" of {fact.calendar} hours" if fact.calendar else ""
    return f"{metric(fact.metric)} due {s.when(fact.due)} ({format_duration(fact.limit)}{calendar})"


def _survey_answered(s: _Seen, fact: SurveyAnswered) -> Line:
    comment = f": “{fact.comment}”" if fact.comment else ""
    return Line(f"{s.people.contact} rated {fact.score} of {fact.best}{comment}", "ok" if fact.positive else "warn")


_LINES: Mapping[type, Callable[[_Seen, Any], Line | str]] = {
    ConversationStarted: _started,
    ContactIdentified: _identified,
    Assigned: _assigned,
    Unassigned: _unassigned,
    QueueEntered: lambda s, fact: Line("Waiting for a free agent", "warn"),
    BotAnswered: _bot_missed,
    HandedOff: _handed_off,
    TargetSet: _target_set,
    TargetMet: lambda s, fact: Line(f"Target met: {fact.name}", "ok"),
    TargetBreached: lambda s, fact: Line(f"{metric(fact.metric)} target missed: {fact.name}", "bad"),
    TargetCancelled: lambda s, fact: f"Target no longer needed: {fact.name}",
    Snoozed: lambda s, fact: f"Snoozed{s.by} until {s.when(fact.until)}",
    Woken: lambda s, fact: "Snooze ended",
    Resolved: lambda s, fact: Line(f"Resolved{s.by}", "ok"),
    Reopened: lambda s, fact: f"Reopened{s.by}",
    Closed: lambda s, fact: f"Closed{s.by}",
    SurveyOffered: lambda s, fact: f"Survey sent: {fact.question}",
    SurveyWithheld: lambda s, fact: f"Survey not sent: {fact.survey}",
    SurveyAnswered: _survey_answered,
    PolicyFailed: lambda s, fact: Line(f"Policy {fact.name} failed and was skipped: {fact.error}", "bad"),
}
