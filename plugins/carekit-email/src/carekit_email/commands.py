"""``carekit email``: hand a mail to the running service, and ask it why a mail belongs where it does."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from carekit_email.control import ask

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_CHANNEL = click.option("--channel", default="", help="The channel, where the file has several of e-mail.")


@click.group("email")
def email() -> None:
    """Work with mail: deliver one, or ask why it belongs where it does. The service must run."""


@email.command("deliver")
@_FILE
@_CHANNEL
def deliver(file: Path, channel: str) -> None:
    """Hand the mail on standard input to the service of FILE, for a mail server that pipes into a command.

    Ends with 0 when the mail is kept (also when it is kept aside), 75 when it must come again, 65 when it never can be
    taken, 64 or 78 when the command line or FILE is wrong: the codes of sysexits.h, as mail servers read them.
    """
    _finish(*_ask(file, channel, "deliver"))


@email.command("explain")
@_FILE
@_CHANNEL
def explain(file: Path, channel: str) -> None:
    """Say which conversation the mail on standard input would join, and why; changes nothing."""
    _finish(*_ask(file, channel, "explain"))


def _ask(file: Path, channel: str, what: str) -> tuple[int, list[str]]:
    try:
        path = socket_of(file, channel)
    except (OSError, ValueError) as error:
        return os.EX_CONFIG, [str(error)]
    raw = sys.stdin.buffer.read()
    try:
        return ask(path, what, raw)
    except OSError as error:
        reason = error.strerror or str(error)
        return os.EX_TEMPFAIL, [
            f"the service does not answer at {path} ({reason}); start it with `carekit serve {file}`"
        ]


def _finish(code: int, lines: list[str]) -> None:
    for line in lines:
        click.echo(line, err=code != os.EX_OK)
    # Mail servers act on the code, and an error of the command line's own kind would always be 1.
    sys.exit(code)


def socket_of(file: Path, channel: str) -> Path:
    """Give the socket of the e-mail channel *channel* of *file*, of its only one for ""; raises OSError, ValueError."""
    try:
        tables: dict[str, Any] = tomllib.loads(file.read_text("utf-8")).get("channels", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: {error}") from None
    ours = {name: table for name, table in tables.items() if isinstance(table, dict) and table.get("use") == "email"}
    piped = {name: table for name, table in ours.items() if table.get("pipe")}
    if channel and channel not in piped:
        raise ValueError(f"{file}: [channels.{channel}] is no e-mail channel with `pipe = true`")
    if not channel and len(piped) != 1:
        names = ", ".join(piped) or "none"
        raise ValueError(f"{file}: one e-mail channel with `pipe = true` is needed, or --channel; there are: {names}")
    name = channel or next(iter(piped))
    return (file.parent / Path(piped[name].get("socket") or f"data/{name}.sock").expanduser()).resolve()
