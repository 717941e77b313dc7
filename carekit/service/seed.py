"""First agents for a store that has none: for trials and demonstrations, from a file of its own."""

from __future__ import annotations

from pathlib import Path

import attrs

from carekit.facts.nouns import Presence
from carekit.ground.errors import ConfigError
from carekit.seams.desk import Desk
from carekit.seams.settings import Secret, setting
from carekit.service.config import read_toml
from carekit.service.structure import Structurer


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


def read_seed(path: Path) -> list[SeedAgent]:
    """The agents of a seed file; raises `ConfigError` with every fault."""
    structurer = Structurer(path.parent)
    agents, faults = [], []
    for index, table in enumerate(read_toml(path).get("agents", []), 1):
        agent, problems = structurer.read(SeedAgent, table)
        faults += [f"{path}: [[agents]] {index} {'.'.join(keys)}: {message}" for keys, message in problems]
        if agent is not None:
            agents.append(agent)
    if faults:
        raise ConfigError("\n".join(faults))
    return agents
