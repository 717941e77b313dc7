"""`carekit email deliver` and `explain`: on the store itself, in processes of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mail_tests_mailroom import FILE, mail

from carekit import ConfigError, MessageReceived, Unavailable
from carekit.testing import DeskKit
from carekit_email.commands import email

ALONE = FILE.replace('listen = "127.0.0.1:0"\n', "")


class Files:
    """The way from a file to the desk of a mailroom, or to what *error* says."""

    def __init__(self, room: Any = None, error: Exception | None = None, inline: bool = False) -> None:
        self.room, self.error, self.inline = room, error, inline

    @asynccontextmanager
    async def open(self, file: Path) -> AsyncIterator[Any]:
        if self.error is not None:
            raise self.error
        service = self.room.kit.service
        yield SimpleNamespace(
            desk=self.room.kit.desk, channels=service.channels, store=SimpleNamespace(inline=self.inline)
        )


def carekit(files: Files, *arguments: str, raw: bytes = b"") -> Result:
    return CliRunner().invoke(email, [arguments[0], "carekit.toml", *arguments[1:]], input=raw, obj=files)


@pytest.fixture
def shop(tmp_path: Path, on_sqlite: Callable[[str], str]) -> Iterator[DeskKit]:
    """A desk on SQLite that is open beside the commands, as a running service is."""
    with DeskKit(on_sqlite(ALONE), folder=tmp_path) as kit:
        yield kit


def test_a_piped_mail_is_kept_and_explained(shop: DeskKit, tmp_path: Path) -> None:
    """By processes beside the one that has the store open, which takes up what must follow."""

    async def run(what: str, raw: bytes) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "carekit.cli", "email", what, str(tmp_path / "carekit.toml"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(raw), 60)
        return process.returncode or 0, output.decode()

    async def use() -> tuple[tuple[int, str], tuple[int, str]]:
        first = await run("deliver", mail("hello", Message_ID="<first@host.example>"))
        return first, await run("explain", mail("Thanks", In_Reply_To="<first@host.example>"))

    delivered, explained = shop.run(use())
    assert delivered[0] == os.EX_OK and "kept in conversation" in delivered[1]
    assert explained[0] == os.EX_OK and "joins conversation" in explained[1]
    (message,) = shop.facts(MessageReceived)
    assert message.text == "hello"
    assert b"Message-ID: <first@host.example>" in shop.run(shop.desk.fetch(message.raw))


def test_what_can_never_be_read_is_kept_aside(rooms: Callable[..., Any]) -> None:
    """The mail server must not try it for days."""
    room = rooms("", ALONE)
    found = carekit(Files(room), "deliver", raw=b"Subject: nobody\n\nx")
    assert (found.exit_code, found.output) == (os.EX_OK, "kept\n")
    assert len(room.quarantined()) == 1


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("the store at care.db is locked"),
        ConfigError("carekit.toml: there is no such file"),
        RuntimeError("a fault"),
    ],
)
def test_what_somebody_can_mend_makes_the_mail_come_again(error: Exception) -> None:
    """EX_TEMPFAIL, with the reason for the mail server's log; any other code would return the mail to its sender."""
    found = carekit(Files(error=error), "deliver", raw=mail())
    assert found.exit_code == os.EX_TEMPFAIL
    assert str(error) in found.stderr and not found.stdout


def test_a_mail_over_the_limit_is_the_senders_to_mend(rooms: Callable[..., Any]) -> None:
    """EX_DATAERR: it would be over it at every attempt."""
    room = rooms("max_size = 1000\n", ALONE)
    found = carekit(Files(room), "deliver", raw=mail("x" * 1_000))
    assert found.exit_code == os.EX_DATAERR and "max_size" in found.stderr
    assert not room.received() and not room.quarantined()
    assert "max_size" in carekit(Files(room), "explain", raw=mail("x" * 1_000)).output


TWO = '\n[channels.other]\nuse = "email"\naddress = "sales@shop.example"\noutbox = "out"\n'


@pytest.mark.parametrize(
    ("more", "arguments", "word"),
    [(TWO, (), "mail, other"), (TWO, ("--channel", "third"), "there are: mail, other")],
)
def test_which_channel_is_meant_must_be_clear(
    rooms: Callable[..., Any], more: str, arguments: tuple[str, ...], word: str
) -> None:
    """Before any mail is read; the mail stays with its server until somebody mends it."""
    room = rooms(more, ALONE)
    found = carekit(Files(room), "deliver", *arguments, raw=mail())
    assert found.exit_code == os.EX_TEMPFAIL and word in found.stderr
    assert carekit(Files(room), "deliver", "--channel", "mail", raw=mail()).exit_code == os.EX_OK


def test_a_store_in_the_memory_of_another_process_takes_nothing(rooms: Callable[..., Any]) -> None:
    """What would be kept there is gone when the command ends."""
    found = carekit(Files(rooms("", ALONE), inline=True), "deliver", raw=mail())
    assert found.exit_code == os.EX_TEMPFAIL and "memory" in found.stderr


def test_mails_of_one_sender_are_counted_over_processes(rooms: Callable[..., Any]) -> None:
    """A flood through a pipe is a flood, though each mail has a process of its own."""
    room = rooms("per_sender = 2\n", ALONE)
    for number in range(4):
        assert carekit(Files(room), "deliver", raw=mail(f"text {number}")).exit_code == os.EX_OK
    assert (len(room.received()), len(room.quarantined())) == (2, 2)
    room.kit.advance("61m")
    carekit(Files(room), "deliver", raw=mail("later"))
    assert len(room.received()) == 3
