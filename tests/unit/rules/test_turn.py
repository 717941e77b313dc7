"""A turn: timers first and at their own instants, then policies in order until nobody adds anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Address, Agent, Contact, Conversation, Presence, Status
from carekit.ground.errors import Refused
from carekit.rules.context import Context
from carekit.rules.evolve import fold
from carekit.rules.turn import LONGEST, Rulebook, Turn
from carekit.testing.contracts.values import conversation, minute

AN_HOUR_IN = minute(60)
IN = f.MessageReceived("hello", "x")
Decide = Callable[[f.Event, Conversation, Context], Iterable[a.Action]]


class _Rule:
    def __init__(self, name: str, decide: Decide, channels: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.channels = channels
        self.asked: list[tuple[f.Event, Conversation, Context]] = []
        self._decide = decide

    def decide(self, event: f.Event, conversation: Conversation, context: Context) -> Iterable[a.Action]:
        self.asked.append((event, conversation, context))
        return self._decide(event, conversation, context)


def _book(*rules: tuple[_Rule, frozenset[type[f.Fact]]]) -> Rulebook:
    return Rulebook.of(rules, ["loop", "mail"], service="Test", config="cfg")


def _turn(
    c: Conversation | None = None,
    *rules: tuple[_Rule, frozenset[type[f.Fact]]],
    now: datetime = AN_HOUR_IN,
    agents: dict[str, Agent] | None = None,
) -> Turn:
    contact = Contact("p1", minute(0))
    return Turn(_book(*rules), c or conversation(), contact, agents or {}, now)


def _on(*facts: type[f.Fact]) -> frozenset[type[f.Fact]]:
    return frozenset(facts)


# --- policies


def test_policies_answer_in_the_order_of_the_file() -> None:
    """Of two policies that listen to the same fact the first of the file acts first."""
    one = _Rule("one", lambda *_: [a.AddNote("1", reason="r")])
    two = _Rule("two", lambda *_: [a.AddNote("2", reason="r")])
    turn = _turn(None, (one, _on(f.MessageReceived)), (two, _on(f.MessageReceived)))
    turn.record(IN, "contact")
    turn.settle()
    assert [e.policy for e in turn.events] == ["", "one", "two"]


def test_what_is_gone_back_from_never_happened() -> None:
    """The conversation stands as before, and what the policies have seen by then they do not see again."""
    rule = _Rule("quiet", lambda *_: [])
    turn = _turn(None, (rule, _on(f.MessageReceived, f.NoteAdded)))
    turn.record(IN, "contact")
    turn.settle()
    before, conversation = turn.point(), turn.conversation
    turn.ask(a.AddNote("not to be"), "agent:lena")
    turn.go_back(before)
    assert turn.conversation == conversation
    turn.settle()
    assert [type(event.fact) for event, _, _ in rule.asked] == [f.MessageReceived]
    turn.ask(a.AddNote("to be"), "agent:lena")
    turn.settle()
    assert [type(event.fact) for event, _, _ in rule.asked] == [f.MessageReceived, f.NoteAdded]
    assert [event.seq for event in turn.events] == [turn.events[0].seq, turn.events[0].seq + 1]


def test_an_action_says_who_why_and_what_led_to_it() -> None:
    """The event of a policy's action names policy, reason, cause and configuration."""
    rule = _Rule("greet", lambda *_: [a.AddNote("hi", reason="because")])
    turn = _turn(None, (rule, _on(f.MessageReceived)))
    cause = turn.record(IN, "contact")
    turn.settle()
    event = turn.events[-1]
    assert (event.actor, event.policy, event.reason, event.cause, event.config) == (
        "policy:greet",
        "greet",
        "because",
        cause.seq,
        "cfg",
    )


