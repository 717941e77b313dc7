"""What can be an agent, and what a change of one is. Pure: the desk reads, asks here, and writes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import attrs

from carekit.facts.events import AgentChanged
from carekit.facts.nouns import Agent
from carekit.ground.addresses import email_fault
from carekit.ground.errors import Refused

_ID = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,40}")


@attrs.frozen
class Wish:
    """Fields of an agent as somebody wants them; None for those that stay."""

    name: str | None = None
    email: str | None = None
    role: str | None = None
    capacity: int | None = None
    active: bool | None = None
    inboxes: Collection[str] | None = None


def change_of(agent: Agent, wish: Wish, others: Iterable[Agent]) -> AgentChanged | None:
    """The fact that makes *agent* as *wish* wants, None if that is how they are.

    Raises `Refused`, naming the field, for what no agent can be and for an address that one of *others* has.
    """
    given = {
        "name": None if wish.name is None else wish.name.strip(),
        "email": None if wish.email is None else wish.email.strip(),
        "role": wish.role,
        "capacity": wish.capacity,
        "active": wish.active,
        "inboxes": None if wish.inboxes is None else tuple(wish.inboxes),
    }
    new = {name: value for name, value in given.items() if value is not None and value != getattr(agent, name)}
    if not new:
        return None
    fact = AgentChanged(**new)  # type: ignore[arg-type]
    check_agent(
        agent.id,
        agent.name if fact.name is None else fact.name,
        agent.email if fact.email is None else fact.email,
        agent.role if fact.role is None else fact.role,
        agent.capacity if fact.capacity is None else fact.capacity,
    )
    taken = {other.email.lower() for other in others if other.id != agent.id}
    if fact.email is not None and fact.email.lower() in taken:
        raise Refused(f"an agent has the address {fact.email!r} already", field="email")
    return fact


def check_agent(id: str, name: str, email: str, role: str, capacity: int) -> None:
    """Refuse what cannot be an agent, naming the field."""
    for field, message in agent_faults(id, name, email, role, capacity):
        raise Refused(message, field=field)


def agent_faults(id: str, name: str, email: str, role: str, capacity: int) -> Iterator[tuple[str, str]]:
    """Everything for which this cannot be an agent: the field, and what it needs."""
    if not _ID.fullmatch(id):
        yield "id", "the id needs 1 to 40 letters, digits, dots, dashes or underscores"
    if not name.strip() or len(name) > 100:
        yield "name", "the name needs 1 to 100 characters"
    if fault := email_fault(email.strip()):
        yield "email", fault
    if role not in ("agent", "admin"):
        yield "role", "the role is agent or admin"
    if not 1 <= capacity <= 1000:
        yield "capacity", "the capacity is a whole number from 1 to 1,000"
