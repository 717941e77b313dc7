"""Bytes that nothing refers to go; all others stay."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carekit.ground.errors import Refused
from carekit.service import service as service_module
from carekit.service.blobs import FolderBlobs, MemoryBlobs
from carekit.service.tidy import TIDIED, Tidied, is_due, tidy
from carekit.testing.desk import MINIMAL, DeskKit
from tests.unit.service.test_blobs import files


@pytest.fixture(autouse=True)
def on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are kept in a folder, although the store is in memory."""
    monkeypatch.setattr("carekit.service.compose.MemoryBlobs", lambda: FolderBlobs(tmp_path / "kept"))


def test_what_no_event_refers_to_goes(tmp_path: Path) -> None:
    """A payload that was set aside stays, one that was kept in vain goes, with its size told."""
    with DeskKit(MINIMAL, folder=tmp_path, discover=False) as kit:
        kit.run(kit.desk.quarantine("loop", b"unreadable", "junk", key="1"))
        kit.run(kit.desk.keep(b"in vain"))
        told: list[int] = []
        now = datetime.now(UTC)
        store, blobs = kit.service.store, kit.service.blobs
        assert tidy(blobs, store, now + timedelta(hours=23)) == Tidied(0, 0)
        assert tidy(blobs, store, now + timedelta(hours=25), told=told.append) == Tidied(1, 7)
        [letter] = kit.service.store.letters("", 9)
        assert files(tmp_path / "kept") == [letter.raw]
        assert told == sorted(told)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        ("2026-03-01T00:00:00+00:00", True),
        ("2026-03-01T00:00:01+00:00", False),
        ("2026-03-02T00:00:00+00:00", False),
        ("2026-03-02T00:00:01+00:00", True),
        ("2026-03-01T12:00:00", True),
        ("yesterday", True),
    ],
)
def test_it_is_due_a_day_after_the_last_time(last: str | None, due: bool) -> None:
    """Never done, a day ago, in the future of a clock that was set back, or not to be read: then it is done now."""
    assert is_due(last, datetime(2026, 3, 2, tzinfo=UTC)) is due


def test_a_service_that_restarts_every_day_tidies_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon after its start, if the last time is a day ago, whoever did it; and not again before the next day."""
    times: list[datetime] = []
    monkeypatch.setattr(service_module, "tidy", lambda blobs, store, now: times.append(now))

    async def run(kit: DeskKit) -> None:
        tidying = asyncio.ensure_future(kit.service._each(0.005, "blobs", kit.service._tidy, "late"))
        await asyncio.sleep(0.1)
        tidying.cancel()

    with DeskKit(MINIMAL, folder=tmp_path, discover=False) as kit:
        for hours in (0, 6, 17, 1, 23, 1):
            kit.clock.advance(f"{hours}h")
            kit.run(run(kit))
        assert [(at - times[0]).total_seconds() / 3600 for at in times] == [0, 24, 48]


def test_a_fault_does_not_count_as_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again at the next look."""

    def fail(*_: object) -> None:
        raise OSError("the disk is away")

    with DeskKit(MINIMAL, folder=tmp_path, discover=False) as kit:
        monkeypatch.setattr(service_module, "tidy", fail)
        with pytest.raises(OSError, match="away"):
            kit.run(kit.service._tidy())
        assert kit.run(kit.desk.marks([TIDIED])) == {}


def test_an_empty_folder_is_tidy(tmp_path: Path) -> None:
    """There may be none yet."""
    with DeskKit(MINIMAL, folder=tmp_path, discover=False) as kit:
        assert tidy(FolderBlobs(tmp_path / "none"), kit.service.store, datetime.now(UTC)) == Tidied(0, 0)


def test_what_is_not_in_a_folder_is_refused(tmp_path: Path) -> None:
    """It says where to look instead."""
    with (
        DeskKit(MINIMAL, folder=tmp_path, discover=False) as kit,
        pytest.raises(Refused, match="only attachments in a f"),
    ):
        tidy(MemoryBlobs(), kit.service.store, datetime.now(UTC))
