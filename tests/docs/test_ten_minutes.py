"""The first tutorial, played from an empty folder to the mistake at its end."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from carekit.service import plugins
from carekit.testing import free_port
from tests.docs._console import Browser
from tests.docs._pages import DOCS, ROOT, blocks
from tests.docs._story import PATIENCE, Story, like

PAGE = DOCS / "tutorial" / "ten-minutes.md"
SHELL = next(block.text for block in blocks(PAGE) if block.language == "console")
INSTALLED = [
    word for word in shlex.split(SHELL.split("pip install ")[1].splitlines()[0]) if word.startswith("carekit-")
]

ONLY_THESE = """
import sys
import carekit.service.plugins as plugins
found = plugins.entry_points
plugins.entry_points = lambda **group: [e for e in found(**group) if e.dist and e.dist.name in {installed!r}]
from carekit.cli.main import main
main()
"""
"""The command as it is when nothing but what the page installs is installed."""


def shown(command: str, nth: int = 0) -> str:
    """What the page shows under *command*, the *nth* time."""
    found = [
        part.split("\n", 1)[1] if "\n" in part else ""
        for block in blocks(PAGE)
        if block.language == "console"
        for part in block.text.split("$ ")
        if part.startswith(f"{command}\n")
    ]
    return found[nth].strip()


def part(name: str) -> str:
    """The table of the file that the page shows under the heading *name*."""
    return next(b.text for b in blocks(PAGE) if b.language == "toml" and b.text.startswith(f"[{name}]"))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """An empty folder called as on the page."""
    names = {entry.distribution for entry in plugins.load().infos}
    if missing := [name for name in INSTALLED if name not in names]:
        pytest.skip(f"not installed: {', '.join(missing)}; pip install -r plugins/all.txt")
    folder = tmp_path / "care-desk"
    folder.mkdir()
    (tmp_path / "carekit_.py").write_text(ONLY_THESE.format(installed=INSTALLED), "utf-8")
    return Story(PAGE, folder, {"8000": free_port()})


def carekit(story: Story, *words: str, **more: Any) -> str:
    """Run carekit with *words*."""
    return story.run([sys.executable, str(story.folder.parent / "carekit_.py"), *words], **more)


@contextmanager
def serving(story: Story) -> Iterator[Any]:
    """The service of the page, ended as by Ctrl+C."""
    with story.running(sys.executable, str(story.folder.parent / "carekit_.py"), "serve") as desk:
        desk.says("Ctrl+C stops")
        yield desk
        assert desk.end() == 0


class Visitor:
    """Somebody with the chat open: what the widget says to the service."""

    def __init__(self, base: str) -> None:
        from websockets.sync.client import connect

        self._opening: Any = connect(f"{base.replace('http', 'ws', 1)}/channels/website/socket", origin=base)
        self.texts: list[str] = []

    def __enter__(self) -> Visitor:
        self.socket = self._opening.__enter__()
        self.socket.send(json.dumps({"type": "hello"}))
        return self

    def __exit__(self, *raised: Any) -> None:
        self._opening.__exit__(*raised)

    def write(self, text: str) -> str:
        """Write *text*; the id of the conversation."""
        self.socket.send(json.dumps({"type": "send", "id": "written-by-hand", "text": text}))
        return str(self._take("ack")["conversation"])

    def reads(self, text: str) -> None:
        """Wait for a message with *text*."""
        while not any(text in seen for seen in self.texts):
            self._take("message")

    def _take(self, kind: str) -> dict[str, Any]:
        while True:
            frame: dict[str, Any] = json.loads(self.socket.recv(timeout=60))
            if frame["type"] == "message":
                self.texts.append(frame["text"])
            if frame["type"] == kind:
                return frame


def set_up(story: Story) -> None:
    """Sections 2 and 3 of the page."""
    assert like(shown("carekit init"), carekit(story, "init"))
    command = next(line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("$ carekit agents add"))
    words = shlex.split(command)[2:]
    added = carekit(story, *words, CAREKIT_AGENT_PASSWORD="a long enough password")
    assert like(shown(command[2:]), added)
    story.lay_out("site/index.html")
    file = story.folder / "carekit.toml"
    text = story.moved(file.read_text("utf-8"))
    file.write_text(f"{text}\n{part('apps.shop')}", "utf-8")
    assert like(shown("carekit check"), carekit(story, "check"))


def talk(story: Story, base: str) -> str:
    """Section 4: a question, an answer, a resolution; the id of the conversation."""
    with Visitor(base) as visitor, Browser(base) as lena:
        assert "/channels/website/w.js" in lena.open("/")
        id = visitor.write("Where is my parcel?")
        visitor.reads("have your message")
        lena.send("/console/login", "/login", email="lena", password="a long enough password")
        assert id in lena.open("/console/view/unassigned")
        lena.send("/console/view/unassigned", "/presence", presence="available")
        until = time.monotonic() + PATIENCE
        while id not in lena.open("/console/view/mine"):  # routing looks at the queue in the background
            assert time.monotonic() < until, "routing did not give it to the agent"
            time.sleep(0.1)
        lena.send(f"/console/c/{id}", "/reply", text="It left today.")
        visitor.reads("It left today.")
        lena.send(f"/console/c/{id}", "/resolve")
    return id


def test_the_page_can_be_played(story: Story) -> None:
    """Each command of the page prints what the page shows, and what it says of the browser happens."""
    set_up(story)
    base = f"http://127.0.0.1:{story.ports['8000']}"
    with serving(story) as desk:
        assert like(story.moved(shown("carekit serve")), "\n".join(desk.lines))
        id = talk(story, base)
        printed = carekit(story, "report")
        # which clocks a figure is told in depends on whether the office is open just now
        assert like(shown("carekit report"), re.sub(r"; business [^;]*", "", printed))
        told = carekit(story, "explain", "carekit.toml", id)
        expected = re.sub(r"c_[0-9A-Z]{22,}", id, shown(_explain()))
        assert like(expected + "\n…", "\n".join(told.strip().splitlines()[: len(expected.splitlines()) + 1]))
        assert "because policy 'routing'" in told
        assert "because policy 'acknowledge'" in told
    change_the_policy(story, base)
    make_a_mistake(story)


def _explain() -> str:
    return next(
        line[2:] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("$ carekit explain carekit.toml")
    )


def change_the_policy(story: Story, base: str) -> None:
    """Section 6."""
    file = story.folder / "carekit.toml"
    text = file.read_text("utf-8")
    changed = re.sub(r"\[policies\.acknowledge\]\n(?:[^\[#\n].*\n)+", lambda _: part("policies.acknowledge"), text)
    assert changed != text
    file.write_text(changed, "utf-8")
    assert like(shown("carekit check", 1), carekit(story, "check"))
    with serving(story), Visitor(base) as visitor:
        visitor.write("Do you sell kayaks?")
        visitor.reads("Thank you! Care desk will answer you here.")


def make_a_mistake(story: Story) -> None:
    """Section 7."""
    file = story.folder / "carekit.toml"
    file.write_text(file.read_text("utf-8").replace("first_response", "frist_response", 1), "utf-8")
    said = carekit(story, "check", code=1)
    assert sorted(said.split("\n")) == sorted([*shown("carekit check", 2).split("\n"), ""])
    assert "did you mean" in carekit(story, "serve", code=1)


def test_what_it_installs_is_ours() -> None:
    """The page names distributions that this repository makes."""
    ours = {path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml")}
    assert set(INSTALLED) <= ours
