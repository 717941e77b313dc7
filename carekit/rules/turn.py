"""One turn of one conversation: something happened or was asked; policies react; their actions become facts; and so on
until nobody has anything to add.

Pure and synchronous: the instant, the ids and the world come as arguments, and the same arguments give the same events.
A policy that raises is noted in the log as `PolicyFailed` and never stops the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import attrs

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.codec import repaired
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.ground.calendars import Calendar
from carekit.ground.errors import CarekitError, NotAllowed, Refused
from carekit.ground.values import replace
from carekit.rules.context import Context, SurveyOffer
from carekit.rules.decide import decide
from carekit.rules.evolve import CHANGES_CONTACT, SNOOZE, begin, evolve, evolve_contact
from carekit.rules.lifecycle import STEPS

LONGEST = 200
"""Events one turn may have; beyond that the policies answer one another in a circle."""


Limit = Callable[[str], str]
"""Why one message cannot hold a text, as a person may be told; empty if it can."""


class Rule(Protocol):
    """What the turn needs of a policy."""

    name: str
    channels: frozenset[str]
    """The channels it applies to; empty for all."""

    def decide(self, event: f.Event, conversation: Conversation, context: Context) -> Iterable[a.Action]: ...


@attrs.frozen(slots=False)
class Rulebook:
    """The policies of the file in order, ready to be asked, and what they may look at.

    ``by_fact`` holds for each channel and class of fact only the policies that listen to it. ``limits`` holds for each
    channel that has one what says why a message cannot hold a text; it says nothing where it can.
    """

    service: str
    config: str
    calendars: Mapping[str, Calendar]
    surveys: Mapping[str, SurveyOffer]
    by_fact: Mapping[str, Mapping[type[f.Fact], Sequence[Rule]]]
    limits: Mapping[str, Limit]

    @classmethod
    def of(
        cls,
        rules: Sequence[tuple[Rule, frozenset[type[f.Fact]]]],
        channels: Iterable[str],
        *,
        service: str = "",
        config: str = "",
        calendars: Mapping[str, Calendar] | None = None,
        surveys: Mapping[str, SurveyOffer] | None = None,
        limits: Mapping[str, Limit] | None = None,
    ) -> Rulebook:
        """A rulebook from *rules*, each with the facts it listens to, for the *channels* of the file."""
        by_fact: dict[str, dict[type[f.Fact], list[Rule]]] = {}
        for channel in channels:
            table: dict[type[f.Fact], list[Rule]] = {}
            for rule, facts in rules:
                if rule.channels and channel not in rule.channels:
                    continue
                for fact in facts:
                    table.setdefault(fact, []).append(rule)
            by_fact[channel] = table
        return cls(service, config, calendars or {}, surveys or {}, by_fact, limits or {})


_MOVES_LOAD = STEPS | {f.Assigned, f.Unassigned}
"""The facts after which an agent may hold more or less than before."""

_NOBODY: Mapping[type[f.Fact], Sequence[Rule]] = {}
_NONE_QUEUED: Mapping[str, int] = {}


class Point(NamedTuple):
    """Where a turn stood."""

    conversation: Conversation | None
    contact: Contact
    agents: Mapping[str, Agent]
    events: int
    seen: int


class Turn:
    """A turn being taken. Read ``events``, ``conversation``, ``contact`` and ``agents`` when it has settled."""

    __slots__ = (
        "_book",
        "_context",
        "_conversation",
        "_queued",
        "_rules",
        "_seen",
        "agents",
        "contact",
        "events",
        "now",
    )

    def __init__(
        self,
        book: Rulebook,
        conversation: Conversation | None,
        contact: Contact,
        agents: Mapping[str, Agent],
        now: datetime,
        queued: Mapping[str, int] = _NONE_QUEUED,
    ) -> None:
        self._book = book
        self._conversation = conversation
        self.contact = contact
        self.agents = agents
        self._queued = queued
        self._context: Context | None = None
        self.events: list[f.Event] = []
        self._seen = 0
        """How many of the events the policies have looked at."""
        if conversation is None:
            self._rules = _NOBODY
            self.now = now
        else:
            self._rules = book.by_fact.get(conversation.channel, _NOBODY)
            # A clock that was set back must not turn the log around.
            self.now = max(conversation.updated_at, now)

    @property
    def conversation(self) -> Conversation:
        """The conversation as it stands now."""
        assert self._conversation is not None, "a new conversation begins with ConversationStarted"
        return self._conversation

    def point(self) -> Point:
        """Where it stands now, to `go_back` to if what comes next cannot be done."""
        return Point(self._conversation, self.contact, self.agents, len(self.events), self._seen)

    def go_back(self, point: Point) -> None:
        """Forget everything since *point*."""
        self._conversation, self.contact, self.agents, events, self._seen = point
        del self.events[events:]
        self._context = None

    def start(self, stream: str, fact: f.ConversationStarted, actor: str = "contact") -> None:
        """Begin a new conversation with the id *stream*."""
        event = f.Event(stream, 1, self.now, actor, fact, None, "", "", self._book.config)
        self._conversation = begin(event)
        self._rules = self._book.by_fact.get(fact.channel, _NOBODY)
        self.events.append(event)

    def fire_due(self) -> None:
        """Let every timer that was due before now fire at its own instant, in order, before anything else happens."""
        if self._conversation is not None and self._conversation.timers:
            self._fire(inclusive=False)

    def fire_reached(self) -> None:
        """Let every timer fire that is due by now, this instant included."""
        if self._conversation is not None and self._conversation.timers:
            self._fire(inclusive=True)

    def record(
        self, fact: f.Fact, actor: str, *, cause: int | None = None, policy: str = "", reason: str = ""
    ) -> f.Event:
        """Append *fact* as the next step; raises `IllegalMove` if the lifecycle forbids it."""
        before = self._conversation
        assert before is not None, "a new conversation begins with ConversationStarted"
        event = f.Event(before.id, before.seq + 1, self.now, actor, fact, cause, policy, reason, self._book.config)
        after = self._conversation = evolve(before, event)
        kind = type(fact)
        if kind in _MOVES_LOAD and (after.assignee or before.assignee):
            held, holds = before.holder, after.holder
            if held != holds or kind is f.Assigned:
                self._move_load(held, holds, fact)
        if kind in CHANGES_CONTACT:
            contact = evolve_contact(self.contact, event)
            if contact is not self.contact:
                self.contact = contact
                self._context = None
        self.events.append(event)
        return event

    def ask(self, action: a.Action, actor: str, *, cause: int | None = None, policy: str = "") -> list[f.Event]:
        """Turn *action* into facts and append them; raises `Refused` if it cannot be."""
        if self.contact.refused and isinstance(action, a.Send) and self.conversation.sender in self.contact.refused:
            return [self._withhold(action, actor, cause, policy)]
        if self._book.limits and isinstance(action, a.Send | a.Initiate):
            self._check_length(action)
        facts = decide(self.conversation, action, actor)
        return [self.record(fact, actor, cause=cause, policy=policy, reason=action.reason) for fact in facts]

    def _check_length(self, action: a.Send | a.Initiate) -> None:
        """Refuse what its channel could not carry, before anything comes of it."""
        channel = action.channel if isinstance(action, a.Initiate) else self.conversation.channel
        limit = self._book.limits.get(channel)
        fault = limit(action.text) if limit is not None else ""
        if fault:
            raise Refused(fault, field="text")

    def _withhold(self, action: a.Send, actor: str, cause: int | None, policy: str) -> f.Event:
        """Who refused to be written to is not: a person is told, and what a rule wanted to say is noted instead."""
        if actor.startswith("agent:"):
            raise NotAllowed("the contact does not want to be written to at this address any more; wait for their word")
        return self.record(f.MessageWithheld(action.purpose), actor, cause=cause, policy=policy, reason=action.reason)

    def settle(self) -> None:
        """Let the policies react until nobody has anything to add."""
        events, rules_for = self.events, self._rules
        while self._seen < len(events):
            event = events[self._seen]
            self._seen += 1
            for rule in rules_for.get(type(event.fact), ()):
                if len(events) > LONGEST:
                    self._end_circle(rule, event)
                    return
                self._consult(rule, event)

    def _consult(self, rule: Rule, event: f.Event) -> None:
        try:
            actions = rule.decide(event, self.conversation, self._context or self._look())
            # All of it is looked at first: what does not hold what it should could be written, and never be read again.
            for action in [repaired(action) for action in actions]:
                self.ask(action, f"policy:{rule.name}", cause=event.seq, policy=rule.name)
        except CarekitError as error:
            self._note_failure(rule, event, str(error))
        except Exception as error:  # noqa: BLE001 - a policy is a stranger's code: whatever it raises must not stop the message
            self._note_failure(rule, event, f"{type(error).__name__}: {error}")

    def _look(self) -> Context:
        book = self._book
        context = self._context = Context(
            self.now, book.service, self.contact, self.agents, book.calendars, self._queued, book.surveys
        )
        return context

    def _end_circle(self, rule: Rule, event: f.Event) -> None:
        self._note_failure(rule, event, f"the policies answer one another in a circle: {LONGEST} events in one turn")
        self._seen = len(self.events)

    def _note_failure(self, rule: Rule, event: f.Event, error: str) -> None:
        self.record(f.PolicyFailed(rule.name, error[:500]), f"policy:{rule.name}", cause=event.seq, policy=rule.name)

    def _fire(self, *, inclusive: bool) -> None:
        arrival = self.now
        while timers := self.conversation.timers:
            due = min(timers.values())
            if due > arrival or (due == arrival and not inclusive):
                break
            name = min(name for name, at in timers.items() if at == due)
            self._set_now(max(due, self.conversation.updated_at))
            fired = self.record(f.TimerFired(name), "service")
            if name == SNOOZE:
                self.ask(a.Wake(reason="the snooze is over"), "service", cause=fired.seq)
            self.settle()
        self._set_now(max(arrival, self.conversation.updated_at))

    def _set_now(self, now: datetime) -> None:
        self.now = now
        self._context = None

    def _move_load(self, before: str, after: str, fact: f.Fact) -> None:
        agents = dict(self.agents)
        if before != after:
            if before in agents:
                agents[before] = replace(agents[before], load=max(0, agents[before].load - 1))
            if after in agents:
                agents[after] = replace(agents[after], load=agents[after].load + 1)
        if isinstance(fact, f.Assigned) and fact.agent in agents:
            agents[fact.agent] = replace(agents[fact.agent], last_assigned_at=self.now)
        self.agents = agents
        self._context = None