def test_policies_react_to_one_another() -> None:
    """An action's fact is shown to the policies that listen to it, with the conversation as it then stands."""
    assign = _Rule("assign", lambda *_: [a.Assign("ana", reason="r")])
    note = _Rule("note", lambda *_: [a.AddNote("assigned", reason="r")])
    turn = _turn(None, (assign, _on(f.MessageReceived)), (note, _on(f.Assigned)))
    turn.record(IN, "contact")
    turn.settle()
    assert [e.kind for e in turn.events] == ["message_received", "assigned", "note_added"]
    assert note.asked[0][1].assignee == "ana"


def test_a_policy_hears_only_what_it_listens_to_on_its_channels() -> None:
    """Facts it does not name and channels it is not for are not shown to it."""
    deaf, elsewhere = _Rule("deaf", lambda *_: []), _Rule("elsewhere", lambda *_: [], frozenset({"mail"}))
    turn = _turn(None, (deaf, _on(f.Resolved)), (elsewhere, _on(f.MessageReceived)))
    turn.record(IN, "contact")
    turn.settle()
    assert deaf.asked == elsewhere.asked == []


def _raise(*_: object) -> Iterable[a.Action]:
    raise KeyError("calendar")


def _half(*_: object) -> Iterable[a.Action]:
    yield a.AddNote("before", reason="r")
    raise ValueError("half way")


@pytest.mark.parametrize(
    ("decide", "error"),
    [
        (_raise, "KeyError"),
        (lambda *_: [a.Snooze(minute(0)), "nonsense"], "not an action|AttributeError|Refused|str"),
        (lambda *_: None, "TypeError"),
        (lambda *_: [a.Send("")], "empty"),
        (lambda *_: [a.AddNote("fine"), a.Send("x", subject=7)], r"Send does not hold what it should: Expected `str`"),
        (lambda *_: [a.Assign(3)], r"Assign does not hold what it should"),
        (lambda *_: [a.Snooze(minute(9).replace(tzinfo=None))], "an instant needs its time zone"),
        (lambda *_: [a.SetTimer("t", minute(9).replace(tzinfo=None))], "an instant needs its time zone"),
        (_half, "half way"),
    ],
)
def test_a_failing_policy_is_noted_and_stops_nothing(decide: Any, error: str) -> None:
    """Whatever a policy raises or returns, the message stays, the failure is in the log, and the others go on."""
    after = _Rule("after", lambda *_: [a.AddNote("still here", reason="r")])
    turn = _turn(None, (_Rule("bad", decide), _on(f.MessageReceived)), (after, _on(f.MessageReceived)))
    message = turn.record(IN, "contact")
    turn.settle()
    (failed,) = [e for e in turn.events if isinstance(e.fact, f.PolicyFailed)]
    assert isinstance(failed.fact, f.PolicyFailed)
    assert failed.fact.name == "bad"
    assert re.search(error, failed.fact.error)
    assert failed.cause == message.seq
    assert turn.events[-1].policy == "after"


def test_a_policy_that_raises_half_way_adds_nothing() -> None:
    """The actions of a generator that raises later are not taken: all of one decision, or nothing."""
    turn = _turn(None, (_Rule("half", _half), _on(f.MessageReceived)))
    turn.record(IN, "contact")
    turn.settle()
    assert [e.kind for e in turn.events] == ["message_received", "policy_failed"]


def test_policies_that_answer_one_another_for_ever_are_stopped() -> None:
    """A circle of policies ends at the limit with a failure in the log, and the message is kept."""
    circle = _Rule("circle", lambda *_: [a.AddNote("again", reason="r")])
    turn = _turn(None, (circle, _on(f.MessageReceived, f.NoteAdded)))
    turn.record(IN, "contact")
    turn.settle()
    assert turn.events[0].fact == IN
    assert isinstance(turn.events[-1].fact, f.PolicyFailed)
    assert "circle" in turn.events[-1].fact.error
    assert len(turn.events) <= LONGEST + 5


def test_what_is_asked_and_refused_leaves_the_turn_as_it_was() -> None:
    """A refused wish adds no event."""
    turn = _turn()
    before = turn.conversation
    with pytest.raises(Refused):
        turn.ask(a.Send(""), "agent:ana")
    assert (turn.events, turn.conversation) == ([], before)


