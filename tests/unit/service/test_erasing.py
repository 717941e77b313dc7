"""A contact who is erased is gone from everything but the counts, and stays gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carekit.facts.actions import Assign
from carekit.facts.events import Assigned, ContactErased
from carekit.facts.nouns import Address
from carekit.ground.errors import NotFound, Unavailable
from carekit.seams.desk import Erased
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.service.blobs import FolderBlobs
from carekit.testing.clock import FrozenClock
from carekit.testing.desk import MINIMAL, DeskKit
from tests.unit.service.test_blobs import files


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[DeskKit]:
    """A desk to which Ana and Ben have written."""
    with DeskKit(MINIMAL, folder=tmp_path, clock=FrozenClock(datetime.now(UTC)), discover=False) as kit:
        kit.write("I am Ana", sender="ana", name="Ana")
        kit.write("I am Ben", sender="ben")
        yield kit


def contact(kit: DeskKit, sender: str) -> str:
    """The id of the contact who writes as *sender*."""
    people, _ = kit.run(kit.desk.contacts(EVERYTHING))
    return next(one.id for one in people if f"loopback:{sender}" in one.addresses)


def erase(kit: DeskKit, sender: str, scope: Scope = EVERYTHING) -> Erased:
    return kit.run(kit.desk.erase(contact(kit, sender), "operator", scope=scope))


def texts(kit: DeskKit) -> list[str]:
    return [event.fact.text for event in kit.service.store.feed(0, 999, EVERYTHING) if hasattr(event.fact, "text")]


def test_nothing_of_an_erased_contact_is_left(kit: DeskKit) -> None:
    """Contact and conversations are gone, others' stay, and the log says who erased whom, without a word of theirs."""
    ana = contact(kit, "ana")
    assert erase(kit, "ana") == Erased(ana, 1)
    assert texts(kit) == ["I am Ben"]
    page = kit.run(kit.desk.conversations(Query(), EVERYTHING))
    assert len(page.items) == 1
    with pytest.raises(NotFound):
        kit.run(kit.desk.contact(ana, EVERYTHING))
    last = kit.service.store.feed(0, 999, EVERYTHING)[-1]
    assert (last.stream, last.seq, last.actor, last.fact) == ("erasures", 1, "operator", ContactErased(ana, 1))


def test_who_writes_again_is_somebody_new(kit: DeskKit) -> None:
    """An erased contact may come back, as anybody may; a message that was received before does not."""
    ana = contact(kit, "ana")
    kit.write("once", sender="ana", id="far-7")
    erase(kit, "ana")
    kit.write("once", sender="ana", id="far-7")
    assert texts(kit) == ["I am Ben"]
    kit.write("I am back", sender="ana")
    assert contact(kit, "ana") != ana
    assert texts(kit) == ["I am Ben", "I am back"]


def test_their_agents_have_room_again(kit: DeskKit) -> None:
    """What an agent held of an erased contact counts no longer, and the queue moves up."""
    kit.add_agent("lena", capacity=1)
    held = kit.write("for Lena", sender="ana").conversation
    if not kit.conversation(held).assignee:
        kit.act(Assign("lena"), "agent:lena", held)
    [lena] = kit.run(kit.desk.agents())
    assert lena.load == 1
    erase(kit, "ana")
    [lena] = kit.run(kit.desk.agents())
    assert lena.load == 0
    assert not kit.facts(Assigned, kit.write("more", sender="ben").conversation)


def test_a_scope_that_does_not_reach_everything_erases_nobody(kit: DeskKit) -> None:
    """Their conversations may lie where the asker cannot look; for such a one there is no contact to erase."""
    with pytest.raises(NotFound):
        erase(kit, "ana", Scope(inboxes=frozenset({"loop"})))
    with pytest.raises(NotFound):
        kit.run(kit.desk.erase("nobody", "operator", scope=EVERYTHING))
    assert len(texts(kit)) == 2


def test_who_was_erased_is_erased_again(kit: DeskKit) -> None:
    """Whoever is noted as erased and is here all the same, as after a restore, goes at the next start."""
    kit.service.blobs.note_erased(contact(kit, "ana"))
    kit.service.blobs.note_erased("c_nobody")
    kit.run(kit.desk.erase_again())
    assert texts(kit) == ["I am Ben"]
    last = kit.service.store.feed(0, 999, EVERYTHING)[-1]
    assert (last.actor, type(last.fact)) == ("service", ContactErased)


def test_of_two_who_erase_one_is_late(kit: DeskKit) -> None:
    """Both saw the contact: the log tells of one erasure, and the other is told that there is nobody any more."""
    store = kit.service.store
    found = store.contact(contact(kit, "ana"), EVERYTHING)
    assert found is not None
    erase(kit, "ana")
    eraser = kit.desk._eraser
    with pytest.raises(NotFound, match="by somebody else at this moment"):
        eraser._erase(found, "operator")
    assert [event.stream for event in store.feed(0, 999, EVERYTHING)].count("erasures") == 1


def test_it_is_tried_again_until_it_is_done(kit: DeskKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store or a disk that is away puts it off."""
    monkeypatch.setattr("carekit.service.erasing.AGAIN", 0.0)
    kit.service.blobs.note_erased(contact(kit, "ana"))
    listed, away = kit.service.blobs.erased, iter([True])

    def erased() -> list[str]:
        if next(away, False):
            raise Unavailable("the disk is away")
        return listed()

    monkeypatch.setattr(kit.service.blobs, "erased", erased)
    kit.run(kit.desk.erase_again())
    assert texts(kit) == ["I am Ben"]


def test_it_is_noted_before_anything_is_erased(kit: DeskKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that cannot be noted, nothing is erased: a restore would bring them back unseen."""

    def note(contact: str) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(kit.service.blobs, "note_erased", note)
    with pytest.raises(Unavailable):
        erase(kit, "ana")
    assert len(texts(kit)) == 2


def test_bytes_go_unless_somebody_may_need_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody kept for a day is removed with them; what is younger is named, and left to the tidying."""
    kept = FolderBlobs(tmp_path / "kept")
    monkeypatch.setattr("carekit.service.compose.MemoryBlobs", lambda: kept)
    clock = FrozenClock(datetime.now(UTC))
    with DeskKit(MINIMAL, folder=tmp_path, clock=clock, discover=False) as kit:
        for sender in ("ana", "ben", "cem"):
            raw = kit.run(kit.desk.keep(b"raw of " + sender.encode()))
            kit.write(f"I am {sender}", sender=sender, raw=raw)
        assert len(files(tmp_path / "kept")) == 3
        young = erase(kit, "ana")
        assert len(young.left) == 1
        clock.set(clock.now() + timedelta(days=2))
        assert erase(kit, "ben").left == ()
        left = [name for name in files(tmp_path / "kept") if len(name) == 64]
        assert len(left) == 2
        assert young.left[0] in left
        (tmp_path / "kept" / left[0][:2] / left[0]).unlink()
        (tmp_path / "kept" / left[1][:2] / left[1]).unlink()
        assert erase(kit, "cem").left == ()  # they were missing before


def test_an_address_that_is_shared_goes_with_its_contact(kit: DeskKit) -> None:
    """All addresses of a contact are free afterwards."""
    kit.write("by mail", sender="ana", address=Address("loopback", "ana2"), thread=("peer:ana",), keys=("peer:ana",))
    erase(kit, "ana")
    with kit.service.store.transaction() as unit:
        from carekit.seams.store import Wanted

        assert unit.load(Wanted(addresses=["loopback:ana"])).addresses == {}
