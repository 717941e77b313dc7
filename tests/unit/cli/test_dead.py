"""``carekit dead``: what could not be read, from the list to the last of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from carekit.facts.actions import Send
from carekit.facts.nouns import Address, DeliveryStatus, Inbound
from carekit.seams.scope import EVERYTHING
from carekit.service.opening import ServiceFiles
from tests.unit.cli.conftest import Run

GOOD = b'{"id": "7", "sender": "ana", "text": "hello"}'


def aside(file: Path, *payloads: bytes) -> None:
    """Set payloads aside, as the service does."""

    async def work() -> None:
        async with ServiceFiles().open(file) as service:
            for number, raw in enumerate(payloads):
                await service.desk.quarantine("loop", raw, "not a loopback message", key=f"payload:{number}")

    asyncio.run(work())


def test_without_letters_it_says_so(cli: Run, lasting: Path) -> None:
    """An empty list is a sentence, and an empty array in JSON."""
    assert cli("dead", "list", lasting).output == "there are no dead letters\n"
    assert json.loads(cli("dead", "list", lasting, "--json").output) == []


def test_the_list_names_each_with_its_reason(cli: Run, lasting: Path) -> None:
    """Id, channel and reason are on one line."""
    aside(lasting, b"junk")
    [line] = cli("dead", "list", lasting).output.splitlines()
    assert line.startswith("channel:loop:1  ")
    assert line.endswith("loop: could not be read: not a loopback message")
    assert json.loads(cli("dead", "list", lasting, "--json").output)[0]["kind"] == "inbound"


def test_a_letter_is_shown_without_its_tricks(cli: Run, lasting: Path) -> None:
    """Control characters are not passed on to the terminal; ``--raw`` gives the bytes as they came."""
    aside(lasting, b"junk \x1b[31m red")
    shown = cli("dead", "show", lasting, "channel:loop:1").output
    assert "\x1b" not in shown
    assert "junk \ufffd[31m red" in shown
    assert cli("dead", "show", lasting, "channel:loop:1", "--raw").stdout_bytes == b"junk \x1b[31m red"


def failed(file: Path) -> str:
    """A reply that the far side reports as failed; its letter's id."""

    async def work() -> str:
        async with ServiceFiles().open(file) as service:
            inbound = Inbound("loop", "1", Address("loopback", "ana", "Ana Roca"), "hello")
            kept = await service.desk.receive(inbound)
            sent = (await service.desk.act(kept.conversation, Send("It left."), "agent:lena", scope=EVERYTHING)).events[
                0
            ]
            await service.desk.report_delivery(
                kept.conversation, sent.seq, DeliveryStatus.FAILED, detail="no such user"
            )
            return f"{kept.conversation}:{sent.seq}"

    return asyncio.run(work())


def test_a_message_that_failed_is_shown_with_both_ends(cli: Run, lasting: Path) -> None:
    """Who wrote it, to whom, why it is here, and what it says."""
    shown = cli("dead", "show", lasting, failed(lasting)).output
    told = dict(line.split(maxsplit=1) for line in shown.splitlines() if line and line != "It left.")
    assert (told["from"], told["to"]) == ("lena", "Ana Roca <ana>")
    assert told["what"] == "could not be sent: no such user"
    assert shown.endswith("\nIt left.\n")


def test_what_can_be_read_by_now_goes_in(cli: Run, lasting: Path) -> None:
    """Of two letters, the one that can be read is received; the other stays and says why; the exit code is 1."""
    aside(lasting, GOOD, b"junk")
    result = cli("dead", "retry", lasting, "--all")
    assert result.exit_code == 1
    assert "1 of 2 tried again" in result.output
    assert "channel:loop:2 still cannot be read" in result.output
    assert len(json.loads(cli("dead", "list", lasting, "--json").output)) == 1


def test_letters_are_dropped_after_a_question(cli: Run, lasting: Path) -> None:
    """All of them go only when confirmed."""
    aside(lasting, b"junk", b"more junk")
    assert cli("dead", "drop", lasting, "--all", typed="n\n").exit_code == 130
    assert "2 of 2 dropped" in cli("dead", "drop", lasting, "--all", typed="y\n").output
    assert cli("dead", "list", lasting).output == "there are no dead letters\n"


@pytest.mark.parametrize("arguments", [(), ("channel:loop:1", "--all")])
def test_which_letters_must_be_said(cli: Run, lasting: Path, arguments: tuple[str, ...]) -> None:
    """Neither none nor both ways of naming them."""
    result = cli("dead", "retry", lasting, *arguments)
    assert (result.exit_code, "name the letters, or give --all" in result.output) == (2, True)


def test_an_unknown_letter_is_named(cli: Run, lasting: Path) -> None:
    """It may have been handled meanwhile."""
    result = cli("dead", "show", lasting, "c_1:2")
    assert (result.exit_code, "there is no dead letter 'c_1:2'" in result.output) == (1, True)
