"""The examples in hooks.md, used: each as the plugin it would be, on a desk."""

from __future__ import annotations

import asyncio
import logging
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carekit import (
    NoteAdded,
    Payload,
    Sample,
)
from carekit.service import plugins
from carekit.testing import DeskKit
from tests.docs._pages import DOCS, blocks

PAGE = DOCS / "reference" / "hooks.md"
BASE = '[service]\n[store]\nuse = "memory"\n[channels.loop]\nuse = "loopback"\n'


def example(hook: str) -> Any:
    """The block of the page that implements *hook*, as a module."""
    block = next(b for b in blocks(PAGE) if b.language == "python" and f"def {hook}(" in b.text)
    module = ModuleType("example")
    exec(compile(block.text, block.place, "exec", dont_inherit=True), module.__dict__)
    return module


def desk(module: ModuleType, more: str) -> DeskKit:
    """A desk with the example as its only plugin."""
    return DeskKit(BASE + more, extra={"example": module}, discover=False)


def test_carekit_channels_example_takes_a_note() -> None:
    """Its channel decodes what it says it takes, and the desk keeps it."""
    with desk(example("carekit_channels"), '[channels.notes]\nuse = "notes"\n') as kit:
        (message,) = kit.channel("notes").decode(Payload(b'{"id": 1, "from": "ana", "text": "Hello"}'))
        kit.run(kit.desk.receive(message))
        assert kit.thread() == [("contact", "Hello")]


def test_carekit_bots_example_answers() -> None:
    """Its bot says again what the contact wrote."""
    file = '[bots.polly]\nuse = "parrot"\n[policies.first]\nuse = "bot"\nbot = "polly"\n'
    with desk(example("carekit_bots"), file) as kit:
        kit.write("Hello")
        assert kit.thread()[-1] == ("bot:polly", "Hello")


def test_carekit_policies_example_notices_the_third_time() -> None:
    """Its policy leaves a note when a conversation is reopened for the third time, and only then."""
    with desk(example("carekit_policies"), '[policies.again]\nuse = "again"\n') as kit:
        kit.add_agent("lena")
        kit.write("It is broken.")
        for notes in (0, 0, 1):
            kit.resolve("lena")
            kit.reopen("lena")
            assert len(kit.facts(NoteAdded)) == notes


def test_carekit_stores_and_surveys_examples_can_be_chosen() -> None:
    """What they offer is found under the name of the page."""
    for hook, kind, name in (("carekit_stores", "stores", "files"), ("carekit_surveys", "surveys", "thumbs")):
        loaded = plugins.load(extra={"example": example(hook)}, discover=False)
        assert loaded.offers[kind][name].plugin == "example"


def test_carekit_buses_example_is_heard() -> None:
    """What is published is heard by two that listen."""
    loaded = plugins.load(extra={"example": example("carekit_buses")}, discover=False)
    bus = loaded.offers["buses"]["shout"].cls("shout", None)

    async def scenario() -> None:
        ears: list[list[bytes]] = [[], []]
        listening = [asyncio.create_task(bus.listen(ear.append)) for ear in ears]
        async with asyncio.timeout(10):
            while not all(ears):
                await bus.publish(b"committed")
                await asyncio.sleep(0.02)
        for task in listening:
            task.cancel()
        await asyncio.wait(listening)

    asyncio.run(scenario())


def test_carekit_apps_example_counts() -> None:
    """Its page says how many conversations there are."""
    with desk(example("carekit_apps"), '[apps.board]\nuse = "board"\n') as kit:
        kit.write("Hello")
        board = kit.service.settings.apps["board"].component
        with TestClient(Starlette(routes=list(board.routes(kit.desk)))) as browser:
            assert browser.get("/").json() == {"conversations": 1}


def test_carekit_commands_example_greets() -> None:
    """Its command works on the command line."""
    (command,) = plugins.load(extra={"example": example("carekit_commands")}, discover=False).commands
    assert isinstance(command, click.Command)
    assert CliRunner().invoke(command, ["Ana"]).output == "Hello Ana\n"


def test_carekit_event_example_warns_of_a_breach(caplog: pytest.LogCaptureFixture) -> None:
    """It hears of a missed target once it is committed."""
    file = '[policies.first-reply]\nuse = "sla"\nfirst_response = "4h"\n'
    with caplog.at_level(logging.WARNING, "acme.alerts"):
        with desk(example("carekit_event"), file) as kit:
            kit.write("Hello?")
            kit.advance("5h")
        warned = [record.getMessage() for record in caplog.records if record.name == "acme.alerts"]
    assert len(warned) == 1
    assert "missed first_response" in warned[0]


def test_carekit_measured_example_adds_up() -> None:
    """It adds up the seconds of what it is told."""
    module = example("carekit_measured")
    loaded = plugins.load(extra={"example": module}, discover=False)
    heard = next(function for name, function in loaded.on_measured if name == "example")
    for seconds in (1.0, 2.0):
        heard(Sample("batch", seconds))
    assert module.SECONDS["batch"] == 3.0
