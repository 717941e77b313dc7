from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from carekit.testing import DeskKit
from carekit_chat.session import Sessions, Visitor, message_id

REMEMBER = timedelta(days=30)


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    with DeskKit(discover=False) as kit:
        yield kit


def test_a_token_names_its_visitor(kit: DeskKit) -> None:
    """Coming back with the token is being the same visitor."""
    sessions = Sessions(kit.desk, "website", REMEMBER)
    first = sessions.visitor("")
    again = sessions.visitor(first.token)
    assert again.id == first.id
    assert again.known
    assert not first.known


def test_ids_are_never_alike(kit: DeskKit) -> None:
    """Two new visitors share nothing."""
    sessions = Sessions(kit.desk, "website", REMEMBER)
    assert sessions.visitor("").id != sessions.visitor("").id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t[:-5] + ("B" if t[-5] == "A" else "A") + t[-4:],
        lambda t: t + "x",
        lambda t: "x",
        lambda t: t.split(".")[0],
    ],
)
def test_a_forged_token_makes_a_new_visitor(kit: DeskKit, spoil: object) -> None:
    """A bad token opens nothing and is not an error either."""
    sessions = Sessions(kit.desk, "website", REMEMBER)
    first = sessions.visitor("")
    found = sessions.visitor(spoil(first.token))  # type: ignore[operator]
    assert found.id != first.id
    assert not found.known


def test_a_token_of_another_channel_is_foreign(kit: DeskKit) -> None:
    """What one channel signed, another does not take."""
    token = Sessions(kit.desk, "website", REMEMBER).visitor("").token
    assert not Sessions(kit.desk, "shop", REMEMBER).visitor(token).known


def test_an_id_alone_is_no_token(kit: DeskKit) -> None:
    """Agents may see the id as the contact's address; it signs nobody in."""
    sessions = Sessions(kit.desk, "website", REMEMBER)
    first = sessions.visitor("")
    assert not sessions.visitor(first.id).known
    assert not sessions.visitor(kit.desk.sign("another purpose", first.id)).known


def test_the_token_does_not_show_itself() -> None:
    """A visitor in a log line or a traceback does not give the token away."""
    assert "secret-token" not in repr(Visitor("id", "secret-token"))


def test_a_message_is_known_by_visitor_and_id() -> None:
    """Two visitors may use the same id for their messages; one may not use it twice."""
    one, two = Visitor("v1", ""), Visitor("v2", "")
    inbound = one.inbound("website", "abcdefgh", "Hello")
    assert inbound.external_id != two.inbound("website", "abcdefgh", "Hello").external_id
    assert message_id(inbound.external_id) == "abcdefgh"
    assert inbound.thread == inbound.keys == ("visitor:v1",)


def test_a_fresh_message_names_no_thread() -> None:
    """So that the desk begins a conversation, and the key moves to it."""
    inbound = Visitor("v1", "").inbound("website", "abcdefgh", "Hello", fresh=True)
    assert inbound.thread == ()
    assert inbound.keys == ("visitor:v1",)
