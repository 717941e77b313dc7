from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from carekit import (
    PUBLIC,
    Assigned,
    Candidate,
    Closed,
    Conversation,
    ConversationStarted,
    Decision,
    DeliveryChanged,
    DeliveryStatus,
    Event,
    Fact,
    HandedOff,
    MessageReceived,
    MessageSent,
    NoteAdded,
    QueueEntered,
    Reopened,
    Resolved,
    Source,
    Status,
    SurveyAnswered,
    SurveyOffered,
    Unassigned,
    Waiting,
)
from carekit_chat import view

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
NAMES = {"lena-id": "Lena"}
DECISION = Decision((Candidate("secret-agent", 0.5, "secret-why"),), "secret-agent", "secret-tie")
FACTS: list[Fact] = [
    ConversationStarted("website", "secret-inbox", "secret-contact"),
    MessageReceived("Hello", "secret-visitor:abcdefgh", sender="visitor:secret-visitor", meta={"a": "secret-meta"}),
    MessageSent("agent:lena-id", "Hello yourself"),
    MessageSent("bot:secret-bot", "An answer", sources=(Source("Article", "https://x.example", 0.123456),)),
    MessageSent("service", "A survey", purpose="survey", survey="smile"),
    DeliveryChanged(3, DeliveryStatus.FAILED, detail="secret-detail"),
    Assigned("lena-id", DECISION),
    Unassigned("lena-id"),
    QueueEntered(DECISION),
    HandedOff("secret-bot", "secret-trigger"),
    Resolved(),
    Reopened(),
    Closed(),
    SurveyOffered("smile", "csat", "How was it?", 5),
    SurveyAnswered("smile", "csat", 4, 5, True, "secret-comment"),
    NoteAdded("agent:lena-id", "secret-note"),
]


def event(fact: Fact) -> Event:
    """*fact* with every internal field filled."""
    return Event(
        "c1",
        7,
        AT,
        "policy:secret-policy",
        fact,
        policy="secret-policy",
        reason="secret-reason",
        config="secret-config",
    )


def test_every_public_fact_is_covered() -> None:
    """A fact that becomes public must be looked at here."""
    assert {type(fact) for fact in FACTS} >= PUBLIC


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.kind)
def test_nothing_internal_leaves(fact: Fact) -> None:
    """Reasons, policies, decisions, details, ids of agents and bots, notes and comments stay inside."""
    text = json.dumps(view.frame(event(fact), NAMES, True))
    assert "secret" not in text
    assert "lena-id" not in text
    assert "0.123456" not in text


def test_notes_and_delivery_are_not_shown() -> None:
    """Some facts have nothing for the contact."""
    hidden = [fact for fact in FACTS if view.frame(event(fact), NAMES, True) is None]
    assert {type(fact) for fact in hidden} == {
        ConversationStarted,
        DeliveryChanged,
        QueueEntered,
        NoteAdded,
        MessageSent,  # the survey's link: the rating control asks in its place
    }


def test_an_agents_message_carries_the_display_name() -> None:
    """Who wrote is a name, in its place in the conversation, at an instant browsers read."""
    assert view.frame(event(MessageSent("agent:lena-id", "Hello")), NAMES, False) == {
        "type": "message",
        "from": "agent",
        "name": "Lena",
        "joins": False,
        "text": "Hello",
        "sources": [],
        "conversation": "c1",
        "seq": 7,
        "at": "2026-01-05T09:30:00.000Z",
    }


def test_the_contacts_message_carries_its_own_id() -> None:
    """So that the browser knows its own message again, and the visitor's id stays out."""
    frame = view.frame(event(MessageReceived("Hello", "visitor:abcdefgh")), {}, False)
    assert frame is not None
    assert frame["id"] == "abcdefgh"


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, False),
        ({"waiting_since": AT}, True),
        ({"queued_at": AT}, True),
        ({"waiting_since": AT, "bot": "helper"}, False),
        ({"waiting_since": AT, "assignee": "lena-id"}, False),
    ],
)
def test_who_waits(changes: dict[str, object], waits: bool) -> None:
    """Only those whom neither bot nor agent has taken are told of the queue."""
    conversation = Conversation("c1", "website", "website", "x", AT, AT, **changes)  # type: ignore[arg-type]
    assert view.is_waiting(conversation) is waits


def test_a_bot_that_has_not_answered_is_typing() -> None:
    """The dots come with the contact's message and go with the answer."""
    asked = Conversation("c1", "website", "website", "x", AT, AT, bot="helper", last_author="contact")
    answered = Conversation("c1", "website", "website", "x", AT, AT, bot="helper", last_author="bot:helper")
    assert view.now(asked, "", False)["typing"]
    assert not view.now(answered, "", False)["typing"]


def test_now_names_the_agent_and_never_the_id() -> None:
    """The header shows a display name."""
    conversation = Conversation("c1", "website", "website", "x", AT, AT, status=Status.WAITING, assignee="lena-id")
    now = view.now(conversation, "Lena", True)
    assert (now["handler"], now["name"], now["status"]) == ("agent", "Lena", "waiting")
    assert "lena-id" not in json.dumps(now)


@pytest.mark.parametrize(("since", "handler"), [(AT, "team"), (None, "nobody")])
def test_an_agent_who_has_yet_to_come_is_not_named(since: datetime | None, handler: str) -> None:
    """Who was given a conversation is no company yet: somebody will come if the contact waits, and no name is told."""
    given = Conversation("c1", "website", "website", "x", AT, AT, assignee="lena-id", waiting_since=since)
    now = view.now(given, "Lena", False)
    assert (now["handler"], now["name"], now["queued"]) == (handler, "", False)


@pytest.mark.parametrize("fact", [Assigned("lena-id"), Unassigned("lena-id")])
def test_being_given_a_conversation_is_not_told(fact: Fact) -> None:
    """A rule that gives or takes one says nothing about who is there."""
    assert view.frame(event(fact), NAMES, False) is None


def test_waiting_tells_spans_in_seconds() -> None:
    """And whether anybody is there, not how many."""
    shown = view.waiting(Waiting(True, None, 2, 3, timedelta(minutes=2), timedelta(minutes=4)))
    assert shown == {
        "type": "waiting",
        "open": True,
        "opens_at": None,
        "ahead": 2,
        "agents": True,
        "low": 120,
        "high": 240,
    }
