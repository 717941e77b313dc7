"""The one table that decides every change of status.

Two rules: nothing else in carekit assigns a status, and this module knows nothing but facts and statuses. A fact that
a row does not name is illegal in that status if it is a step of the lifecycle, and changes nothing otherwise.
"""

from __future__ import annotations

from carekit.facts.events import (
    Closed,
    Fact,
    MessageReceived,
    MessageSent,
    Reopened,
    Resolved,
    Snoozed,
    Woken,
)
from carekit.facts.nouns import Status
from carekit.ground.errors import IllegalMove

AgentReplied = MessageSent
"""Only a message by an agent moves a status; `step` is not asked for automatic ones."""

TRANSITIONS: dict[Status, dict[type[Fact], Status]] = {
    Status.OPEN: {
        MessageReceived: Status.OPEN,
        AgentReplied: Status.WAITING,
        Snoozed: Status.SNOOZED,
        Resolved: Status.RESOLVED,
        Closed: Status.CLOSED,
    },
    Status.WAITING: {
        MessageReceived: Status.OPEN,
        AgentReplied: Status.WAITING,
        Snoozed: Status.SNOOZED,
        Resolved: Status.RESOLVED,
        Reopened: Status.OPEN,
        Closed: Status.CLOSED,
    },
    Status.SNOOZED: {
        MessageReceived: Status.OPEN,
        AgentReplied: Status.WAITING,
        Woken: Status.OPEN,
        Resolved: Status.RESOLVED,
        Reopened: Status.OPEN,
        Closed: Status.CLOSED,
    },
    Status.RESOLVED: {
        MessageReceived: Status.RESOLVED,  # an automatic mail stays; a person's message is preceded by Reopened
        AgentReplied: Status.RESOLVED,
        Reopened: Status.OPEN,
        Closed: Status.CLOSED,
    },
    Status.CLOSED: {},
}

STEPS: frozenset[type[Fact]] = frozenset(fact for row in TRANSITIONS.values() for fact in row)
"""The facts that are steps of the lifecycle."""


def step(status: Status, fact: type[Fact]) -> Status:
    """The status after *fact*; raises `IllegalMove` if the table has no such step."""
    try:
        return TRANSITIONS[status][fact]
    except KeyError:
        raise IllegalMove(
            f"a {status.value} conversation cannot take the step {fact.kind!r}{_remedy(status)}"
        ) from None


def allows(status: Status, fact: type[Fact]) -> bool:
    """Whether the table has a row for *fact* in *status*."""
    return fact in TRANSITIONS[status]


def _remedy(status: Status) -> str:
    if status is Status.CLOSED:
        return ": it is archived; start a new conversation"
    if status is Status.RESOLVED:
        return ": reopen it first"
    return ""
