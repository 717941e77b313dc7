"""The how-to on backups, played on a desk in SQLite: kept, checked, lost, restored."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from carekit.service import plugins
from tests.docs._pages import DOCS, blocks
from tests.docs._story import Story

PAGE = DOCS / "how-to" / "backup-and-restore.md"
FILE = '[service]\nname = "Docs"\n[store]\nuse = "sql"\n[channels.website]\nuse = "loopback"\n'


def test_the_page_brings_a_desk_back(tmp_path: Path) -> None:
    """Every command of the page in its order, with the database lost in between."""
    if "sql" not in plugins.load().offers["stores"]:
        pytest.skip("not installed: carekit-sql; pip install -r plugins/all.txt")
    story = Story(PAGE, tmp_path, {})
    (tmp_path / "carekit.toml").write_text(FILE, "utf-8")

    def run(*words: str) -> str:
        return story.run([sys.executable, "-m", "carekit.cli", *words])

    shown = [line[2:] for block in blocks(PAGE) if block.language == "console" for line in block.text.splitlines()]
    make, verify, restore, doctor, serve = [shlex.split(line)[1:] for line in shown]
    run(
        "agents", "add", "carekit.toml", "ana", "--name", "Ana", "--email", "ana@shop.example", "--password", "ohlala22"
    )
    assert "is made: 1 events" in run(*make)
    assert "is whole: 1 events" in run(*verify)
    for path in tmp_path.glob("care.db*"):
        path.unlink()
    assert "is restored: 1 events" in run(*restore)
    assert "FAULT" not in run(*doctor)
    assert "Ana" in run("agents", "list", "carekit.toml")
    assert serve == ["serve", "carekit.toml"]
