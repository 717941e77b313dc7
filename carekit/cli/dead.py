"""``carekit dead``: what could not be read or sent, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import click

from carekit.cli.common import file_and_more, file_argument, printable, with_service
from carekit.facts.codec import to_builtins
from carekit.facts.nouns import Letter
from carekit.ground.dates import iso
from carekit.ground.errors import CarekitError, Refused
from carekit.seams.desk import Glimpse
from carekit.seams.scope import EVERYTHING
from carekit.service.service import Service

ACTOR = "operator"
"""Who handles letters on the command line."""
PAGE = 500
KINDS = {
    "inbound": "could not be read",
    "failed": "could not be sent",
    "unsure": "may or may not have been sent",
}


@click.group("dead")
def command() -> None:
    """Look at dead letters: what could not be read, was given up, or may not have been sent.

    The service goes on without them, and its health says how many there are.
    """


@command.command("list")
@file_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_letters(file: Path, as_json: bool) -> None:
    """List them all."""
    letters = with_service(file, _all)
    if as_json:
        click.echo(json.dumps([to_builtins(letter) for letter in letters], indent=2))
        return
    if not letters:
        click.echo("there are no dead letters")
    for letter in letters:
        click.secho(letter.id, bold=True, nl=False)
        click.echo(f"  {iso(letter.at)} UTC  {letter.channel}: {KINDS[letter.kind]}: {letter.error}")


@command.command("show")
@file_and_more
@click.argument("id")
@click.option("--raw", is_flag=True, help="Print the payload as it came, byte for byte, and nothing else.")
def show(file: Path, id: str, raw: bool) -> None:
    """Show the dead letter ID: why it is one, and what it holds."""

    async def work(service: Service) -> tuple[Letter, Glimpse, bytes]:
        letter = await service.desk.letter(id, EVERYTHING)
        [seen] = await service.desk.glimpses([letter], EVERYTHING)
        if letter.raw:
            return letter, seen, await service.desk.fetch(letter.raw)
        [event] = await service.desk.events(letter.conversation, EVERYTHING, after=letter.seq - 1, limit=1)
        return letter, seen, str(getattr(event.fact, "text", "")).encode()

    letter, seen, content = with_service(file, work)
    if raw:
        click.echo(content, nl=False)
        return
    for title, text in _described(letter, seen):
        click.secho(f"{title:<14}", bold=True, nl=False)
        click.echo(_printable(text.encode()))
    click.echo()
    click.echo(_printable(content))


@command.command("retry")
@file_and_more
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are there.")
def retry(file: Path, ids: tuple[str, ...], everything: bool) -> None:
    """Read the letters IDS again, or send them again.

    What may have arrived already is sent a second time: the far side may then have it twice.
    """
    _handle(file, ids, everything, "tried again", lambda service, id: service.desk.retry(id, ACTOR, scope=EVERYTHING))


@command.command("drop")
@file_and_more
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(file: Path, ids: tuple[str, ...], everything: bool, yes: bool) -> None:
    """Let go of the letters IDS for good; what they are about stays in the log."""
    if everything and not yes:
        click.confirm("Drop every dead letter?", abort=True)
    _handle(file, ids, everything, "dropped", lambda service, id: service.desk.drop(id, ACTOR, scope=EVERYTHING))


async def _all(service: Service) -> list[Letter]:
    found = page = await service.desk.letters(EVERYTHING, limit=PAGE)
    while len(page) == PAGE:
        page = await service.desk.letters(EVERYTHING, after=page[-1].id, limit=PAGE)
        found = found + page
    return found


def _handle(
    file: Path, ids: Sequence[str], everything: bool, done: str, act: Callable[[Service, str], Awaitable[None]]
) -> None:
    """Do *act* to each letter; one that fails stays, is named at the end, and stops none of the others."""
    if bool(ids) == everything:
        raise click.UsageError("name the letters, or give --all")
    faults: list[str] = []

    async def work(service: Service) -> int:
        wanted = [letter.id for letter in await _all(service)] if everything else list(dict.fromkeys(ids))
        with click.progressbar(wanted, label="Dead letters", hidden=len(wanted) < 10) as shown:
            for id in shown:
                try:
                    await act(service, id)
                except CarekitError as error:
                    faults.append(str(error))
        return len(wanted)

    count = with_service(file, work)
    click.echo(f"{count - len(faults)} of {count} {done}")
    if faults:
        raise Refused("\n  ".join(["these stay as they are:", *faults]))


def _described(letter: Letter, seen: Glimpse) -> list[tuple[str, str]]:
    where = f"step {letter.seq} of conversation {letter.conversation}" if letter.conversation else letter.key
    told = [("from", seen.sender), ("to", seen.to), ("subject", seen.subject)]
    return [
        ("letter", letter.id),
        ("channel", letter.channel),
        ("since", f"{iso(letter.at, 'seconds')} UTC"),
        ("what", f"{KINDS[letter.kind]}: {letter.error}"),
        ("which", where),
        *((title, text) for title, text in told if text),
        *([("attempts", str(letter.attempts))] if letter.attempts else []),
    ]


def _printable(content: bytes) -> str:
    return printable(content.decode("utf-8", "replace").replace("\r\n", "\n"), keep="\n\t")
