"""Metrics as folds over the log: what each number means is written here once, and can be recomputed at any time.

==================  ===================================================================================================
first response      contact's first message to the first public message of a person; acknowledgements, bots and notes
                    do not count; undefined when an agent wrote first
next response       each later unanswered message of the contact (the oldest of a row) to the next public message of a
                    person
resolution          start to the last resolution, for conversations that are resolved at the end of the period
first resolution    start to the first resolution
start               the contact's first message, or the creation when an agent began
reopens             resolved, then open again because the contact wrote or an agent said so
resolution rate     conversations resolved at the end of the period ÷ conversations that began in it
CSAT                share of positive answers (the survey's own cut-off) among all answers, with Wilson's 95 % interval
response rate       surveys answered ÷ surveys put
bot contained       a bot answered, no hand-over, no person wrote, and it ended resolved
==================  ===================================================================================================

Every duration is told in calendar time and in the business time of its channel's calendar. An undefined value is left
out of medians and means; it is never 0. Quantiles are of R's type 7 (linear interpolation).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from carekit.facts import events as f
from carekit.ground.calendars import ALWAYS, Calendar
from carekit.rules.statistics import median, p90, wilson


@attrs.frozen
class Span:
    """A measured duration and the two steps it lies between, so that every figure can be looked up in the log."""

    start: datetime
    end: datetime
    start_seq: int
    end_seq: int

    def seconds(self, calendar: Calendar = ALWAYS) -> float:
        """Elapsed seconds inside of *calendar*."""
        return calendar.between(self.start, self.end).total_seconds()


@attrs.define
class Measured:
    """What the events of one conversation add up to. Built by `measure`."""

    id: str
    channel: str
    started_at: datetime
    started_seq: int = 1
    first_response: Span | None = None
    next_responses: list[Span] = attrs.field(factory=list)
    first_resolution: Span | None = None
    resolution: Span | None = None
    resolved: bool = False
    reopens: int = 0
    replies: int = 0
    inbound: int = 0
    notes: int = 0
    bot_answers: int = 0
    bot_misses: int = 0
    handed_off: str = ""
    agents: list[str] = attrs.field(factory=list)
    surveys_offered: int = 0
    answers: list[f.SurveyAnswered] = attrs.field(factory=list)
    _targets: dict[str, bool] = attrs.field(factory=dict)
    _waiting: tuple[datetime, int] | None = None
    _first_message: tuple[datetime, int] | None = None
    _agent_began: bool = False

    @property
    def start(self) -> tuple[datetime, int]:
        """The instant and step at which its clock starts."""
        created = (self.started_at, self.started_seq)
        return created if self._agent_began else self._first_message or created

    @property
    def targets_met(self) -> int:
        """Targets fulfilled in time."""
        return sum(self._targets.values())

    @property
    def targets_breached(self) -> int:
        """Targets missed, also those fulfilled later."""
        return len(self._targets) - self.targets_met

    @property
    def contained(self) -> bool:
        """Whether a bot alone brought it to its end."""
        return bool(self.bot_answers) and not self.handed_off and not self.replies and self.resolved

    def take(self, event: f.Event) -> None:
        """Account for the next event."""
        fact = event.fact
        if isinstance(fact, f.MessageReceived):
            self._received(event, fact)
        elif isinstance(fact, f.MessageSent):
            self._sent(event, fact)
        elif isinstance(fact, f.Resolved):
            begun, seq = self.start
            self.resolution = Span(begun, event.at, seq, event.seq)
            self.first_resolution = self.first_resolution or self.resolution
            self.resolved = True
            self._waiting = None
        elif isinstance(fact, f.Reopened):
            self.reopens += self.resolved
            self.resolved = False
        else:
            self._take_rest(fact)

    def _received(self, event: f.Event, fact: f.MessageReceived) -> None:
        self.inbound += 1
        if fact.automatic:
            return
        if self._first_message is None:
            self._first_message = (event.at, event.seq)
        if self._waiting is None:
            self._waiting = (event.at, event.seq)

    def _sent(self, event: f.Event, fact: f.MessageSent) -> None:
        if fact.automatic:
            return
        if self._first_message is None:
            self._agent_began = True
        self.replies += 1
        agent = fact.author.removeprefix("agent:")
        if agent not in self.agents:
            self.agents.append(agent)
        waiting, self._waiting = self._waiting, None
        if self.replies == 1 and self._first_message is not None:
            self.first_response = _span(self._first_message, event)
        elif waiting is not None and waiting != self._first_message:
            self.next_responses.append(_span(waiting, event))

    def _take_rest(self, fact: f.Fact) -> None:
        if isinstance(fact, f.NoteAdded):
            self.notes += 1
        elif isinstance(fact, f.BotAnswered):
            self.bot_answers += not fact.missed
            self.bot_misses += fact.missed
        elif isinstance(fact, f.HandedOff):
            self.handed_off = self.handed_off or fact.trigger
        elif isinstance(fact, f.TargetMet):
            self._targets.setdefault(fact.name, True)  # fulfilled after the breach is still a breach
        elif isinstance(fact, f.TargetBreached):
            self._targets[fact.name] = False
        elif isinstance(fact, f.SurveyOffered):
            self.surveys_offered += 1
        elif isinstance(fact, f.SurveyAnswered):
            # A contact may change an answer: only the last one of a survey counts.
            self.answers = [a for a in self.answers if a.survey != fact.survey] + [fact]


def _span(begun: tuple[datetime, int], event: f.Event) -> Span:
    return Span(begun[0], event.at, begun[1], event.seq)


def measure(events: Iterable[f.Event], until: datetime | None = None) -> dict[str, Measured]:
    """Every conversation in *events* (in order of position), as it stood at *until*."""
    found: dict[str, Measured] = {}
    for event in events:
        if until is not None and event.at >= until:
            continue
        if isinstance(event.fact, f.ConversationStarted):
            found[event.stream] = Measured(event.stream, event.fact.channel, event.at)
        elif (measured := found.get(event.stream)) is not None:
            measured.take(event)
    return found


def report_of(
    events: Iterable[f.Event],
    *,
    hours: Mapping[str, Calendar],
    timezone: str,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, object]:
    """The report over the conversations that began in ``[since, until)``, as plain JSON values (durations in seconds).

    *hours* gives each channel's calendar for business time; a channel without one has none, and is left out of it.
    """
    measured = [m for m in measure(events, until).values() if since is None or m.started_at >= since]
    channels = sorted({m.channel for m in measured})
    return {
        "period": {
            "since": since.isoformat() if since else None,
            "until": (until or now).isoformat(),
            "timezone": timezone,
            "basis": "conversations by when they began",
        },
        **_figures(measured, hours),
        "by_channel": {name: _figures([m for m in measured if m.channel == name], hours) for name in channels},
    }


def _figures(measured: Sequence[Measured], hours: Mapping[str, Calendar]) -> dict[str, Any]:
    resolved = sum(m.resolved for m in measured)
    return {
        "conversations": len(measured),
        "messages": sum(m.inbound for m in measured),
        "replies": sum(m.replies for m in measured),
        "first_response": _durations([(m, m.first_response) for m in measured], hours),
        "next_response": _durations([(m, span) for m in measured for span in m.next_responses], hours),
        "resolution": _durations([(m, m.resolution if m.resolved else None) for m in measured], hours),
        "first_resolution": _durations([(m, m.first_resolution) for m in measured], hours),
        "resolved": resolved,
        "resolution_rate": resolved / len(measured) if measured else None,
        "reopens": sum(m.reopens for m in measured),
        "csat": _csat(measured),
        "targets": {
            "met": sum(m.targets_met for m in measured),
            "breached": sum(m.targets_breached for m in measured),
        },
        "bot": {
            "conversations": sum(bool(m.bot_answers or m.bot_misses or m.handed_off) for m in measured),
            "handed_off": sum(bool(m.handed_off) for m in measured),
            "contained": sum(m.contained for m in measured),
        },
    }


def _durations(spans: Iterable[tuple[Measured, Span | None]], hours: Mapping[str, Calendar]) -> dict[str, Any]:
    calendar: list[float] = []
    business: list[float] = []
    for measured, span in spans:
        if span is None:
            continue
        calendar.append(span.seconds())
        if (open_hours := hours.get(measured.channel)) is not None:
            business.append(span.seconds(open_hours))
    return {"calendar": _summary(calendar), "business": _summary(business)}


def _summary(values: Sequence[float]) -> dict[str, Any]:
    return {"median_s": median(values), "p90_s": p90(values), "n": len(values)}


def _csat(measured: Sequence[Measured]) -> dict[str, Any]:
    answers = [answer for m in measured for answer in m.answers if answer.survey_kind == "csat"]
    offered = sum(m.surveys_offered for m in measured)
    positive = sum(answer.positive for answer in answers)
    bounds = wilson(positive, len(answers)) if answers else None
    return {
        "score": 100 * positive / len(answers) if answers else None,
        "positive": positive,
        "n": len(answers),
        "low": 100 * bounds[0] if bounds else None,
        "high": 100 * bounds[1] if bounds else None,
        "offered": offered,
        "response_rate": len(answers) / offered if offered else None,
    }
