"""The fold: what conversations, contacts and agents become, and that the present is always the sum of the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Agent, Contact, Conversation, Presence, Status
from carekit.ground.errors import IllegalMove, Refused
from carekit.rules.decide import decide
from carekit.rules.evolve import PREVIEW, SNOOZE, begin, evolve, evolve_agent, evolve_contact, fold
from carekit.testing.clock import START
from carekit.testing.contracts.values import conversation, minute, started
from carekit.testing.strategies import values_of


def _after(c: Conversation, *facts: f.Fact, at: float = 1, actor: str = "service", policy: str = "") -> Conversation:
    for fact in facts:
        c = evolve(c, f.Event(c.id, c.seq + 1, minute(at), actor, fact, policy=policy))
    return c


IN = f.MessageReceived("hello", "x")
OUT = f.MessageSent("agent:ana", "hi")


def test_a_conversation_begins_as_its_first_event_says() -> None:
    """Channel, inbox, contact, subject and whether it is live come from the start."""
    fact = f.ConversationStarted("loop", "main", "p1", "Help", live=True)
    c = begin(f.Event("c1", 1, START, "contact", fact))
    assert (c.id, c.channel, c.inbox, c.contact, c.subject, c.live) == ("c1", "loop", "main", "p1", "Help", True)
    assert (c.status, c.seq, c.created_at) == (Status.OPEN, 1, START)


def test_a_message_opens_and_waits() -> None:
    """A message opens a waiting conversation, counts, and waits from its own instant; a second does not wait anew."""
    c = _after(conversation(status=Status.WAITING), IN, at=3)
    assert (c.status, c.inbound, c.waiting_since, c.last_author, c.last_message) == (
        Status.OPEN,
        1,
        minute(3),
        "contact",
        2,
    )
    assert _after(c, IN, at=9).waiting_since == minute(3)


def test_an_automatic_message_counts_but_waits_for_nobody() -> None:
    """A machine's mail is kept and starts no clock."""
    c = _after(conversation(), f.MessageReceived("away", "x", automatic=True))
    assert (c.inbound, c.waiting_since, c.first_message_at) == (1, None, None)


@pytest.mark.parametrize("status", [Status.OPEN, Status.WAITING, Status.SNOOZED, Status.RESOLVED])
def test_an_automatic_message_moves_no_status(status: Status) -> None:
    """An out-of-office notice is nobody's turn: it ends neither a snooze nor the wait for the contact."""
    before = conversation(status=status, snoozed_until=minute(9), timers={SNOOZE: minute(9)})
    after = _after(before, f.MessageReceived("away", "x", automatic=True))
    assert (after.status, after.snoozed_until, after.timers) == (status, before.snoozed_until, before.timers)


def test_a_reply_answers() -> None:
    """An agent's message hands the turn to the contact, ends the wait, and keeps bots away."""
    c = _after(_after(conversation(bot="faq"), IN), OUT, at=5)
    assert (c.status, c.waiting_since, c.replies, c.first_reply_at) == (Status.WAITING, None, 1, minute(5))
    assert (c.bot, c.handed_off) == ("", True)


@pytest.mark.parametrize("author", ["bot:faq", "service"])
def test_an_automatic_answer_moves_no_status(author: str) -> None:
    """What no person wrote leaves status, wait and counts as they are."""
    c = _after(conversation(), IN)
    after = _after(c, f.MessageSent(author, "hi", "answer"))
    assert (after.status, after.waiting_since, after.replies) == (c.status, c.waiting_since, 0)
    assert after.last_author == author


def test_the_preview_is_the_beginning_of_the_newest_message() -> None:
    """At most 140 characters of the newest public message, never of a note."""
    c = _after(conversation(), f.MessageReceived("x" * 999, "1"), f.NoteAdded("agent:ana", "secret"))
    assert c.preview == "x" * PREVIEW


def test_the_queue_keeps_the_first_place() -> None:
    """Entering the queue again does not lose the place; an assignment leaves it."""
    c = _after(_after(conversation(), f.QueueEntered(), at=1), f.QueueEntered(), at=7)
    assert c.queued_at == minute(1)
    assert _after(c, f.Assigned("ana")).queued_at is None


def test_a_bots_turns_are_remembered() -> None:
    """Misses in a row add up and end with an answer; the memory is the newest."""
    missed = f.BotAnswered("faq", 2, missed=True, memory='{"a":1}')
    c = _after(conversation(), f.BotAsked("faq", 2), missed, missed)
    assert (c.bot, c.misses, c.memory) == ("faq", 2, '{"a":1}')
    assert _after(c, f.BotAnswered("faq", 2)).misses == 0
    handed = _after(c, f.HandedOff("faq", "misses"))
    assert (handed.bot, handed.handed_off, handed.misses) == ("", True, 0)


