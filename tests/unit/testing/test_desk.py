"""The desk for tests lets go of what it took, also when it cannot be made."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from carekit.ground.errors import ConfigError
from carekit.testing.desk import MINIMAL, DeskKit


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def runners(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Runner]:
    """Every loop's keeper that is made."""
    made: list[asyncio.Runner] = []

    class Kept(asyncio.Runner):
        def __init__(self) -> None:
            super().__init__()
            self.get_loop()
            made.append(self)

    monkeypatch.setattr(asyncio, "Runner", Kept)
    return made


@pytest.mark.parametrize("file", ["[service", "[servise]\n", "\ud800"])
def test_a_file_with_faults_leaves_nothing_behind(temporary: Path, runners: list[asyncio.Runner], file: str) -> None:
    """Neither a folder nor an open loop, whatever is wrong with the file."""
    with pytest.raises((ConfigError, UnicodeError)):
        DeskKit(file, discover=False)
    assert list(temporary.iterdir()) == []
    with pytest.raises(RuntimeError, match="closed"):
        runners[0].get_loop()


def test_closing_twice_is_closing_once(temporary: Path) -> None:
    """The folder is gone after the first."""
    kit = DeskKit(MINIMAL, discover=False)
    assert len(list(temporary.iterdir())) == 1
    kit.close()
    kit.close()
    assert list(temporary.iterdir()) == []


def test_a_given_folder_is_kept(tmp_path: Path) -> None:
    """What the test brought stays the test's."""
    with DeskKit(MINIMAL, discover=False, folder=tmp_path):
        pass
    assert (tmp_path / "carekit.toml").exists()
