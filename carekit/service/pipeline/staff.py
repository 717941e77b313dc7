"""Facts about agents."""

from __future__ import annotations

from carekit.facts import events as f
from carekit.ground.errors import NotFound, Refused
from carekit.rules.evolve import evolve_agent
from carekit.service.pipeline.commands import Staff
from carekit.service.pipeline.world import NOBODY, Kept, World, spare


def staff(command: Staff, world: World) -> Kept:
    """Add the facts to the agent's own stream."""
    agent = world.agents.get(command.agent)
    if isinstance(command.fact, f.AgentAdded):
        _check_new(command.fact, world)
    elif agent is None:
        raise NotFound(f"there is no agent {command.agent!r}")
    facts = [command.fact] if command.fact else []
    if command.sessions_ended:
        facts.append(f.SessionsEnded())
    before, events = agent, []
    for fact in facts:
        seq = agent.seq + 1 if agent else 1
        stream, config = f"agent:{command.agent}", world.frame.book.config
        event = f.Event(stream, seq, world.now, command.actor, fact, config=config)
        agent = evolve_agent(agent, event)
        events.append(event)
    assert agent is not None
    world.events += events
    world.agents = {**world.agents, agent.id: agent}
    if command.credential:
        world.credentials[agent.id] = command.credential
    freed = frozenset({agent.id}) if spare(agent) > spare(before) else NOBODY
    return Kept(events=events, stream=agent.stream, seq=agent.seq, freed=freed)


def _check_new(fact: f.AgentAdded, world: World) -> None:
    if fact.id in world.agents:
        raise Refused(f"there is an agent {fact.id!r} already", field="id")
    if any(agent.email.lower() == fact.email.lower() for agent in world.agents.values()):
        raise Refused(f"an agent has the address {fact.email!r} already", field="email")
