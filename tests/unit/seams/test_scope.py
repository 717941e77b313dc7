"""What an asker reaches."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts.events import FACTS, Fact, NoteAdded
from carekit.facts.nouns import Agent
from carekit.seams.scope import EVERYTHING, PUBLIC, Scope
from carekit.testing.contracts.values import conversation, event
from carekit.testing.strategies import facts

PRIVATE = """
note_added policy_failed bot_answered bot_asked inbound_quarantined contact_identified target_breached agent_added
""".split()


def _agent(**fields: object) -> Agent:
    return Agent("ana", "Ana", "ana@desk.example", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inboxes", "contact", "channel"), [*product((None, "main", "other", ""), ("", "p1", "p2"), ("", "loop", "mail"))]
)
def test_a_conversation_is_reached_when_every_limit_fits(inboxes: str | None, contact: str, channel: str) -> None:
    """Inboxes, contact and channel each narrow the scope; all must fit."""
    scope = Scope(None if inboxes is None else frozenset(inboxes.split()), contact, channel)
    fits = inboxes in (None, "main") and contact in ("", "p1") and channel in ("", "loop")
    assert scope.reaches(conversation()) is fits


def test_everything_reaches_and_shows_everything() -> None:
    """Without limits every conversation, fact and stream is there."""
    assert EVERYTHING.reaches(conversation())
    assert EVERYTHING.shows(event("c1", 1, NoteAdded("agent:ana", "x")))
    assert EVERYTHING.shows_stream("agent:ana")
    assert EVERYTHING.shows_stream("channel:mail")
    assert Scope.everything() == EVERYTHING


@pytest.mark.parametrize("kind", sorted(FACTS))
@settings(max_examples=1)
@given(data=st.data())
def test_a_contact_is_shown_public_facts_alone(kind: str, data: st.DataObject) -> None:
    """For each kind of fact: shown to a contact exactly if it is public."""
    made = data.draw(facts(FACTS[kind]))
    assert Scope.of_contact("p1", "loop").shows(event("c1", 1, made)) is (FACTS[kind] in PUBLIC)


@pytest.mark.parametrize("kind", PRIVATE)
def test_what_is_for_us_is_not_public(kind: str) -> None:
    """Notes, failures, a bot's thoughts, set-aside payloads and agents' data are never public."""
    assert FACTS[kind] not in PUBLIC


def test_public_facts_are_facts_that_exist() -> None:
    """The list names stored kinds only."""
    listed: set[type[Fact]] = set(PUBLIC)
    assert listed < set(FACTS.values())


def test_an_agent_sees_the_own_inboxes() -> None:
    """Inboxes limit an agent, none means all, and a deactivated one sees nothing at all."""
    assert Scope.of_agent(_agent()) == EVERYTHING
    assert Scope.of_agent(_agent(inboxes=("main",))).reaches(conversation())
    assert not Scope.of_agent(_agent(inboxes=("sales",))).reaches(conversation())
    gone = Scope.of_agent(_agent(active=False, inboxes=("main",)))
    assert not gone.reaches(conversation())
    assert not gone.shows_stream("agent:ana")


def test_a_contact_without_an_id_sees_nothing() -> None:
    """An empty id is nobody, not everybody."""
    nobody = Scope.of_contact("", "loop")
    assert not nobody.reaches(conversation())
    assert not nobody.reaches(conversation(contact=""))
    assert not nobody.shows_stream("agent:ana")


@pytest.mark.parametrize(
    ("scope", "agents", "channels"),
    [
        (Scope(inboxes=frozenset({"main"})), True, False),
        (Scope(channel="loop"), False, False),
        (Scope(contact="p1"), False, False),
        (Scope(inboxes=frozenset()), False, False),
    ],
)
def test_other_streams_are_for_those_inside(scope: Scope, agents: bool, channels: bool) -> None:
    """Agents' streams are for agents; what a channel set aside is for those who see all."""
    assert (scope.shows_stream("agent:ana"), scope.shows_stream("channel:mail")) == (agents, channels)
