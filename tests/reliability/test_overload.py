"""More comes than can be written: it is turned away in so many words, memory stays as it is, and it goes on at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2

from tests.acceptance._shop import plugin, until
from tests.reliability._clients import Chat, Client, Load, Mail, Webhook, series
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import FULL, few
from tests.reliability._site import Site
from tests.reliability._strace import fault, require_strace

CLIENTS = {"webhook": (Webhook, 40), "chat": (Chat, 10), "mail": (Mail, 10)}
REFUSED = {"webhook": "503", "chat": "busy", "mail": "451"}
NARROW = """
from carekit.service import writer

writer.LARGEST, writer.WAITING = 4, 8
"""
"""As many clients as a test can have must be too many."""
SLOW = "delay_enter=100000"
"""A disk that takes a tenth of a second longer for each time that something is made durable."""
GROWTH = 24 * 2**20
"""Octets by which a process may grow while it is asked for too much."""


def test_too_much_at_once(tmp_path: Path, nursery: Nursery) -> None:
    """Sixty clients want several times what a slow disk can take: what is acknowledged is kept, once; the others are
    asked to come again; the process does not grow; and when the disk is quick again, everybody is served."""
    require_strace()
    site = Site(tmp_path, nursery)
    site.paths = [plugin(tmp_path / "narrow", "narrow", NARROW)]
    ledgers = {name: Ledger(f"too much at once, {name}") for name in CLIENTS}
    with site:
        assert site.process is not None
        clients = {name: [kind(site) for _ in range(many)] for name, (kind, many) in CLIENTS.items()}
        load = Load()
        with fault(site.process, "fdatasync", SLOW):
            for name, some in clients.items():
                for number, client in enumerate(some):
                    load.add(client, series(f"{name}-{number}"), ledgers[name])
            until(lambda: refused(clients, "webhook") > 10, "the first to be turned away")
            before = memory(site.process.pid)
            assert told_when(site) >= 1
            time.sleep(few(8, 120))
            grown = memory(site.process.pid) - before
        acked = {name: len(ledger.acked) for name, ledger in ledgers.items()}
        until(lambda: all(len(ledgers[n].acked) > acked[n] + 5 for n in CLIENTS), "everybody to get on")
        load.finish(stop=True)
        found = site.texts()
        for name, ledger in ledgers.items():
            mine = [text for text in found if text.startswith(name)]
            ledger.settle(mine, refused=refused(clients, name), grown_kib=grown // 1024)
        assert grown < GROWTH * (2 if FULL else 1)
        assert site.starts == 1


def refused(clients: Mapping[str, Sequence[Client]], name: str) -> int:
    """How often those of one kind were turned away."""
    return sum(client.answers[REFUSED[name]] for client in clients[name])


def told_when(site: Site) -> int:
    """After how many seconds somebody who is turned away shall come again."""
    with httpx2.Client() as http:
        while True:
            body = {"id": "w", "sender": "w", "text": "somebody else"}
            answer = http.post(f"{site.url}/channels/loop/inbound", json=body)
            if answer.status_code == 503:
                assert answer.headers["content-type"] == "application/problem+json"
                return int(answer.headers["retry-after"])


def memory(process: int) -> int:
    """Octets that are in use."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096
