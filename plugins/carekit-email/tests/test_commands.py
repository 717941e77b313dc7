"""`carekit email deliver` and `explain`: real processes that speak to a running service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mail_tests_mailroom import FILE, mail

from carekit import Unavailable
from carekit_email.commands import email, socket_of
from carekit_email.control import Control, ask

PIPED = FILE.replace('listen = "127.0.0.1:0"', "pipe = true")


@contextlib.asynccontextmanager
async def running(room: Any) -> AsyncIterator[Path]:
    task = asyncio.create_task(room.channel.run(room.kit.desk))
    path = room.channel.folder / "data" / "mail.sock"
    async with asyncio.timeout(10):
        while not path.exists():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
    try:
        yield path
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def carekit(*arguments: str, raw: bytes = b"") -> tuple[int, str]:
    """Run the command line in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "carekit.cli", "email", *arguments,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(raw), 60)
    return process.returncode or 0, output.decode()


def test_a_piped_mail_is_kept_and_explained(rooms: Callable[..., Any]) -> None:
    """From outside, into the running service, whose socket is for its owner alone."""
    room = rooms("", PIPED)
    file = str(room.channel.folder / "carekit.toml")
    first = mail("hello", Message_ID="<first@host.example>")

    async def use() -> None:
        async with running(room) as path:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert (await carekit("deliver", file, raw=first))[0] == os.EX_OK
            code, text = await carekit("explain", file, raw=mail("Thanks", In_Reply_To="<first@host.example>"))
            assert code == os.EX_OK and "joins conversation" in text and "the contact is the same" in text
            # What can never be read is kept aside: the mail server must not try it for days.
            assert (await carekit("deliver", file, raw=b"Subject: nobody\n\nx"))[0] == os.EX_OK
        assert not path.exists()

    room.kit.run(use())
    assert [message.text for message in room.received()] == ["hello"]
    assert len(room.quarantined()) == 1


def test_without_a_service_the_mail_server_keeps_the_mail(tmp_path: Path) -> None:
    """EX_TEMPFAIL makes it try again; a wrong file is EX_CONFIG."""
    file = tmp_path / "carekit.toml"
    file.write_text(PIPED)
    found = CliRunner().invoke(email, ["deliver", str(file)], input=mail())
    assert found.exit_code == os.EX_TEMPFAIL and "carekit serve" in found.output
    found = CliRunner().invoke(email, ["deliver", str(tmp_path / "missing.toml")], input=mail())
    assert found.exit_code == os.EX_CONFIG and "missing.toml" in found.output


@pytest.mark.parametrize(
    ("text", "channel", "word"),
    [
        ('[channels.mail]\nuse = "email"\n', "", "pipe = true"),
        ('[channels.a]\nuse = "email"\npipe = true\n[channels.b]\nuse = "email"\npipe = true\n', "", "a, b"),
        ('[channels.a]\nuse = "email"\npipe = true\n', "b", "channels.b"),
        ("[[", "", "carekit.toml"),
    ],
)
def test_a_file_that_names_no_channel_is_explained(tmp_path: Path, text: str, channel: str, word: str) -> None:
    """Which one it is must be clear before any mail is read."""
    file = tmp_path / "carekit.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=word):
        socket_of(file, channel)


def test_the_socket_of_several_channels(tmp_path: Path) -> None:
    """By name, and where the file says."""
    file = tmp_path / "carekit.toml"
    file.write_text('[channels.a]\nuse = "email"\npipe = true\nsocket = "x/y.sock"\n[channels.b]\nuse = "chat"\n')
    assert socket_of(file, "") == socket_of(file, "a") == (tmp_path / "x" / "y.sock").resolve()


@pytest.mark.parametrize("depth", [1, 12])
def test_what_fails_inside_makes_the_mail_come_again(tmp_path: Path, depth: int) -> None:
    """A store that is down, a fault, a mail too large, and a path longer than sockets may have."""
    path = tmp_path.joinpath(*["a-long-name-of-a-folder"] * depth, "mail.sock")
    answers: list[Exception | None] = [Unavailable("the store is down"), RuntimeError("secret words"), None]

    async def handle(what: str, raw: bytes) -> tuple[int, list[str]]:
        error = answers.pop(0)
        if error is not None:
            raise error
        return os.EX_OK, [f"{what} {len(raw)}"]

    async def use() -> list[tuple[int, list[str]]]:
        task = asyncio.create_task(Control(path, handle, max_size=1_000_000).serve())
        while not path.exists():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
        found = [await asyncio.to_thread(ask, path, "deliver", b"x" * 300_000) for _ in range(3)]
        found.append(await asyncio.to_thread(ask, path, "deliver", b"x" * 1_500_000))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return found

    down, fault, good, large = asyncio.run(asyncio.wait_for(use(), 30))
    assert down == (os.EX_TEMPFAIL, ["the store is down"])
    assert fault[0] == os.EX_TEMPFAIL and "secret" not in str(fault)
    assert good == (os.EX_OK, ["deliver 300000"])
    assert large[0] == os.EX_DATAERR
