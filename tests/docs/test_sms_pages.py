"""The pages about texts: what they show runs, with a real Kannel where it is installed."""

from __future__ import annotations

import re
import shlex
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from carekit.service import plugins
from carekit.testing import free_port
from tests.docs._pages import DOCS, blocks
from tests.docs._story import PATIENCE, Story

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
REMEDY = "apt-get install kannel kannel-extras"


@pytest.fixture(autouse=True)
def installed() -> None:
    """The plugin is there, or the remedy is told."""
    if "sms" not in {info.name for info in plugins.load().infos}:
        pytest.skip("not installed: sms; pip install -r plugins/all.txt")


def commands(page: Path) -> list[str]:
    """The commands that *page* shows, in order."""
    shown = [block.text for block in blocks(page) if block.language == "console"]
    return re.findall(r"^\$ (.*)$", "".join(shown), re.MULTILINE)


def listening(port: int) -> None:
    """Wait until somebody listens on *port*."""
    until = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until, f"nobody listens on {port}"
        time.sleep(0.05)


def test_a_form_signed_as_twilio_does_is_taken(tmp_path: Path) -> None:
    """The page's script is answered as the page says: with the right token, and with a guess."""
    story = Story(DOCS / "how-to" / "sms-twilio.md", tmp_path, {"8000": free_port()})
    story.lay_out()
    with story.running("carekit", "serve") as desk:
        desk.says("ready in")
        for token, answer in (("only-for-trying", "200"), ("a-guess", "403")):
            assert f"python pretend.py {token}" in commands(story.page)
            assert story.run([sys.executable, "pretend.py", token]).strip() == answer
        assert desk.end() == 0


@pytest.mark.require("bearerbox", REMEDY)
@pytest.mark.require(FAKESMSC, REMEDY)
def test_a_text_goes_through_the_pages_kannel(tmp_path: Path) -> None:
    """Gateway, desk and phone with the page's files and commands: the text is answered, on the phone."""
    ports = {number: free_port() for number in ("8000", "10000", "13000", "13001", "13013")}
    story = Story(DOCS / "how-to" / "sms-kannel.md", tmp_path, ports)
    story.lay_out()
    *_, bearerbox, smsbox, serve, phone = (shlex.split(story.moved(one)) for one in commands(story.page))
    with ExitStack() as running:
        running.enter_context(story.running(*bearerbox))
        listening(ports["13001"])
        running.enter_context(story.running(*smsbox))
        listening(ports["13013"])
        running.enter_context(story.running(*serve)).says("ready in")
        listening(ports["10000"])
        got = running.enter_context(story.running(*phone)).says("Got message 1")
        assert "<+34911000000 +34612345678 text We have your text, and a person will answer.>" in got
