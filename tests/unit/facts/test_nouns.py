"""Small behaviour of the nouns themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from carekit.facts.nouns import Address, Contact, Conversation, Status
from carekit.ground.values import replace
from carekit.testing.clock import START


def test_nouns_cannot_be_changed() -> None:
    """Assigning to a field of a noun is refused."""
    contact = Contact("p1", START)
    with pytest.raises(AttributeError):
        contact.name = "Ana"  # type: ignore[misc]


def test_an_address_is_known_by_kind_and_value() -> None:
    """The key has kind and value, not the name."""
    assert Address("email", "ana@example.com", "Ana").key == "email:ana@example.com"


@pytest.mark.parametrize(("name", "first"), [("Ana María Ruiz", "Ana"), ("Ana", "Ana"), ("", "")])
def test_the_first_name_is_the_first_word(name: str, first: str) -> None:
    """A contact is addressed by the first word of the name."""
    assert Contact("p1", START, name).first_name == first


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("status", list(Status))
def test_capacity_is_taken_while_an_agent_is_needed(status: Status, live: bool) -> None:
    """Open conversations take up their agent, waiting ones only where both sides are present, others never."""
    c = Conversation("c1", "loop", "main", "p1", START, START, status=status, live=live, assignee="ana")
    takes = status is Status.OPEN or (live and status is Status.WAITING)
    assert c.holder == ("ana" if takes else "")
    assert replace(c, assignee="").holder == ""


def test_a_conversation_wakes_at_its_next_timer() -> None:
    """The earliest timer counts; without any there is none."""
    c = Conversation("c1", "loop", "main", "p1", START, START)
    assert c.wake_at is None
    timers = {"a": START + timedelta(hours=2), "b": START + timedelta(hours=1)}
    assert replace(c, timers=timers).wake_at == START + timedelta(hours=1)
