"""From wishes to facts: what is possible, what changes nothing, and what is refused with which remedy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Attachment, Conversation, Status, Survey, Target
from carekit.ground.errors import IllegalMove, Refused
from carekit.ground.values import replace
from carekit.rules.decide import LIMIT, decide
from carekit.testing.clock import START
from carekit.testing.contracts.values import conversation
from carekit.testing.strategies import conversations, values_of

AGENT = "agent:ana"
LATER = START + timedelta(hours=1)


def _target(state: str, ended: bool = False) -> Target:
    return Target("sla", "first_response", START, LATER, timedelta(hours=1), "", state, LATER if ended else None)


# --- writing


@pytest.mark.parametrize(
    ("actor", "author"), [(AGENT, AGENT), ("bot:faq", "bot:faq"), ("policy:ack", "service"), ("service", "service")]
)
def test_a_message_is_by_who_wrote_it(actor: str, author: str) -> None:
    """Agents and bots write in their own name, policies in the service's."""
    (fact,) = decide(conversation(), a.Send("hello"), actor)
    assert isinstance(fact, f.MessageSent)
    assert (fact.author, fact.text) == (author, "hello")


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
@pytest.mark.parametrize("action", [a.Send, a.AddNote])
def test_empty_texts_are_refused(action: Any, text: str) -> None:
    """A message or a note of nothing is refused, naming the field."""
    with pytest.raises(Refused) as caught:
        decide(conversation(), action(text), AGENT)
    assert caught.value.field == "text"


def test_a_file_needs_no_words() -> None:
    """A message with an attachment may be without text."""
    (fact,) = decide(conversation(), a.Send("", attachments=(Attachment("a.png", "image/png", 1, "0" * 64),)), AGENT)
    assert isinstance(fact, f.MessageSent)


@pytest.mark.parametrize("action", [a.Send, a.AddNote])
def test_texts_stop_at_the_limit(action: Any) -> None:
    """The longest text is taken, one character more is refused with both numbers."""
    assert decide(conversation(), action("x" * LIMIT), AGENT)
    with pytest.raises(Refused, match=rf"{LIMIT + 1} characters.*{LIMIT}"):
        decide(conversation(), action("x" * (LIMIT + 1)), AGENT)


@pytest.mark.parametrize(
    "action", [a.Send("\ud800"), a.Send("x", html="\udfff"), a.AddNote("a\ud800b"), a.Identify("\ud800")]
)
def test_half_characters_are_refused(action: a.Action) -> None:
    """Text that cannot be written as UTF-8 is refused before it could harm a batch."""
    with pytest.raises(Refused, match="half a character"):
        decide(conversation(), action, AGENT)


def test_a_claimed_address_must_be_one() -> None:
    """What no mail could reach is refused with the field; a name alone is enough."""
    with pytest.raises(Refused, match="'ana' is not an e-mail address; write it like") as caught:
        decide(conversation(), a.Identify("Ana", "ana"), "contact")
    assert caught.value.field == "email"
    for claim in (a.Identify("Ana"), a.Identify("Ana", "ana@mail.example")):
        assert decide(conversation(), claim, "contact") == (f.ContactIdentified(claim.name, claim.email),)


def test_agents_cannot_write_to_what_is_closed() -> None:
    """A closed conversation takes no message by anyone."""
    for actor in (AGENT, "policy:x", "bot:faq"):
        with pytest.raises(IllegalMove, match="archived"):
            decide(conversation(status=Status.CLOSED), a.Send("hello"), actor)


# --- what is so already changes nothing


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({"assignee": "ana"}, a.Assign("ana")),
        ({}, a.Unassign()),
        ({"queued_at": START}, a.Enqueue()),
        ({"handed_off": True}, a.HandOff("requested")),
        ({"status": Status.RESOLVED}, a.Resolve()),
        ({"status": Status.OPEN}, a.Reopen()),
        ({"status": Status.CLOSED}, a.Close()),
        ({"status": Status.OPEN}, a.Wake()),
        ({}, a.CancelTimer("t")),
        ({"targets": {"sla": _target("running")}}, a.SetTarget("sla", "first_response", LATER, timedelta(hours=1))),
        ({}, a.MeetTarget("sla")),
        ({"targets": {"sla": _target("met", ended=True)}}, a.MeetTarget("sla")),
        ({"targets": {"sla": _target("breached")}}, a.CancelTarget("sla")),
        ({"targets": {"sla": _target("breached")}}, a.BreachTarget("sla")),
        ({"surveys": {"s": Survey("s", "csat", START)}}, a.OfferSurvey("s", "csat", "?", 5)),
        ({"surveys": {"s": Survey("s", "csat", START, START, 4, "")}}, a.AnswerSurvey("s", "csat", 4, 5, True)),
        ({}, a.Identify()),
    ],
)
def test_what_is_so_already_changes_nothing(fields: dict[str, Any], action: a.Action) -> None:
    """A wish that is fulfilled already gives no fact and no error."""
    assert decide(conversation(**fields), action, AGENT) == ()


