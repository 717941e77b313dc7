"""``carekit contacts``: who there is, and letting go of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from carekit.facts.nouns import Address, Contact, Inbound
from carekit.seams.scope import EVERYTHING
from carekit.service.opening import ServiceFiles
from tests.unit.cli.conftest import Run


def written(file: Path, *senders: str) -> list[str]:
    """The ids of contacts who have written a message each."""

    async def work() -> list[str]:
        ids = []
        async with ServiceFiles().open(file) as service:
            for sender in senders:
                address = Address("loopback", sender, sender.title())
                raw = await service.desk.keep(sender.encode())
                inbound = Inbound("loop", f"m-{sender}", address, "hello", thread=(sender,), keys=(sender,), raw=raw)
                ids.append((await service.desk.receive(inbound)).contact)
        return ids

    return asyncio.run(work())


def there(file: Path) -> list[Contact]:
    async def work() -> list[Contact]:
        async with ServiceFiles().open(file) as service:
            return (await service.desk.contacts(EVERYTHING))[0]

    return asyncio.run(work())


def test_without_contacts_it_says_so(cli: Run, lasting: Path) -> None:
    """A sentence, and an empty array in JSON."""
    assert cli("contacts", "list", lasting).output == "there are no contacts\n"
    assert json.loads(cli("contacts", "list", lasting, "--json").output) == []


def test_the_list_has_ids_names_and_addresses(cli: Run, lasting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each, all pages of them, and only those who match."""
    monkeypatch.setattr("carekit.cli.contacts.PAGE", 2)
    written(lasting, "ana", "ben", "cem")
    lines = cli("contacts", "list", lasting).output.splitlines()
    assert len(lines) == 3
    [line] = cli("contacts", "list", lasting, "--find", "BEN").output.splitlines()
    assert line.endswith("  Ben  loopback:ben")
    assert cli("contacts", "list", lasting, "--find", "dora").output == "no contact holds 'dora'\n"
    assert {one["name"] for one in json.loads(cli("contacts", "list", lasting, "--json").output)} == {
        "Ana", "Ben", "Cem",
    }  # fmt: skip


def test_nobody_is_erased_unasked(cli: Run, lasting: Path) -> None:
    """The question says who it is and how much goes; No leaves everything as it is."""
    [ana] = written(lasting, "ana")
    asked = cli("contacts", "erase", lasting, ana, typed="n\n")
    assert "Erase Ana (loopback:ana) with 1 conversation? [y/N]" in asked.output
    assert len(there(lasting)) == 1
    assert f"erased {ana} with 1 conversation" in cli("contacts", "erase", lasting, ana, typed="y\n").output
    assert there(lasting) == []


def test_bytes_that_stay_are_named(cli: Run, lasting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept within the last day is left to the tidying, and told, the first of them by digest."""
    monkeypatch.setattr("carekit.cli.contacts.SHOWN", 0)
    [ana] = written(lasting, "ana")
    output = cli("contacts", "erase", lasting, ana, "--yes").output
    assert "1 file of theirs stay for now" in output
    assert "… and 1 more" in output


def test_one_who_is_not_there_stops_no_other(cli: Run, lasting: Path) -> None:
    """The others go; the exit code and the last lines say who could not."""
    [ana] = written(lasting, "ana")
    result = cli("contacts", "erase", lasting, "nobody", ana, "--yes")
    assert result.exit_code == 1
    assert f"erased {ana} with 1 conversation" in result.output
    assert "there is no contact 'nobody'" in result.output
    assert there(lasting) == []
