"""``carekit email``: hand a mail to the desk of a file, and ask why a mail belongs where it does.

Both work on the store itself, beside the running service or without one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from carekit import CarekitError, Channel, ConfigError, Files, Parts
from carekit_email.channel import EmailChannel

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_CHANNEL = click.option("--channel", default="", help="The channel, where the file has several of e-mail.")


@click.group("email")
def email() -> None:
    """Work with mail: deliver one, or ask why it belongs where it does."""


@email.command("deliver")
@_FILE
@_CHANNEL
@click.pass_obj
def deliver(files: Files, file: Path, channel: str) -> None:
    """Hand the mail on standard input to the desk of FILE, for a mail server that pipes into a command.

    Ends with 0 when the mail is kept (also when it is kept aside), 65 when it is over `max_size`, and 75 for anything
    that somebody can mend, so that the mail comes again: the codes of sysexits.h, as mail servers read them.
    """
    try:
        code, words = asyncio.run(_delivered(files, file, channel))
    except CarekitError as error:
        code, words = os.EX_TEMPFAIL, str(error)
    except Exception as error:  # noqa: BLE001 - any other code than this one would cost somebody their mail
        code, words = os.EX_TEMPFAIL, f"a fault, and the mail is not kept: {type(error).__name__}: {error}"
    click.echo(words, err=code != os.EX_OK)
    click.get_current_context().exit(code)


@email.command("explain")
@_FILE
@_CHANNEL
@click.pass_obj
def explain(files: Files, file: Path, channel: str) -> None:
    """Say which conversation the mail on standard input would join, and why; changes nothing."""
    for line in asyncio.run(_explained(files, file, channel)):
        click.echo(line)


async def _delivered(files: Files, file: Path, channel: str) -> tuple[int, str]:
    async with files.open(file) as parts:
        found = _chosen(parts, file, channel)
        raw = _standard_input(found.settings.max_size)
        if raw is None:
            return os.EX_DATAERR, f"this mail is over {found.settings.max_size} octets (max_size)"
        conversation = await found.deliver(raw, parts.desk)
    return os.EX_OK, f"kept in conversation {conversation}" if conversation else "kept"


async def _explained(files: Files, file: Path, channel: str) -> list[str]:
    async with files.open(file) as parts:
        found = _chosen(parts, file, channel)
        raw = _standard_input(found.settings.max_size)
        if raw is None:
            return [f"this mail would be refused: it is over {found.settings.max_size} octets (max_size)"]
        return (await found.explain(raw, parts.desk)).lines()


def _standard_input(most: int) -> bytes | None:
    raw = sys.stdin.buffer.read(most + 1)
    return raw if len(raw) <= most else None


def _chosen(parts: Parts, file: Path, name: str) -> EmailChannel:
    if parts.store.inline:
        raise ConfigError(f"{file}: the store of this file is the memory of one process, so others cannot work on it")
    ours = _channels(parts.channels)
    if name and name not in ours:
        raise ConfigError(f"{file}: there is no e-mail channel {name!r}; there are: {', '.join(ours) or 'none'}")
    if not name and len(ours) != 1:
        names = ", ".join(ours) or "none"
        raise ConfigError(f"{file}: one e-mail channel is needed, or --channel with its name; there are: {names}")
    return ours[name] if name else next(iter(ours.values()))


def _channels(channels: Mapping[str, Channel]) -> dict[str, EmailChannel]:
    return {name: channel for name, channel in channels.items() if isinstance(channel, EmailChannel)}