@pytest.mark.parametrize(
    ("fields", "action", "fact"),
    [
        ({}, a.Assign("ana"), f.Assigned("ana")),
        ({"assignee": "ana"}, a.Unassign(), f.Unassigned("ana")),
        ({}, a.Enqueue(), f.QueueEntered()),
        ({"bot": "faq"}, a.HandOff("requested"), f.HandedOff("faq", "requested")),
        ({}, a.Snooze(LATER), f.Snoozed(LATER)),
        ({"status": Status.SNOOZED}, a.Wake(), f.Woken()),
        ({"timers": {"t": LATER}}, a.CancelTimer("t"), f.TimerCancelled("t")),
        ({}, a.SetTimer("t", LATER), f.TimerSet("t", LATER)),
        ({"targets": {"sla": _target("running")}}, a.BreachTarget("sla"), f.TargetBreached("sla", "first_response")),
        ({"targets": {"sla": _target("breached")}}, a.MeetTarget("sla"), f.TargetMet("sla")),
        ({}, a.WithholdSurvey("s"), f.SurveyWithheld("s")),
        ({"status": Status.RESOLVED}, a.Reopen(), f.Reopened()),
    ],
)
def test_a_wish_becomes_its_fact(fields: dict[str, Any], action: a.Action, fact: f.Fact) -> None:
    """Each wish that changes something gives the one fact that says so."""
    assert decide(conversation(**fields), action, AGENT) == (fact,)


def test_a_target_that_ended_may_begin_again() -> None:
    """A second promise of the same name is possible after the first was kept."""
    c = conversation(targets={"sla": _target("met", ended=True)})
    assert decide(c, a.SetTarget("sla", "first_response", LATER, timedelta(hours=1)), "policy:sla")


# --- refusals


@pytest.mark.parametrize("action", [a.Assign("ana"), a.Snooze(LATER), a.Resolve(), a.Reopen()])
def test_a_closed_conversation_refuses_its_steps(action: a.Action) -> None:
    """What is archived is not assigned, snoozed, resolved or reopened."""
    with pytest.raises(IllegalMove):
        decide(conversation(status=Status.CLOSED), action, AGENT)


def test_a_survey_must_have_been_put() -> None:
    """An answer nobody asked for is refused."""
    with pytest.raises(Refused, match="not put to you"):
        decide(conversation(), a.AnswerSurvey("s", "csat", 4, 5, True), "contact")


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_lies_on_the_scale(score: int) -> None:
    """A score outside of 1 to best is refused, naming the field."""
    c = conversation(surveys={"s": Survey("s", "csat", START)})
    with pytest.raises(Refused) as caught:
        decide(c, a.AnswerSurvey("s", "csat", score, 5, True), "contact")
    assert caught.value.field == "score"


def test_a_strange_action_is_refused() -> None:
    """An action of a class that carekit does not know is refused by name."""

    class Dance(a.Action):
        reason = "joy"

    with pytest.raises(Refused, match="Dance"):
        decide(conversation(), Dance(), AGENT)


ACTIONS = [
    kind for kind in vars(a).values() if isinstance(kind, type) and issubclass(kind, a.Action) and kind is not a.Action
]


@settings(max_examples=150)
@given(
    c=conversations(),
    action=st.one_of([values_of(kind) for kind in ACTIONS]),
    actor=st.sampled_from([AGENT, "policy:x"]),
)
def test_deciding_only_ever_refuses(c: Conversation, action: a.Action, actor: str) -> None:
    """Any action on any conversation gives facts or a refusal that explains itself, and changes nothing by itself."""
    before = replace(c)
    try:
        facts = decide(c, action, actor)
    except Refused as refusal:
        assert str(refusal)  # noqa: PT017 - a refusal is one of two good outcomes
    else:
        assert all(isinstance(fact, f.Fact) for fact in facts)
    assert c == before
