"""Notices of typing: who hears them, how often, and that nothing is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from carekit.ground.errors import NotFound
from carekit.seams.desk import Typing
from carekit.seams.scope import EVERYTHING, Scope
from carekit.service import typists as module
from carekit.service.typists import Typists
from carekit.testing import DeskKit
from carekit.testing.contracts.values import conversation, minute

LENA = "agent:lena"


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    """A desk with one conversation."""
    with DeskKit(discover=False) as kit:
        kit.write("hello")
        yield kit


def types(kit: DeskKit, actor: str, scope: Scope = EVERYTHING) -> None:
    kit.run(kit.desk.typing(kit.conversation().id, actor, scope=scope))


def test_a_notice_reaches_those_who_may_know(kit: DeskKit) -> None:
    """Agents of the inbox hear of everybody, the contact of agents only, other inboxes and contacts of nobody."""
    c = kit.conversation()
    scopes = {
        "all": EVERYTHING,
        "inbox": Scope(inboxes=frozenset({c.inbox})),
        "other": Scope(inboxes=frozenset({"other"})),
        "contact": Scope.of_contact(c.contact, c.channel),
        "stranger": Scope.of_contact("p_99", c.channel),
        "nobody": Scope.of_contact("", c.channel),
    }
    heard: dict[str, list[str]] = {name: [] for name in scopes}
    for name, scope in scopes.items():
        kit.desk.hear_typing(scope, lambda typing, name=name: heard[name].append(typing.actor))  # type: ignore[misc]
    types(kit, "contact")
    types(kit, LENA)
    both = ["contact", LENA]
    assert heard == {"all": both, "inbox": both, "other": [], "contact": [LENA], "stranger": [], "nobody": []}


def test_notices_leave_nothing_behind(kit: DeskKit) -> None:
    """No event, no change of the conversation: it is as if nobody had written."""
    kit.desk.hear_typing(EVERYTHING, lambda typing: None)
    before, position = kit.conversation(), kit.service.store.last_position()
    types(kit, LENA)
    assert (kit.conversation(), kit.service.store.last_position()) == (before, position)


def test_a_flood_is_one_notice_a_second(kit: DeskKit) -> None:
    """Each person in each conversation counts for themselves; what comes sooner is not passed on, nor looked up."""
    heard: list[Typing] = []
    kit.desk.hear_typing(EVERYTHING, heard.append)
    for _ in range(5):
        types(kit, LENA)
        types(kit, "contact")
    assert len(heard) == 2
    kit.clock.advance("1s")
    types(kit, LENA)
    assert heard[2:] == [Typing(kit.conversation().id, LENA)]


def test_a_listener_can_leave(kit: DeskKit) -> None:
    """After that it hears nothing; leaving twice does no harm; with nobody there is nothing to do."""
    heard: list[Typing] = []
    end = kit.desk.hear_typing(EVERYTHING, heard.append)
    end()
    end()
    types(kit, LENA)
    assert heard == []


def test_a_listener_that_breaks_stops_nobody(kit: DeskKit, caplog: pytest.LogCaptureFixture) -> None:
    """The others hear it, and the log says what happened."""
    heard: list[Typing] = []

    def broken(typing: Typing) -> None:
        raise RuntimeError("a fault")

    kit.desk.hear_typing(EVERYTHING, broken)
    kit.desk.hear_typing(EVERYTHING, heard.append)
    types(kit, LENA)
    assert len(heard) == 1
    assert "a fault" in caplog.text


def test_what_is_out_of_scope_is_not_found(kit: DeskKit) -> None:
    """Nobody tells of a conversation that they cannot see."""
    kit.desk.hear_typing(EVERYTHING, lambda typing: None)
    with pytest.raises(NotFound):
        types(kit, LENA, Scope(inboxes=frozenset({"other"})))


def test_old_notices_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many conversations there are, memory holds those of the last moment."""
    monkeypatch.setattr(module, "KEPT", 10)
    typists = Typists()
    typists.listen(EVERYTHING, lambda typing: None)
    for number in range(100):
        typing = Typing(f"c{number}", LENA)
        assert typists.is_news(typing, minute(0) + timedelta(seconds=number))
        typists.tell(typing, conversation())
    assert len(typists._last) <= 10