def test_a_target_runs_until_it_is_met_or_breached() -> None:
    """The target has its timer until it ends; met after a breach is late."""
    fact = f.TargetSet("sla", "first_response", minute(9), timedelta(minutes=9))
    c = _after(conversation(), fact)
    assert (c.targets["sla"].state, dict(c.timers)) == ("running", {"target:sla": minute(9)})
    met = _after(c, f.TargetMet("sla"), at=4)
    assert (met.targets["sla"].state, met.targets["sla"].ended_at, dict(met.timers)) == ("met", minute(4), {})
    late = _after(c, f.TargetBreached("sla", "first_response"), f.TargetMet("sla"), at=20)
    assert (late.targets["sla"].state, late.timers) == ("late", {})
    assert _after(c, f.TargetCancelled("sla")).targets == {}


@pytest.mark.parametrize("ends", [IN, OUT, f.Woken(), f.Reopened(), f.Resolved(), f.Closed()])
def test_whatever_ends_a_snooze_takes_its_timer_away(ends: f.Fact) -> None:
    """A snooze that was ended in any way does not ring later."""
    c = _after(conversation(), f.Snoozed(minute(60)))
    assert (c.status, c.snoozed_until, c.wake_at) == (Status.SNOOZED, minute(60), minute(60))
    after = _after(c, ends)
    assert (after.snoozed_until, "snooze" in after.timers) == (None, False)


def test_resolving_lets_a_bot_try_again_next_time() -> None:
    """A resolution ends wait, queue and the people's claim; reopening counts."""
    c = _after(conversation(handed_off=True, queued_at=START, misses=2), IN, f.Resolved(), at=2)
    assert (c.status, c.resolved_at, c.waiting_since, c.queued_at) == (Status.RESOLVED, minute(2), None, None)
    assert (c.handed_off, c.misses) == (False, 0)
    assert _after(c, f.Reopened()).reopens == 1
    assert _after(conversation(status=Status.WAITING), f.Reopened()).reopens == 0


def test_closing_ends_every_timer() -> None:
    """What is archived never wakes again."""
    assert _after(conversation(timers={"a": minute(9)}), f.Closed()).timers == {}


def test_an_illegal_step_is_not_taken() -> None:
    """The fold refuses what the table does not have."""
    with pytest.raises(IllegalMove):
        _after(conversation(status=Status.CLOSED), IN)


def test_a_contact_learns_names_and_automatic_texts() -> None:
    """A claimed name replaces, an empty one does not; texts of policies are noted by policy, people's are not."""
    contact = Contact("p1", START, "Ana", "ana@example.com")
    named = evolve_contact(contact, f.Event("c1", 2, START, "contact", f.ContactIdentified(name="Ana María")))
    assert (named.name, named.email) == ("Ana María", "ana@example.com")
    sent = f.Event("c1", 3, minute(3), "policy:ack", f.MessageSent("service", "x"), policy="ack")
    assert evolve_contact(contact, sent).automatic == {"ack": minute(3)}
    assert evolve_contact(contact, f.Event("c1", 3, START, "agent:ana", OUT)) is contact


def test_an_agents_stream_folds_into_the_agent() -> None:
    """Added, changed, available, sessions ended, deactivated: each leaves its mark and the step."""

    def then(agent: Agent | None, fact: f.Fact) -> Agent:
        return evolve_agent(agent, f.Event("agent:ana", agent.seq + 1 if agent else 1, START, "service", fact))

    ana = then(None, f.AgentAdded("ana", "Ana", "ana@desk.example", "admin", 3, ("main",)))
    assert (ana.role, ana.capacity, ana.inboxes, ana.presence, ana.seq) == ("admin", 3, ("main",), Presence.OFF, 1)
    ana = then(ana, f.PresenceChanged(Presence.AVAILABLE))
    changed = then(ana, f.AgentChanged(name="Ana R", inboxes=()))
    assert (changed.name, changed.inboxes, changed.capacity, changed.presence) == ("Ana R", (), 3, Presence.AVAILABLE)
    assert then(changed, f.SessionsEnded()).session_epoch == 1
    gone = then(changed, f.AgentChanged(active=False))
    assert (gone.active, gone.presence, gone.session_epoch) == (False, Presence.OFF, 1)


ACTIONS = [
    values_of(kind)
    for kind in vars(a).values()
    if isinstance(kind, type) and issubclass(kind, a.Action) and kind is not a.Action
]
MOVES = st.one_of(st.just(IN), st.just(f.MessageReceived("away", "y", automatic=True)), *ACTIONS)


@settings(max_examples=60)
@given(moves=st.lists(st.tuples(MOVES, st.sampled_from(["agent:ana", "policy:x"])), max_size=25))
def test_the_present_is_the_fold_of_the_log(moves: list[tuple[Any, str]]) -> None:
    """After any history of wishes and messages, folding the log anew gives the very conversation."""
    c = conversation()
    log = [started(c)]
    present = begin(log[0])
    for number, (move, actor) in enumerate(moves):
        try:
            facts = (move,) if isinstance(move, f.Fact) else decide(present, move, actor)
            for fact in facts:
                event = f.Event(c.id, present.seq + 1, minute(number), actor, fact)
                present = evolve(present, event)
                log.append(event)
        except Refused:
            continue
    assert fold(log) == present
    assert present.seq == len(log)
    assert [e.seq for e in log] == list(range(1, len(log) + 1))
