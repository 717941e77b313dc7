"""Who was erased is gone, whenever the process was killed over it, and whatever is restored afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import httpx2
import pytest

from tests.acceptance._shop import until
from tests.reliability._clients import Client, keys
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import few
from tests.reliability._site import Site
from tests.reliability._strace import ANSWERS, DURABLE, require_strace
from tests.reliability._sweep import Sweep


class Erasures(Client):
    """A program that erases contacts; 200 acknowledges, and so does 404: they are gone already."""

    def __init__(self, site: Site, many: int) -> None:
        super().__init__(site)
        wanted = islice((key for number in count() for key in keys(f"sender{number}", 2)), many)
        self.ids = {key: written(site, key) for key in wanted}

    def attempt(self, key: str) -> bool:
        answer = self.site.http.post(f"/api/v1/contacts/{self.ids[key]}/erase", json={})
        self.answers[str(answer.status_code)] += 1
        assert answer.status_code in (200, 404, 500, 503), answer.text
        return answer.status_code in (200, 404)

    def erased(self) -> Iterator[str]:
        """Each that the log tells of."""
        names = {id: key for key, id in self.ids.items()}
        return (names[event["fact"]["contact"]] for event in self.site.events("contact_erased"))


def written(site: Site, sender: str) -> str:
    """The id of a contact who has written something."""
    body = {"id": sender, "sender": sender, "text": f"I am {sender}"}
    answer = httpx2.post(f"{site.url}/channels/loop/inbound", json=body)
    assert answer.is_success, answer.text
    return next(one["id"] for one in contacts(site) if f"loopback:{sender}" in one["addresses"])


def contacts(site: Site) -> list[dict[str, str]]:
    """All contacts there are."""
    found: list[dict[str, str]] = []
    page = site.get("contacts", limit=200)
    found += page["items"]
    while page["cursor"]:
        page = site.get("contacts", limit=200, cursor=page["cursor"])
        found += page["items"]
    return found


@pytest.fixture
def site(tmp_path: Path, nursery: Nursery) -> Iterator[Site]:
    """A desk on SQLite."""
    with Site(tmp_path, nursery) as site:
        yield site


def test_killed_at_each_call(site: Site) -> None:
    """An erasure that was acknowledged holds, one that broke off is ended, and nobody else is touched."""
    require_strace()
    ledger = Ledger("killed at each call, erasing")
    client = Erasures(site, few(12, 120))
    sweep = Sweep(site, client, ledger)
    sweep.run(*DURABLE, *ANSWERS, at=(1, 2))
    ledger.settle(client.erased(), kills=sweep.kills)
    left = {one["id"] for one in contacts(site)}
    assert left == {id for key, id in client.ids.items() if key not in ledger.acked}
    assert not [text for text in site.texts() if text.removeprefix("I am ") in ledger.acked]


def test_restored_from_before(site: Site) -> None:
    """A database from before the erasure brings nobody back for longer than the start takes."""
    client = Erasures(site, 4)
    first, second, *others = client.ids
    site.stop()
    shutil.copytree(site.folder, site.folder.parent / "before", dirs_exist_ok=True)
    site.start()
    assert client.attempt(first)
    assert client.attempt(second)
    site.stop()
    for path in site.folder.glob("care.db*"):
        path.unlink()
    shutil.copy(site.folder.parent / "before" / "care.db", site.folder)
    site.start()
    until(lambda: len(contacts(site)) == len(others), "those who were erased to be gone again")
    assert {one["id"] for one in contacts(site)} == {client.ids[key] for key in others}
    assert sorted(client.erased()) == sorted([first, second])
