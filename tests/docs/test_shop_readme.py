"""What the README of the shop says about mail, reports and addresses happens."""

from __future__ import annotations

import re
import shutil
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path

import httpx2
import pytest

from carekit.service import plugins
from carekit.testing import free_port
from tests.docs._pages import ROOT
from tests.docs._story import PATIENCE, Story

SHOP = ROOT / "examples" / "shop"
README = SHOP / "README.md"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A copy of the shop, on free ports, with the file from the README."""
    if missing := {"chat", "email", "faqbot", "console", "sql", "survey"} - {
        info.name for info in plugins.load().infos
    }:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}; pip install -r plugins/all.txt")
    folder = tmp_path / "shop"
    shutil.copytree(SHOP, folder, ignore=shutil.ignore_patterns("data"))
    found = Story(README, folder, {"8000": free_port(), "8025": free_port()})
    file = folder / "carekit.toml"
    file.write_text(found.moved(file.read_text("utf-8")), "utf-8")
    found.lay_out("ask.py")
    return found


def outbox(story: Story) -> list[Path]:
    """The mails that went out."""
    return sorted((story.folder / "data" / "outbox").glob("*.eml"))


def test_the_shop_does_what_its_readme_says(story: Story) -> None:
    """The pages are there, the mail is acknowledged once, and the report counts it."""
    with story.running("carekit", "serve") as desk:
        desk.says("password river-stone")
        base = f"http://127.0.0.1:{story.ports['8000']}"
        with httpx2.Client(base_url=base, follow_redirects=True, timeout=30) as browser:
            for path in ("/", "/help", "/console"):
                assert browser.get(path).status_code == 200, path
        story.run([sys.executable, "ask.py"])
        story.run([sys.executable, "ask.py"])
        until = time.monotonic() + PATIENCE
        while not outbox(story):
            assert time.monotonic() < until, "no acknowledgement in the outbox"
            time.sleep(0.1)
        mail = message_from_bytes(outbox(story)[0].read_bytes(), policy=policy.default)
        assert mail["In-Reply-To"] == "<torn-tent-1@host.example>"
        assert "Hello Ana" in mail.get_content()
        assert re.search(r"Conversations +1 +\(1 messages in", story.run(["carekit", "report"]))
        assert desk.end() == 0
    assert len(outbox(story)) == 1


def test_its_logins_are_those_of_the_seed(story: Story) -> None:
    """The table of agents has the ids and passwords of seed.toml, and no others."""
    table = set(re.findall(r"`(\w+)`, `([\w-]+)`", README.read_text("utf-8")))
    seed = (SHOP / "seed.toml").read_text("utf-8")
    assert table == set(re.findall(r'id = "(\w+)".*?password = "([\w-]+)"', seed, re.DOTALL))
