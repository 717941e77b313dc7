"""``carekit tidy``: says how much it removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carekit.service.blobs import FolderBlobs
from tests.unit.cli.conftest import Run


def test_it_says_what_it_removed(cli: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old file that nothing refers to goes; a young one stays."""
    folder = file.parent / "kept"
    monkeypatch.setattr("carekit.service.compose.MemoryBlobs", lambda: FolderBlobs(folder))
    old, young = FolderBlobs(folder).put([b"old", b"young"])
    os.utime(folder / old[:2] / old, (1, 1))
    result = cli("tidy", file)
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "removed 1 file, 3 bytes")
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [young]


def test_a_url_that_cannot_be_used_is_a_fault_of_the_file(cli: Run, file: Path) -> None:
    """``check`` finds it, with its place."""
    file.write_text(file.read_text().replace("[service]", '[service]\nblobs = "nowhere://x"'))
    result = cli("check", file)
    assert (result.exit_code, "[service] blobs: nowhere://x cannot be used" in result.output) == (1, True)
