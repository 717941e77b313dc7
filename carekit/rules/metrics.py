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

from collections.abc import Iterable
from datetime import datetime

import msgspec

from carekit.facts import events as f
from carekit.ground.calendars import ALWAYS, Calendar
from carekit.ground.values import Value


class Span(Value, frozen=True):
    """A measured duration and the two steps it lies between, so that every figure can be looked up in the log."""

    start: datetime
    end: datetime
    start_seq: int
    end_seq: int

    def seconds(self, calendar: Calendar = ALWAYS) -> float:
        """Elapsed seconds inside of *calendar*."""
        return calendar.between(self.start, self.end).total_seconds()


class Measured(msgspec.Struct):
    """What the events of one conversation add up to, changed by each event that it takes."""

    id: str
    channel: str
    inbox: str
    started_at: datetime
    started_seq: int = 1
    first_response: Span | None = None
    next_responses: list[Span] = msgspec.field(default_factory=list)
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
    agents: list[str] = msgspec.field(default_factory=list)
    surveys_offered: int = 0
    answers: list[f.SurveyAnswered] = msgspec.field(default_factory=list)
    targets: dict[str, bool] = msgspec.field(default_factory=dict)
    waiting: tuple[datetime, int] | None = None
    first_message: tuple[datetime, int] | None = None
    agent_began: bool = False

    @property
    def start(self) -> tuple[datetime, int]:
        """The instant and step at which its clock starts."""
        created = (self.started_at, self.started_seq)
        return created if self.agent_began else self.first_message or created

    @property
    def targets_met(self) -> int:
        """Targets fulfilled in time."""
        return sum(self.targets.values())

    @property
    def targets_breached(self) -> int:
        """Targets missed, also those fulfilled later."""
        return len(self.targets) - self.targets_met

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
            self.waiting = None
        elif isinstance(fact, f.Reopened):
            self.reopens += self.resolved
            self.resolved = False
        else:
            self._take_rest(fact)

    def _received(self, event: f.Event, fact: f.MessageReceived) -> None:
        self.inbound += 1
        if fact.automatic:
            return
        if self.first_message is None:
            self.first_message = (event.at, event.seq)
        if self.waiting is None:
            self.waiting = (event.at, event.seq)

    def _sent(self, event: f.Event, fact: f.MessageSent) -> None:
        if fact.automatic:
            return
        if self.first_message is None:
            self.agent_began = True
        self.replies += 1
        agent = fact.author.removeprefix("agent:")
        if agent not in self.agents:
            self.agents.append(agent)
        waiting, self.waiting = self.waiting, None
        if self.replies == 1 and self.first_message is not None:
            self.first_response = _span(self.first_message, event)
        elif waiting is not None and waiting != self.first_message:
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
            self.targets.setdefault(fact.name, True)  # fulfilled after the breach is still a breach
        elif isinstance(fact, f.TargetBreached):
            self.targets[fact.name] = False
        elif isinstance(fact, f.SurveyOffered):
            self.surveys_offered += 1
        elif isinstance(fact, f.SurveyAnswered):
            # A contact may change an answer: only the last one of a survey counts.
            self.answers = [a for a in self.answers if a.survey != fact.survey] + [fact]


def _span(begun: tuple[datetime, int], event: f.Event) -> Span:
    return Span(begun[0], event.at, begun[1], event.seq)


def measure(events: Iterable[f.Event], known: dict[str, Measured] | None = None) -> dict[str, Measured]:
    """Every conversation in *events* (in order of position), going on from those *known*, which are changed."""
    found = {} if known is None else known
    for event in events:
        if isinstance(event.fact, f.ConversationStarted):
            found[event.stream] = begun(event, event.fact)
        elif (measured := found.get(event.stream)) is not None:
            measured.take(event)
    return found


def begun(event: f.Event, fact: f.ConversationStarted) -> Measured:
    """What is measured of a conversation at its beginning."""
    return Measured(event.stream, fact.channel, fact.inbox, event.at)
