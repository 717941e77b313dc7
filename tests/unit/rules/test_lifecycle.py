"""The one table of statuses: complete, and the only way to move."""

from __future__ import annotations

import pytest

from carekit.facts.events import (
    FACTS,
    Closed,
    Fact,
    MessageReceived,
    MessageSent,
    NoteAdded,
    Reopened,
    Resolved,
    Snoozed,
    Woken,
)
from carekit.facts.nouns import Status
from carekit.ground.errors import IllegalMove
from carekit.rules.lifecycle import STEPS, TRANSITIONS, allows, step


def test_every_status_has_a_row() -> None:
    """No status is missing from the table, and it leads to no other thing than a status."""
    assert set(TRANSITIONS) == set(Status)
    assert {after for row in TRANSITIONS.values() for after in row.values()} <= set(Status)


def test_every_status_can_be_reached_from_open() -> None:
    """From a new conversation a way leads to each status."""
    reached, look = {Status.OPEN}, [Status.OPEN]
    while look:
        for after in TRANSITIONS[look.pop()].values():
            if after not in reached:
                reached.add(after)
                look.append(after)
    assert reached == set(Status)


def test_nothing_leaves_closed() -> None:
    """An archived conversation takes no step at all."""
    for fact in STEPS:
        with pytest.raises(IllegalMove, match="start a new conversation"):
            step(Status.CLOSED, fact)


@pytest.mark.parametrize(
    ("status", "fact", "after"),
    [
        (Status.OPEN, MessageSent, Status.WAITING),
        (Status.WAITING, MessageReceived, Status.OPEN),
        (Status.OPEN, Snoozed, Status.SNOOZED),
        (Status.SNOOZED, Woken, Status.OPEN),
        (Status.SNOOZED, MessageReceived, Status.OPEN),
        (Status.OPEN, Resolved, Status.RESOLVED),
        (Status.RESOLVED, Reopened, Status.OPEN),
        (Status.RESOLVED, MessageReceived, Status.RESOLVED),
        (Status.RESOLVED, Closed, Status.CLOSED),
    ],
)
def test_steps_that_people_rely_on(status: Status, fact: type[Fact], after: Status) -> None:
    """The moves that define whose turn it is."""
    assert step(status, fact) is after


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("fact", sorted(FACTS.values(), key=lambda fact: fact.kind))
def test_what_the_table_does_not_name_is_illegal(status: Status, fact: type[Fact]) -> None:
    """Allows and step agree for every status and every fact; the refusal names both."""
    if allows(status, fact):
        assert step(status, fact) is TRANSITIONS[status][fact]
        return
    with pytest.raises(IllegalMove) as caught:
        step(status, fact)
    assert status.value in str(caught.value)
    assert fact.kind in str(caught.value)


def test_a_resolved_conversation_says_the_remedy() -> None:
    """Snoozing what is resolved says to reopen it first."""
    with pytest.raises(IllegalMove, match="reopen it first"):
        step(Status.RESOLVED, Snoozed)


def test_a_note_is_no_step() -> None:
    """What only agents see never moves a status."""
    assert NoteAdded not in STEPS
