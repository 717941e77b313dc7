"""Bytes that nothing refers to go; all others stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carekit.ground.errors import Refused
from carekit.service.blobs import FolderBlobs, MemoryBlobs
from carekit.service.tidy import Tidied, tidy
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
