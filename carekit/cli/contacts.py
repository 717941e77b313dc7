"""``carekit contacts``: who has written, and how to let go of them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from carekit.cli.common import counted, file_and_more, file_argument, printable, with_service
from carekit.facts.codec import to_builtins
from carekit.facts.nouns import Contact
from carekit.ground.errors import CarekitError, Refused
from carekit.seams.desk import Erased
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING
from carekit.service.service import Service

PAGE = 200
ACTOR = "operator"
"""Who erases on the command line."""
SHOWN = 50
"""Digests that are named one by one."""


@click.group("contacts")
def command() -> None:
    """List contacts, and erase those who want to be forgotten."""


@command.command("list")
@file_argument
@click.option("--find", default="", help="Only those whose id, name or address holds this text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_contacts(file: Path, find: str, as_json: bool) -> None:
    """List them all, with id, name and addresses."""

    async def work(service: Service) -> list[Contact]:
        found, cursor = await service.desk.contacts(EVERYTHING, limit=PAGE)
        while cursor:
            page, cursor = await service.desk.contacts(EVERYTHING, cursor=cursor, limit=PAGE)
            found = found + page
        return [contact for contact in found if _holds(contact, find)]

    contacts = with_service(file, work)
    if as_json:
        click.echo(json.dumps([to_builtins(contact) for contact in contacts], indent=2))
        return
    if not contacts:
        click.echo(f"no contact holds {find!r}" if find else "there are no contacts")
    for contact in contacts:
        click.secho(contact.id, bold=True, nl=False)
        click.echo(printable(f"  {contact.name or '(no name)'}  {', '.join(contact.addresses)}"))


@command.command("erase")
@file_and_more
@click.argument("ids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(file: Path, ids: tuple[str, ...], yes: bool) -> None:
    """Erase the contacts IDS with all that they and we said: conversations, attachments, raw mail, dead letters.

    This cannot be undone, and a backup that is restored later does not bring them back. What reports have counted
    stays. The service may be running meanwhile.
    """
    faults: list[str] = []

    async def work(service: Service) -> list[Erased]:
        erased = []
        with click.progressbar(dict.fromkeys(ids), label="Contacts", hidden=len(ids) < 10) as shown:
            for id in shown:
                try:
                    if yes or await _asked(service, id):
                        erased.append(await service.desk.erase(id, ACTOR, scope=EVERYTHING))
                except CarekitError as error:
                    faults.append(str(error))
        return erased

    for one in with_service(file, work):
        click.echo(f"erased {one.contact} with {counted(one.conversations, 'conversation')}")
        _tell_left(one)
    if faults:
        raise Refused("\n  ".join(["these could not be erased:", *faults]))


async def _asked(service: Service, id: str) -> bool:
    contact = await service.desk.contact(id, EVERYTHING)
    count = await service.desk.count(Query(contact=id), EVERYTHING)
    who = printable(f"{contact.name or id} ({', '.join(contact.addresses)})")
    return click.confirm(f"Erase {who} with {counted(count, 'conversation')}?")


def _tell_left(erased: Erased) -> None:
    if not erased.left:
        return
    files = counted(len(erased.left), "file")
    click.echo(
        f"  {files} of theirs stay for now, because the same may be coming from somebody else at this moment; a folder"
        " is tidied once a day, elsewhere remove:"
    )
    for digest in erased.left[:SHOWN]:
        click.echo(f"  {digest}")
    if len(erased.left) > SHOWN:
        click.echo(f"  … and {len(erased.left) - SHOWN:,} more")


def _holds(contact: Contact, text: str) -> bool:
    return any(text.casefold() in one.casefold() for one in (contact.id, contact.name, *contact.addresses))