# --- time


def test_timers_fire_at_their_own_instants_before_what_came_later() -> None:
    """However late they are noticed, timers fire in order, each at its instant, before the later event."""
    c = conversation(timers={"b": minute(20), "a": minute(10), "late": minute(90)})
    rule = _Rule("hear", lambda event, _, context: [a.AddNote(f"{context.now:%H:%M}", reason="r")])
    turn = _turn(c, (rule, _on(f.TimerFired)), now=minute(60))
    turn.fire_due()
    turn.record(IN, "contact")
    turn.settle()
    seen = [(e.kind, e.at) for e in turn.events]
    assert seen == [
        ("timer_fired", minute(10)),
        ("note_added", minute(10)),
        ("timer_fired", minute(20)),
        ("note_added", minute(20)),
        ("message_received", minute(60)),
    ]
    assert set(turn.conversation.timers) == {"late"}


def test_a_message_at_the_very_instant_comes_before_the_timer() -> None:
    """What happens exactly at a timer's instant is in time; looking at what is due by now fires it."""
    c = conversation(timers={"t": minute(60)})
    turn = _turn(c, now=minute(60))
    turn.fire_due()
    assert turn.events == []
    turn = _turn(c, now=minute(60))
    turn.fire_reached()
    assert [(e.kind, e.at) for e in turn.events] == [("timer_fired", minute(60))]


def test_a_timer_set_by_a_timer_fires_in_the_same_look() -> None:
    """A timer whose answer is another timer in the past fires that one too, in order."""

    def again(event: f.Event, _: Conversation, context: Context) -> Iterable[a.Action]:
        if context.now < minute(30):
            return [a.SetTimer("t", context.now + timedelta(minutes=10), reason="again")]
        return []

    turn = _turn(conversation(timers={"t": minute(10)}), (_Rule("again", again), _on(f.TimerFired)), now=minute(60))
    turn.fire_reached()
    fired = [e.at for e in turn.events if isinstance(e.fact, f.TimerFired)]
    assert fired == [minute(10), minute(20), minute(30)]


def test_the_end_of_a_snooze_wakes_at_its_instant() -> None:
    """A snooze that ended long ago wakes at the instant it was for."""
    c = conversation(status=Status.SNOOZED, snoozed_until=minute(10), timers={"snooze": minute(10)})
    turn = _turn(c, now=minute(60))
    turn.fire_reached()
    assert [(e.kind, e.at) for e in turn.events] == [("timer_fired", minute(10)), ("woken", minute(10))]
    assert turn.conversation.status is Status.OPEN


def test_a_clock_set_back_does_not_turn_the_log_around() -> None:
    """An event is never earlier than what is in the log already."""
    c = conversation(updated_at=minute(30))
    turn = _turn(c, now=minute(5))
    turn.record(IN, "contact")
    assert turn.events[0].at == minute(30)


@settings(max_examples=60)
@given(
    dues=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100), max_size=6),
    now=st.integers(0, 100),
)
def test_time_never_runs_backwards(dues: dict[str, int], now: int) -> None:
    """With any timers, all that are due fire in order of their instants, and the log's instants never decrease."""
    timers = {name: minute(due) for name, due in dues.items()}
    turn = _turn(conversation(timers=timers), now=minute(now))
    turn.fire_due()
    turn.record(IN, "contact")
    at = [e.at for e in turn.events]
    assert at == sorted(at)
    assert at[:-1] == sorted(minute(due) for due in dues.values() if due < now)
    assert set(turn.conversation.timers) == {name for name, due in dues.items() if due >= now}


# --- what a channel takes


def _short(turn: Turn) -> Turn:
    """The same turn where a message on the channel mail has at most five characters."""
    book = turn._book
    turn._book = Rulebook(
        book.service,
        book.config,
        book.calendars,
        book.surveys,
        book.by_fact,
        {"mail": lambda text: "too long: shorten it" if len(text) > 5 else ""},
    )
    return turn


