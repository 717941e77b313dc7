"""The power fails under load: what was acknowledged had reached the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance._shop import until
from tests.reliability._careless import careless
from tests.reliability._clients import Chat, Load, Mail, Webhook, series
from tests.reliability._disk import Disk
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import chance, few
from tests.reliability._site import Site

KINDS = {"webhook": Webhook, "chat": Chat, "mail": Mail}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of the test's own."""
    disk = Disk(tmp_path)
    yield disk
    disk.unplug()


def _site(disk: Disk, nursery: Nursery, tmp_path: Path) -> Site:
    """A desk on *disk*, whose log is elsewhere."""
    site = Site(disk.place, nursery)
    site.log = tmp_path / "serve.log"
    disk.settle()
    return site


def _cut(disk: Disk, site: Site) -> None:
    """The power fails, and comes back."""
    disk.cut()
    site.kill()
    disk.unplug()
    disk.plug()
    site.start()


def test_power_cuts_under_load(tmp_path: Path, nursery: Nursery, disk: Disk) -> None:
    """Every message acknowledged over HTTP, chat or LMTP is there after each cut, and so are the bytes of the mail."""
    random, cuts = chance("power"), few(4, 100)
    ledgers = {name: Ledger(f"power cut, {name}") for name in KINDS}
    with _site(disk, nursery, tmp_path) as site:
        load = Load()
        for name, kind in KINDS.items():
            load.add(kind(site), series(name), ledgers[name])
        for _ in range(cuts):
            time.sleep(random.uniform(0.5, 1.5))
            on = [ledger.more() for ledger in ledgers.values()]
            _cut(disk, site)
            until(lambda: all(more() for more in on), "every client to get on")  # noqa: B023
        load.finish(stop=True)
        events = site.events("message_received")
        for name in KINDS:
            texts = [event["fact"]["text"].strip() for event in events]
            ledgers[name].settle([text for text in texts if text.startswith(name)], cuts=cuts)
        raw = {event["fact"]["raw"] for event in events if event["fact"].get("raw")}
        missing = [digest for digest in raw if not (disk.place / "data" / "blobs" / digest[:2] / digest).exists()]
        assert raw
        assert not missing


def test_a_store_that_does_not_wait_for_the_disk_is_caught(tmp_path: Path, nursery: Nursery, disk: Disk) -> None:
    """The same cut finds what SQLite loses with synchronous = NORMAL."""
    ledger = Ledger("must fail: power cut, synchronous = NORMAL")
    site = _site(disk, nursery, tmp_path)
    site.file.write_text(site.file.read_text("utf-8").replace('"use" = "sql"', '"use" = "lax"'), "utf-8")
    site.paths = [careless(tmp_path)]
    disk.settle()
    with site:
        disk.settle()
        Webhook(site).deliver([f"webhook-{number}" for number in range(50)], ledger)
        _cut(disk, site)
        balance = ledger.balance(site.texts())
        ledger.tell(balance, cuts=1)
    assert balance.lost
