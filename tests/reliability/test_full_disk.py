"""A disk that is full, and one that fails: clean answers, nothing half-written, and on by itself when it is well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance._shop import until
from tests.reliability._clients import Chat, Load, Mail, Webhook, keys, series
from tests.reliability._disk import Disk
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import few
from tests.reliability._site import Site
from tests.reliability._strace import fault, require_strace

KINDS = {"webhook": Webhook, "chat": Chat, "mail": Mail}
REFUSED = {"webhook": "503", "chat": "busy", "mail": "451"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of the test's own."""
    disk = Disk(tmp_path, "24M")
    yield disk
    disk.unplug()


def test_full_disk(tmp_path: Path, nursery: Nursery, disk: Disk) -> None:
    """Everybody is asked to come again, what is there can be read, and with room the same process takes it all."""
    site = Site(disk.place, nursery)
    site.log = tmp_path / "serve.log"
    ledgers = {name: Ledger(f"disk full, {name}") for name in KINDS}
    clients = {name: kind(site) for name, kind in KINDS.items()}
    with site:
        load = Load()
        for name, client in clients.items():
            load.add(client, series(name), ledgers[name])
        for _ in range(few(1, 10)):
            until(lambda: all(ledger.acked for ledger in ledgers.values()), "the first messages")
            before = {name: clients[name].answers[REFUSED[name]] for name in KINDS}
            disk.fill()
            until(lambda: all(clients[n].answers[REFUSED[n]] > before[n] + 1 for n in KINDS), "refusals")  # noqa: B023
            assert set(ledgers["webhook"].acked) <= set(site.texts())
            disk.free()
            acked = {name: len(ledger.acked) for name, ledger in ledgers.items()}
            until(lambda: all(len(ledgers[n].acked) > acked[n] + 2 for n in KINDS), "everybody to get on")  # noqa: B023
        load.finish(stop=True)
        assert site.starts == 1
        for name, client in clients.items():
            found = [text for text in site.texts() if text.startswith(name)]
            ledgers[name].settle(found, refused=client.answers[REFUSED[name]])
            assert set(client.answers) == {REFUSED[name], {"webhook": "202", "chat": "ack", "mail": "250"}[name]}
    assert not list((disk.place / "data").rglob(".*.*"))


@pytest.mark.parametrize("call", ["fsync", "fdatasync"])
def test_a_disk_that_fails(tmp_path: Path, nursery: Nursery, call: str) -> None:
    """A message whose write could not be made lasting is not acknowledged; sent again, it is kept once."""
    require_strace()
    ledgers = {name: Ledger(f"{call} fails, {name}") for name in KINDS}
    failures = dict.fromkeys(KINDS, 0)
    with Site(tmp_path, nursery) as site:
        assert site.process is not None
        for name, kind in KINDS.items():
            client = kind(site)
            for number in range(1, few(3, 12)):
                with fault(site.process, call, "error=EIO", when=str(number)):
                    client.deliver(keys(f"{name}-{call}{number}", 3), ledgers[name])
            failures[name] = client.answers[REFUSED[name]]
        assert failures["mail"]
        site.kill()
        site.start()
        found = site.texts()
        for name in KINDS:
            ledgers[name].settle([text for text in found if text.startswith(name)], failures=failures[name])
