"""Changing an agent: what is allowed, what it does to sessions, and who gets the conversations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from carekit.facts.events import AgentChanged, Assigned, QueueEntered, Unassigned
from carekit.facts.nouns import Agent, Presence
from carekit.ground.errors import NotFound, Refused
from carekit.seams.scope import Scope
from carekit.service.staff import Wish, change_of
from carekit.testing.desk import MINIMAL, DeskKit

ANA = Agent("ana", "Ana Gil", "ana@desk.example", capacity=5)
BO = Agent("bo", "Bo", "bo@desk.example")


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    """A desk that routes, with Ana and nobody else."""
    with DeskKit(MINIMAL + '[policies.routing]\nuse = "route"\n', discover=False) as kit:
        kit.add_agent("ana")
        yield kit


def change(kit: DeskKit, id: str, **fields: Any) -> Agent:
    """The agent after the change, when everything it leads to is done."""
    agent = kit.run(kit.desk.change_agent(id, actor="agent:boss", **fields))
    kit.settle()
    return agent


def test_only_what_differs_is_a_fact() -> None:
    """Fields that are given as they are do not appear in the log."""
    wish = Wish(name="Ana Gil ", email="ana@desk.example", capacity=7, inboxes=["sales"])
    assert change_of(ANA, wish, [ANA, BO]) == AgentChanged(capacity=7, inboxes=("sales",))


@pytest.mark.parametrize("wish", [Wish(), Wish(name="Ana Gil", active=True, capacity=5), Wish(inboxes=())])
def test_no_difference_is_no_fact(wish: Wish) -> None:
    """Asking for what is already so changes nothing."""
    assert change_of(ANA, wish, [ANA, BO]) is None


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish(name="  "), "name"),
        (Wish(email="nobody"), "email"),
        (Wish(email="BO@desk.example"), "email"),
        (Wish(role="king"), "role"),
        (Wish(capacity=0), "capacity"),
    ],
)
def test_what_no_agent_can_be_is_refused(wish: Wish, field: str) -> None:
    """The refusal names the field, also for an address that somebody else has."""
    with pytest.raises(Refused) as refused:
        change_of(ANA, wish, [ANA, BO])
    assert refused.value.field == field


def test_ones_own_address_may_change_its_case() -> None:
    """An agent does not stand in their own way."""
    assert change_of(ANA, Wish(email="Ana@desk.example"), [ANA, BO]) == AgentChanged(email="Ana@desk.example")


def test_a_change_is_kept_with_who_made_it(kit: DeskKit) -> None:
    """The agent's stream tells what changed and by whom."""
    changed = change(kit, "ana", name="Ana María", role="admin", inboxes=("loop",))
    assert (changed.name, changed.role, changed.inboxes) == ("Ana María", "admin", ("loop",))
    last = kit.service.store.events("agent:ana")[-1]
    assert (last.fact, last.actor) == (
        AgentChanged(name="Ana María", role="admin", inboxes=("loop",)),
        "agent:boss",
    )


def test_nobody_cannot_be_changed(kit: DeskKit) -> None:
    """An unknown id is said so."""
    with pytest.raises(NotFound, match="'nobody'"):
        change(kit, "nobody", capacity=3)


def test_a_deactivated_agent_is_out(kit: DeskKit) -> None:
    """Their sessions are void, they are off, see nothing and cannot log in."""
    epoch = kit.run(kit.desk.agents())[0].session_epoch
    agent = change(kit, "ana", active=False)
    assert (agent.active, agent.presence, agent.session_epoch) == (False, Presence.OFF, epoch + 1)
    assert Scope.of_agent(agent) == Scope(inboxes=frozenset())
    assert kit.run(kit.desk.authenticate("ana@desk.example", "password-of-ana")) is None


def test_the_open_conversations_of_a_deactivated_agent_go_to_others(kit: DeskKit) -> None:
    """Routing chooses anew among those who are available, and the log says why."""
    kit.write("hello")
    kit.add_agent("bo")
    change(kit, "ana", active=False)
    assert kit.conversation().assignee == "bo"
    taken = kit.events(Unassigned)[-1]
    assert (taken.actor, taken.reason) == ("service", "agent 'ana' is no longer active")
    assert {agent.id: agent.load for agent in kit.run(kit.desk.agents())} == {"ana": 0, "bo": 1}


def test_without_anybody_else_they_wait_in_the_queue(kit: DeskKit) -> None:
    """Nothing is lost: who comes next gets them, in order."""
    kit.write("first", sender="x")
    kit.write("second", sender="y")
    change(kit, "ana", active=False)
    assert kit.facts(QueueEntered) and not kit.conversation().assignee
    kit.add_agent("bo")
    assert [agent.load for agent in kit.run(kit.desk.agents())] == [0, 2]


def test_a_conversation_that_waits_for_its_contact_moves_when_they_write(kit: DeskKit) -> None:
    """Until then nobody needs to hold it."""
    kit.write("hello")
    kit.reply("ana", "which order?")
    kit.add_agent("bo")
    change(kit, "ana", active=False)
    assert kit.conversation().assignee == "ana"
    kit.write("number 7")
    assert kit.conversation().assignee == "bo"


def test_more_than_a_page_of_conversations_is_freed(kit: DeskKit) -> None:
    """However many there are."""
    change(kit, "ana", capacity=150)
    for number in range(120):
        kit.write("hello", sender=f"contact-{number}", settle=False)
    kit.settle()
    assert change(kit, "ana", active=False).load == 0


def test_activated_again_they_are_off_until_they_say_otherwise(kit: DeskKit) -> None:
    """Being let in is not being there; the password is the old one."""
    change(kit, "ana", active=False)
    agent = change(kit, "ana", active=True)
    assert (agent.active, agent.presence) == (True, Presence.OFF)
    assert kit.run(kit.desk.authenticate("ana@desk.example", "password-of-ana")) is not None


def test_more_capacity_takes_from_the_queue(kit: DeskKit) -> None:
    """What waited is offered at once."""
    change(kit, "ana", capacity=1)
    kit.write("first", sender="x")
    kit.write("second", sender="y")
    assert not kit.conversation().assignee
    change(kit, "ana", capacity=2)
    assert kit.conversation().assignee == "ana"


def test_less_capacity_takes_nothing_away(kit: DeskKit) -> None:
    """Who has more than they may keeps them, and gets no more."""
    kit.write("first", sender="x")
    kit.write("second", sender="y")
    assert change(kit, "ana", capacity=1).load == 2
    kit.write("third", sender="z")
    assert kit.facts(Assigned) == []
