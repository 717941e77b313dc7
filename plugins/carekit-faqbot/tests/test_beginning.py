"""What `carekit init` writes for the bot and the help centre."""

from __future__ import annotations

from pathlib import Path

import pytest

from carekit.testing import DeskKit
from carekit.testing.desk import MINIMAL
from carekit_faqbot import plugin
from carekit_faqbot.app import Help
from carekit_faqbot.bot import FaqBot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the two starters need."""
    for name, text in {**FaqBot.starter_files, **Help.starter_files}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def test_the_beginning_works_as_it_stands(folder: Path) -> None:
    """With its first article the file has no faults, and the bot answers from it."""
    file = f"{MINIMAL}\n{FaqBot.starter}\n{Help.starter}\n[policies.first]\nuse = 'bot'\nbot = 'guide'\n"
    with DeskKit(file, extra={"faqbot": plugin}, discover=False, folder=folder) as kit:
        kit.write("When are you open?")
        assert "from 9:00 to 17:00" in kit.thread()[-1][1]
