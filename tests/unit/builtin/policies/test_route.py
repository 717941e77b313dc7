"""Routing: the choice itself, and what must hold however people come, go, write and resolve."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carekit.builtin.policies.route import Route, choose
from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Agent, Presence, Status
from carekit.ground.errors import Refused
from carekit.ground.values import replace
from carekit.rules.evolve import evolve_agent, fold
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import host, staff
from carekit.testing.contracts.values import inbound, minute
from carekit.testing.strategies import agents


def _agent(id: str, **fields: Any) -> Agent:
    plain: dict[str, Any] = {"presence": Presence.AVAILABLE, "capacity": 4}
    return Agent(id, id.title(), f"{id}@desk.example", **(plain | fields))


def _team(*people: Agent) -> dict[str, Agent]:
    return {agent.id: agent for agent in people}


# --- the choice


def test_the_largest_free_share_is_chosen() -> None:
    """An agent with 3 of 4 free goes before one with 5 of 10 free."""
    assert choose(_team(_agent("ana", capacity=10, load=5), _agent("max", load=1)), "main").chosen == "max"


def test_ties_go_to_whoever_waited_longest_then_by_id() -> None:
    """Of equals, who never had one, then who had one longest ago, then the first by id."""
    ana, max_, zoe = _agent("ana", last_assigned_at=minute(5)), _agent("max", last_assigned_at=minute(2)), _agent("zoe")
    assert choose(_team(ana, max_, zoe), "main").chosen == "zoe"
    assert choose(_team(ana, max_), "main").chosen == "max"
    assert choose(_team(_agent("zoe"), _agent("ana")), "main").chosen == "ana"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"active": False}, "deactivated"),
        ({"inboxes": ("sales",)}, "not a member of inbox 'main'"),
        ({"presence": Presence.AWAY}, "away"),
        ({"presence": Presence.OFF}, "off"),
        ({"load": 4}, "full: 4 of 4"),
        ({"load": 9}, "full: 9 of 4"),
    ],
)
def test_who_is_excluded_has_a_reason(fields: dict[str, Any], why: str) -> None:
    """Each agent who cannot be chosen is in the record with the reason."""
    decision = choose(_team(_agent("ana", **fields)), "main")
    assert (decision.chosen, [c.excluded for c in decision.candidates]) == ("", [why])


@settings(max_examples=80)
@given(team=st.dictionaries(st.sampled_from("abcdef"), agents(), max_size=6))
def test_the_record_is_complete(team: dict[str, Agent]) -> None:
    """Every agent is in the record once; the chosen one is not excluded, and no candidate scores higher."""
    people = {id: replace(agent, id=id) for id, agent in team.items()}
    decision = choose(people, "main")
    assert [c.agent for c in decision.candidates] == sorted(people)
    free = {c.agent: c.score for c in decision.candidates if not c.excluded}
    assert bool(decision.chosen) == bool(free)
    if free:
        assert free[decision.chosen] == max(free.values())
        assert choose(dict(reversed(people.items())), "main") == decision


# --- on a desk

KINDS = st.sampled_from(
    [
        "arrive",
        "arrive",
        "arrive",
        "again",
        "reply",
        "resolve",
        "reopen",
        "away",
        "back",
        "unassign",
        "assign",
        "snooze",
        "close",
    ]
)
STEPS = st.lists(st.tuples(KINDS, st.integers(0, 7), st.integers(0, 2)), min_size=5, max_size=40)


def _live(kit: DeskKit, team: list[str], steps: list[tuple[str, int, int]]) -> None:
    arrived = 0
    for kind, which, who in steps:
        agent = team[who % len(team)]
        id = f"c_{which % max(1, arrived) + 1}"
        if kind == "arrive":
            arrived += 1
            kit.write("hello", sender=f"peer{arrived}")
        elif kind in ("away", "back"):
            kit.presence(agent, Presence.AVAILABLE if kind == "back" else Presence.AWAY)
        elif arrived and kind == "again":
            peer = kit.conversation(id).contact.removeprefix("p_")
            kit.write("again", sender=f"peer{peer}")
        elif arrived:
            wishes: dict[str, a.Action] = {
                "reply": a.Send("hi"),
                "resolve": a.Resolve(),
                "reopen": a.Reopen(),
                "unassign": a.Unassign(),
                "assign": a.Assign(agent),
                "snooze": a.Snooze(minute(600)),
                "close": a.Close(),
            }
            try:
                kit.act(wishes[kind], f"agent:{agent}", id)
            except Refused:
                continue
        _assert_work_is_conserved(kit)


def _queue(kit: DeskKit) -> list[str]:
    query = Query(status=(Status.OPEN,), order="queued", limit=1000)
    return [c.id for c in kit.service.store.conversations(query, EVERYTHING).items if not c.assignee]


def _assert_work_is_conserved(kit: DeskKit) -> None:
    free = [g.id for g in kit.service.store.agents() if g.presence is Presence.AVAILABLE and g.load < g.capacity]
    assert not (free and _queue(kit)), f"{_queue(kit)} wait although {free} have capacity"


def _assert_history(kit: DeskKit) -> None:
    """Replay the whole log, and look at each assignment as of its moment."""
    people: dict[str, Agent] = {}
    streams: dict[str, list[f.Event]] = {}
    holders: dict[str, str] = {}
    for event in kit.service.store.feed(0, 1_000_000, EVERYTHING):
        if event.stream.startswith("agent:"):
            id = event.stream.removeprefix("agent:")
            people[id] = evolve_agent(people.get(id), event)
            continue
        if isinstance(event.fact, f.Assigned) and event.policy:
            _assert_assignment(event, event.fact, people, streams, holders)
        streams.setdefault(event.stream, []).append(event)
        holders[event.stream] = fold(streams[event.stream]).holder
    loads = {id: list(holders.values()).count(id) for id in people}
    assert loads == {agent.id: agent.load for agent in kit.service.store.agents()}


def _assert_assignment(
    event: f.Event,
    fact: f.Assigned,
    people: dict[str, Agent],
    streams: dict[str, list[f.Event]],
    holders: dict[str, str],
) -> None:
    chosen = people[fact.agent]
    load = list(holders.values()).count(fact.agent)
    assert chosen.presence is Presence.AVAILABLE, "assigned to somebody who is not there"
    assert load < chosen.capacity, "assigned beyond capacity"
    assert fact.decision is not None
    assert {c.agent for c in fact.decision.candidates} == set(people), "the record names everyone"
    assert event.reason
    before = fold(streams[event.stream])
    assert before.assignee in ("", fact.agent) or before.assignee not in people
    since = before.queued_at or event.at
    for other, log in streams.items():
        c = fold(log)
        waiting = c.queued_at is not None and c.status is Status.OPEN and not c.assignee
        assert not (other != event.stream and waiting and c.queued_at < since), f"{event.stream} overtook {other}"


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(capacities=st.lists(st.integers(1, 3), min_size=1, max_size=3), steps=STEPS)
def test_routing_keeps_its_promises(capacities: list[int], steps: list[tuple[str, int, int]]) -> None:
    """Through any coming and going: never beyond capacity nor to the absent, nobody waits in vain or is overtaken."""
    with host(Route("route", None)) as kit:
        team = [staff(kit, f"agent{number}", capacity) for number, capacity in enumerate(capacities)]
        _live(kit, team, steps)
        _assert_history(kit)


def test_equal_agents_share_equally() -> None:
    """Of twelve conversations three equal agents get four each."""
    with host(Route("route", None)) as kit:
        team = [staff(kit, id, 10) for id in ("ana", "max", "zoe")]
        for number in range(12):
            kit.write("hello", sender=f"peer{number}")
            kit.advance("1m")
        assert [agent.load for agent in kit.service.store.agents()] == [4, 4, 4]
        assert team == ["ana", "max", "zoe"]


def test_the_queue_is_served_in_order_of_arrival() -> None:
    """Who came first is assigned first when capacity frees, one at a time."""
    with host(Route("route", None)) as kit:
        staff(kit, "ana", 1)
        ids = []
        for number in range(4):
            ids.append(kit.write("hello", sender=f"peer{number}").conversation)
            kit.advance("1m")
        for place, id in enumerate(ids):
            assert [kit.conversation(other).assignee for other in ids] == [
                "ana" if p <= place else "" for p in range(4)
            ]
            kit.resolve("ana", id)


def test_another_message_does_not_lose_the_place() -> None:
    """Writing again while waiting neither loses nor improves the place in the queue."""
    with host(Route("route", None)) as kit:
        first = kit.write("hello", sender="one").conversation
        kit.advance("1m")
        second = kit.write("hello", sender="two").conversation
        kit.write("hello?", sender="one")
        assert _queue(kit) == [first, second]


def test_a_person_who_puts_it_back_does_not_get_it_again_at_once() -> None:
    """An agent who unassigns a conversation is not handed it straight back."""
    with host(Route("route", None)) as kit:
        staff(kit, "ana", 5)
        kit.write("hello")
        kit.act(a.Unassign(), "agent:ana")
        assert kit.conversation().assignee == ""


def test_a_newcomer_does_not_overtake_when_capacity_frees() -> None:
    """Capacity that frees goes to the head of the queue also when somebody writes at the same moment."""
    with host(Route("route", None)) as kit:
        staff(kit, "ana", 1)
        first = kit.write("hello", sender="one").conversation
        kit.advance("1m")
        second = kit.write("hello", sender="two").conversation
        kit.advance("1m")

        async def at_once() -> None:
            await kit.desk.act(first, a.Resolve(), "agent:ana", scope=EVERYTHING)
            await kit.desk.receive(inbound("three", "x"))

        kit.run(at_once())
        kit.settle()
        assert kit.conversation(second).assignee == "ana"
