"""Killed at every durable system call of every way in and out: what was acknowledged is there, and once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carekit.testing import free_port
from tests.acceptance._shop import until
from tests.reliability._careless import careless
from tests.reliability._clients import Chat, Mail, Notes, Replies, Webhook, begun
from tests.reliability._far import MailServer
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import FULL, points
from tests.reliability._site import Site
from tests.reliability._strace import ANSWERS, DURABLE, fault, require_strace
from tests.reliability._sweep import Sweep


@pytest.fixture
def far() -> Iterator[MailServer]:
    """Where mail goes to."""
    far = MailServer(free_port())
    yield far
    far.close()


@pytest.fixture(autouse=True)
def _strace() -> None:
    require_strace()


@pytest.fixture
def site(tmp_path: Path, nursery: Nursery) -> Iterator[Site]:
    """A desk on SQLite that answers mail by files."""
    with Site(tmp_path, nursery) as site:
        yield site


def test_mail(site: Site) -> None:
    """A mail answered with 250 over LMTP is kept once, whatever call the process was killed at."""
    ledger = Ledger("killed at each call, mail")
    sweep = Sweep(site, Mail(site), ledger)
    sweep.run(*DURABLE, *ANSWERS)
    ledger.settle(site.texts(), kills=sweep.kills)


def test_chat(site: Site) -> None:
    """A chat message that got its ack is kept once, and so is one that was sent again for want of an ack."""
    ledger = Ledger("killed at each call, chat")
    sweep = Sweep(site, Chat(site), ledger)
    sweep.run(*DURABLE, *ANSWERS)
    ledger.settle(site.texts(), kills=sweep.kills)


def test_webhook(site: Site) -> None:
    """What a far side posted and heard 202 for is kept once."""
    ledger = Ledger("killed at each call, webhook")
    sweep = Sweep(site, Webhook(site), ledger)
    sweep.run(*DURABLE, *ANSWERS)
    ledger.settle(site.texts(), kills=sweep.kills)


def test_api(site: Site) -> None:
    """A note written by the API under a key is kept once, however often the request was repeated."""
    ledger = Ledger("killed at each call, API write")
    sweep = Sweep(site, Notes(begun(site), site), ledger)
    sweep.run(*DURABLE, *ANSWERS)
    ledger.settle(site.texts("note_added"), kills=sweep.kills)


def test_outbox(tmp_path: Path, nursery: Nursery, far: MailServer) -> None:
    """An answer reaches the mail server once, or is shown as unsure; it is never sent a second time."""
    ledger = Ledger("killed at each call, outbox")
    with Site(tmp_path, nursery, far.settings) as site:
        client = Replies(begun(site), site)
        sweep = Sweep(site, client, ledger, rest=lambda: not site.jobs())
        sweep.run("fdatasync", "pwrite64", *ANSWERS)
        until(lambda: not site.waiting(), "an outcome of every message")
        unsure = site.unsure()
        ledger.settle(far.texts, besides=unsure, kills=sweep.kills, unsure=len(unsure))
        assert sorted(site.texts("message_sent")) == sorted(ledger.acked)


def test_the_first_start(tmp_path: Path, nursery: Nursery) -> None:
    """A process killed while it makes its tables and its first agent is started again, and nothing is missing."""
    ledger = Ledger("killed at each call, first start")
    for call in DURABLE if FULL else ("fdatasync", "pwrite64"):
        for number in points(call, apart=100):
            folder = tmp_path / f"{call}-{number}"
            folder.mkdir()
            site = Site(folder, nursery)
            if not _struck_at_start(site, call, number):
                break
            key = f"{call}-{number}"
            ledger.offer(key)
            site.start()
            assert [agent["id"] for agent in site.get("agents")["items"]] == ["lena"]
            ledger.ack(key)
            site.stop()
            site.close()
    ledger.settle(ledger.acked, kills=len(ledger.acked))


def _struck_at_start(site: Site, call: str, number: int) -> bool:
    """Whether a site died at its start by the *number*-th *call*; if not, it is stopped."""
    site.start(wait=False, stopped=True)
    assert site.process is not None
    with fault(site.process, call, "signal=KILL", when=str(number)):
        site.process.signal(signal.SIGCONT)
        until(lambda: not site.process.alive or site.ready(), "the service to start or to die")
        died = not site.process.alive
    if not died:
        site.close()
    return died


# --- what must be caught


@pytest.mark.parametrize(("kind", "path"), [("hasty", "hasty"), ("forgetful", "inbound")])
def test_a_careless_channel_is_caught(tmp_path: Path, nursery: Nursery, kind: str, path: str) -> None:
    """The same sweep finds a channel that acknowledges before the commit, and one that does not know a repetition."""
    ledger = Ledger(f"must fail: {kind} channel")
    site = Site(tmp_path, nursery, lambda table: table["channels"].update(loop={"use": kind}))
    site.paths = [careless(tmp_path)]
    with site:
        sweep = Sweep(site, Webhook(site, path=path), ledger, rest=lambda: time.sleep(0.2) is None)
        sweep.run("pwrite64", "write")
        balance = ledger.balance(site.texts())
        ledger.tell(balance, kills=sweep.kills)
    assert balance.lost if kind == "hasty" else balance.duplicated
