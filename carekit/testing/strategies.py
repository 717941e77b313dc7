"""Generated values for tests with hypothesis: any noun, any fact, any event, and worlds for policies to decide in.

Falsy values are as likely as others, texts hold whatever people and machines write, and instants are aware UTC.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import msgspec
from hypothesis import strategies as st

from carekit.facts.events import FACTS, Event, Fact, TimerFired
from carekit.facts.nouns import Agent, Contact, Conversation, Survey, Target
from carekit.ground.calendars import Calendar
from carekit.ground.values import replace
from carekit.rules.context import Context, SurveyOffer
from carekit.seams.policy import Policy

ODD_TEXTS = (
    "",
    " ",
    "0",
    "False",
    "null",
    "Ünï çödé",
    "مرحبا",
    "日本語",
    "👩‍👩‍👧",
    "\x00",
    "'; --",
    "{{ name }}",
    "a\r\nb",
    "%s %",
    "\\n",
)
"""Texts that naive code loses, escapes or executes."""

ids: st.SearchStrategy[str] = st.text("abcdefghjkmnpqrstvwxyz0123456789_-", min_size=1, max_size=12)
"""Plain ids."""

texts: st.SearchStrategy[str] = st.sampled_from(ODD_TEXTS) | st.text(st.characters(codec="utf-8"), max_size=30)
"""Any text that can be written as UTF-8."""

instants: st.SearchStrategy[datetime] = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
"""Aware UTC instants with microseconds."""

durations: st.SearchStrategy[timedelta] = st.timedeltas(timedelta(0), timedelta(days=400))
"""Durations from nothing to more than a year."""

_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    int: st.sampled_from((0, 1)) | st.integers(-5, 10**9),
    float: st.sampled_from((0.0, 1.0)) | st.floats(-1e9, 1e9, allow_nan=False),
    datetime: instants,
    timedelta: durations,
    type(None): st.none(),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as nouns and facts declare it: plain values, enums, unions, tuples, mappings, structs."""
    if hint not in _PLAIN:
        _PLAIN[hint] = _made_for(hint)
    return _PLAIN[hint]


def _made_for(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values_of(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=2)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _built(hint, {})
    raise TypeError(f"there is no strategy for {hint!r}")


def _built(cls: Any, fixed: Mapping[str, object]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls)
    free = [name for name in cls.__struct_fields__ if name not in fixed]
    return st.builds(
        cls, **{name: values_of(hints[name]) for name in free}, **{n: st.just(v) for n, v in fixed.items()}
    )


def facts(*kinds: type[Fact]) -> st.SearchStrategy[Fact]:
    """Facts of *kinds*, or of every kind."""
    return st.one_of([values_of(kind) for kind in kinds or FACTS.values()])


@st.composite
def events(draw: st.DrawFn, *kinds: type[Fact], stream: str = "c", seq: int = 1) -> Event:
    """Events of *kinds* (or of every kind) as step *seq* of *stream*, not yet stored."""
    actors = ("contact", "service", "agent:ana", "bot:faq", "policy:route", "channel:loop")
    return Event(
        stream=stream,
        seq=seq,
        at=draw(instants),
        actor=draw(st.sampled_from(actors)),
        fact=draw(facts(*kinds)),
        cause=draw(st.none() | st.integers(0, seq)),
        policy=draw(texts),
        reason=draw(texts),
        config=draw(ids),
    )


def contacts(**fixed: object) -> st.SearchStrategy[Contact]:
    """Contacts; *fixed* fields have one value."""
    made: st.SearchStrategy[Contact] = _built(Contact, fixed)
    return made


def agents(**fixed: object) -> st.SearchStrategy[Agent]:
    """Agents with a load that fits their capacity; *fixed* fields have one value."""

    def sound(agent: Agent) -> Agent:
        capacity = 1 + abs(agent.capacity) % 5
        sane = replace(agent, capacity=capacity, load=abs(agent.load) % (capacity + 1), seq=abs(agent.seq) + 1)
        return replace(sane, **fixed)

    return _built(Agent, fixed).map(sound)


def conversations(**fixed: object) -> st.SearchStrategy[Conversation]:
    """Conversations in any status with any values in their fields; *fixed* fields have one value."""

    def sound(conversation: Conversation) -> Conversation:
        counts = {name: abs(getattr(conversation, name)) % 50 for name in ("inbound", "replies", "reopens", "misses")}
        return replace(conversation, **(counts | fixed))

    return _built(Conversation, {"seq": 1, "memory": "{}"} | fixed).map(sound)


@st.composite
def contexts(
    draw: st.DrawFn,
    now: datetime,
    *,
    calendars: Mapping[str, Calendar] | None = None,
    surveys: Mapping[str, SurveyOffer] | None = None,
    automatic: Collection[str] = (),
) -> Context:
    """Worlds at *now* with up to four agents and any contact, who may have had texts of the policies *automatic*."""
    team = draw(st.lists(ids, max_size=4, unique=True))
    written = draw(st.dictionaries(st.sampled_from(sorted(automatic)), instants)) if automatic else {}
    return Context(
        now=now,
        service=draw(texts),
        contact=draw(contacts(automatic=written)),
        agents={id: draw(agents(id=id)) for id in team},
        calendars=calendars or {},
        surveys=surveys or {},
    )


@st.composite
def situations(
    draw: st.DrawFn,
    policy: Policy,
    *,
    calendars: Mapping[str, Calendar] | None = None,
    surveys: Mapping[str, SurveyOffer] | None = None,
) -> tuple[Event, Conversation, Context]:
    """Anything that *policy* listens to, in any conversation, in any world: the arguments of its ``decide``.

    Timers, targets, surveys and earlier texts are often its own, so that all of its branches are reached.
    """
    kind = draw(st.sampled_from(sorted(policy.listens, key=lambda fact: fact.kind)))
    event = draw(events(kind, seq=draw(st.integers(1, 30))))
    names = st.sampled_from((policy.name, policy.timer("x"), f"target:{policy.name}", "snooze")) | texts
    if isinstance(event.fact, TimerFired):
        event = replace(event, fact=TimerFired(draw(names)))
    targets = draw(st.dictionaries(names, values_of(Target), max_size=2))
    offered = draw(
        st.dictionaries(st.sampled_from(sorted(surveys)) if surveys else texts, values_of(Survey), max_size=1)
    )
    conversation = draw(
        conversations(
            id=event.stream,
            seq=event.seq,
            channel="loop",
            updated_at=event.at,
            contact="p",
            first_message_at=draw(st.none() | st.just(event.at) | instants),
            targets={name: replace(target, name=name) for name, target in targets.items()},
            timers=draw(st.dictionaries(names, instants, max_size=2)),
            surveys={name: replace(survey, name=name) for name, survey in offered.items()},
        )
    )
    context = draw(contexts(event.at, calendars=calendars, surveys=surveys, automatic=(policy.name,)))
    assigned: bool = draw(st.booleans())
    if context.agents and assigned:
        conversation = replace(conversation, assignee=draw(st.sampled_from(sorted(context.agents))))
    return event, conversation, context
