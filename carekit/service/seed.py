"""First agents for a store that has none: for trials and demonstrations, from a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from carekit.facts.nouns import Presence
from carekit.ground.errors import ConfigError
from carekit.ground.suggest import did_you_mean
from carekit.seams.desk import Desk
from carekit.seams.settings import Secret, setting
from carekit.service.faults import Fault, FaultyFile
from carekit.service.signing import password_fault
from carekit.service.staff import agent_faults
from carekit.service.structure import Structurer
from carekit.service.toml import read_toml


@attrs.frozen
class SeedAgent:
    """``[[agents]]`` of a seed file."""

    id: str = setting("short name to log in with")
    name: str = setting("the name contacts see")
    email: str = setting("the address to log in with")
    password: Secret = setting("the first password")
    role: str = setting("agent or admin", default="agent")
    capacity: int = setting("conversations at once", default=5)
    available: bool = setting("available from the start", default=False)


async def plant(path: Path, desk: Desk) -> list[SeedAgent]:
    """Add the agents of the file at *path* if there are none; returns those added. Raises `ConfigError`, `Refused`."""
    if await desk.agents():
        return []
    agents = read_seed(path)
    for agent in agents:
        password = agent.password.reveal()
        await desk.add_agent(agent.id, agent.name, agent.email, password, role=agent.role, capacity=agent.capacity)
        if agent.available:
            await desk.set_presence(agent.id, Presence.AVAILABLE, "service")
    return agents


def read_seed(path: Path, environment: Mapping[str, str] | None = None) -> list[SeedAgent]:
    """The agents of a seed file; raises `FaultyFile` with every fault, `ConfigError` if it is unreadable."""
    tables = read_toml(path, absent="write it, with [[agents]], or take the key out")
    listed = tables.pop("agents", [])
    faults = [
        Fault(str(path), "", key, f"is not a key here{did_you_mean(key, ['agents'])}; write [[agents]]")
        for key in tables
    ]
    agents: list[SeedAgent] = []
    if not isinstance(listed, list):
        faults.append(Fault(str(path), "agents", "", "must be a list of tables; write [[agents]] with two brackets"))
    elif not listed and not tables:
        raise ConfigError(f"{path}: names no agents; add [[agents]], or take the key out")
    else:
        agents, more = _read_agents(path, listed, Structurer(path.parent, environment))
        faults += more
    if faults:
        raise FaultyFile(faults)
    return agents


def _read_agents(path: Path, listed: list[Any], structurer: Structurer) -> tuple[list[SeedAgent], list[Fault]]:
    agents: list[SeedAgent] = []
    faults = []
    for number, table in enumerate(listed, 1):
        agent, problems = structurer.read(SeedAgent, table)
        found = [(".".join(problem.keys), problem.message) for problem in problems]
        if agent is not None:
            found += [*_agent_faults(agent), *_taken(agent, agents)]
            agents.append(agent)
        faults += [Fault(str(path), "[agents]", f"{number} {key}".strip(), message) for key, message in found]
    return agents, faults


def _agent_faults(agent: SeedAgent) -> Iterator[tuple[str, str]]:
    """Of what is there: what stands in for the rest has no fault."""
    id, name, email = getattr(agent, "id", "id"), getattr(agent, "name", "name"), getattr(agent, "email", "a@b.example")
    yield from agent_faults(id, name, email, agent.role, agent.capacity)
    password = getattr(agent, "password", None)
    if password is not None and (fault := password_fault(password.reveal())):
        yield "password", fault


def _taken(agent: SeedAgent, others: list[SeedAgent]) -> Iterator[tuple[str, str]]:
    for key in ("id", "email"):
        own = getattr(agent, key, "").strip().lower()
        if own and own in [getattr(other, key, "").strip().lower() for other in others]:
            yield key, f"another agent has {getattr(agent, key)!r}; give each their own"
