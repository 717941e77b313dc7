"""The tutorial about a channel: its plugin is short, passes the suite, and carries a conversation over real HTTP."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from carekit.testing import free_port
from tests.docs._pages import DOCS, blocks, files
from tests.docs._story import Story, like

PAGE = DOCS / "tutorial" / "first-channel.md"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """The page's files, installed."""
    found = Story(PAGE, tmp_path, {"8000": free_port(), "9100": free_port()})
    found.lay_out()
    found.install()
    return found


def said(command: str) -> str:
    """What the page shows under *command*."""
    block = next(block for block in blocks(PAGE) if block.language == "console" and f"$ {command}\n" in block.text)
    return block.text.split(f"$ {command}\n")[1].split("\n$ ")[0].strip()


def test_the_plugin_is_short() -> None:
    """Under 60 lines of code: blank lines and texts that only explain are not counted."""
    lines = [line.strip() for line in files(PAGE)["relay.py"].splitlines()]
    assert len([line for line in lines if line and not line.startswith(('"""', "#"))]) < 60


def test_the_suite_is_green(story: Story) -> None:
    """The contract of channels passes on the page's code, and only the payload of noise is missing."""
    printed = story.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra"])
    summary = printed.splitlines()[-1]
    assert " failed" not in summary
    assert "1 skipped" in summary
    assert "no noise was recorded" in printed


def test_the_check_finds_nothing(story: Story) -> None:
    """The file of the page has no faults, and is told so in the page's words."""
    assert like(said("carekit check"), story.run(["carekit", "check"]))


def test_a_conversation_is_held(story: Story) -> None:
    """What is typed on the far side arrives, is acknowledged, answered, and continued in the same conversation."""
    question, acknowledged = said("python far_side.py").splitlines()
    with story.running("carekit", "serve") as desk:
        desk.says("ready in")
        with story.running(sys.executable, "far_side.py") as far_side:
            far_side.type(question)
            far_side.says(acknowledged)
            answered = story.run([sys.executable, "answer.py", "It left today."])
            assert like(said('python answer.py "It left today."'), answered)
            far_side.says("desk to ana: It left today.")
            far_side.type("Thank you.")
            story_goes_on = story.run([sys.executable, "answer.py", "You are welcome."])
            assert "waiting" in story_goes_on
            far_side.says("desk to ana: You are welcome.")
            assert sum("we have your message" in line for line in far_side.lines) == 1
        assert desk.end() == 0
    assert desk.lines[-1] == "stopped"