@pytest.mark.parametrize("actor", ["agent:ana", "bot:faq", "api", "policy:thanks"])
def test_what_its_channel_cannot_carry_is_refused(actor: str) -> None:
    """Whoever writes it, and nothing is recorded; what fits, and what goes to a channel without a limit, is sent."""
    turn = _short(_turn(conversation(channel="mail")))
    with pytest.raises(Refused, match="too long: shorten it") as refused:
        turn.ask(a.Send("hello!"), actor)
    assert (refused.value.field, turn.events) == ("text", [])
    assert turn.ask(a.Send("hello"), actor) != []
    assert turn.ask(a.AddNote("as long as it likes"), actor) != []
    assert _short(_turn(conversation(channel="loop"))).ask(a.Send("hello!"), actor) != []


@pytest.mark.parametrize(
    "action", [a.Send("hello!", reason="r"), a.Initiate("mail", Address("email", "ana@mail.example"), "hello!")]
)
def test_a_policy_that_writes_more_than_the_channel_carries_has_failed(action: a.Action) -> None:
    """It is noted with the reason, also where it writes first on another channel, and the next policy is asked."""
    long = _Rule("long", lambda *_: [action])
    note = _Rule("note", lambda *_: [a.AddNote("1", reason="r")])
    channel = "loop" if isinstance(action, a.Initiate) else "mail"
    turn = _turn(conversation(channel=channel), (long, _on(f.MessageReceived)), (note, _on(f.MessageReceived)))
    _short(turn).record(IN, "contact")
    turn.settle()
    assert [event.kind for event in turn.events] == ["message_received", "policy_failed", "note_added"]
    assert turn.events[1].fact == f.PolicyFailed("long", "too long: shorten it")


# --- agents


def _ana(**fields: Any) -> Agent:
    return Agent("ana", "Ana", "ana@desk.example", presence=Presence.AVAILABLE, **fields)


def test_load_moves_with_the_conversation() -> None:
    """Assigning takes up capacity, waiting for the contact frees it, a reply of the contact takes it up again."""
    turn = _turn(agents={"ana": _ana(), "max": Agent("max", "Max", "max@desk.example")})
    loads = []
    for wish in (a.Assign("ana"), a.Assign("max"), a.Send("hi"), a.Reopen(), a.Resolve(), a.Unassign()):
        turn.ask(wish, "agent:ana")
        loads.append((turn.agents["ana"].load, turn.agents["max"].load))
    assert loads == [(1, 0), (0, 1), (0, 0), (0, 1), (0, 0), (0, 0)]
    assert turn.agents["max"].last_assigned_at == minute(60)


def test_agents_that_are_not_known_are_no_trouble() -> None:
    """A conversation held by somebody who is gone can still move."""
    turn = _turn(conversation(assignee="ghost"), agents={"ana": _ana()})
    turn.ask(a.Assign("ana"), "service")
    assert {id: agent.load for id, agent in turn.agents.items()} == {"ana": 1}


def test_the_given_agents_are_never_changed() -> None:
    """A turn works on its own picture of the agents."""
    agents = {"ana": _ana()}
    turn = _turn(agents=agents)
    turn.ask(a.Assign("ana"), "service")
    assert agents == {"ana": _ana()}


def test_a_turn_is_the_fold_of_its_events() -> None:
    """From the start on, the conversation of a turn is the fold of its events."""
    rule = _Rule("assign", lambda *_: [a.Assign("ana", reason="r"), a.SetTimer("t", minute(90), reason="r")])
    contact = Contact("p1", minute(0))
    turn = Turn(_book((rule, _on(f.MessageReceived))), None, contact, {"ana": _ana()}, minute(60))
    turn.start("c9", f.ConversationStarted("loop", "main", "p1"))
    turn.record(IN, "contact")
    turn.settle()
    assert fold(turn.events) == turn.conversation
    assert [e.seq for e in turn.events] == [1, 2, 3, 4]
