"""Mailboxes of a real Dovecot, read by a desk that is killed: every mail is fetched once, and in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance._shop import until
from tests.reliability._careless import careless
from tests.reliability._clients import Load, series
from tests.reliability._ledger import Ledger
from tests.reliability._mailboxes import SENDING, Fetched, Mailbox, Post, often, servers
from tests.reliability._nursery import Nursery
from tests.reliability._scale import FULL, chance, few
from tests.reliability._site import Site, Table
from tests.reliability._strace import DURABLE, require_strace
from tests.reliability._sweep import Sweep

POP3 = pytest.mark.require("/usr/lib/dovecot/pop3", "apt-get install dovecot-pop3d")
WAYS = [("imap", False), pytest.param("pop3", False, marks=POP3)]
if FULL:
    WAYS.append(pytest.param("pop3", True, marks=POP3))
CALLS = (*DURABLE, *SENDING) if FULL else ("fdatasync", "pwrite64", *SENDING)
Make = Callable[..., Mailbox]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Any]:
    with servers.running_dovecot() as server:
        yield server


@pytest.fixture
def mailbox(dovecot: Any, request: pytest.FixtureRequest) -> Make:
    """Makes mailboxes that no other test has."""
    test = request.node.name.partition("[")[0].replace("_", "-")

    def make(protocol: str, *, keep: bool = False) -> Mailbox:
        return Mailbox(dovecot, f"{protocol}{'-kept' if keep else ''}-{test}@mailbox.example", protocol, keep=keep)

    return make


def _site(folder: Path, nursery: Nursery, *mailboxes: Mailbox, use: str = "email") -> Site:
    """A desk that reads *mailboxes*."""

    def edit(table: Table) -> None:
        table["channels"]["mail"]["use"] = use
        for mailbox in mailboxes:
            mailbox.settings(table)

    site = Site(folder, nursery, edit)
    site.paths = [often(folder), careless(folder)]
    return site


@pytest.mark.parametrize(("protocol", "keep"), WAYS)
def test_killed_at_each_call(tmp_path: Path, nursery: Nursery, mailbox: Make, protocol: str, keep: bool) -> None:
    """What Dovecot has is fetched once, whatever call the process was killed at; what is to stay there does."""
    require_strace()
    box = mailbox(protocol, keep=keep)
    ledger = Ledger(f"killed at each call, {protocol.upper()}{' that keeps' if keep else ''}")
    with _site(tmp_path, nursery, box) as site:
        rest = (lambda: not site.jobs()) if box.keeps else lambda: not box.texts()
        sweep = Sweep(site, Fetched(site, box), ledger, rest=rest)
        sweep.run(*CALLS, at=(1, 4))
        until(rest, "what follows the last mail")
        ledger.settle(site.texts(), kills=sweep.kills)
    assert sorted(box.texts()) == (sorted(ledger.offered) if box.keeps else [])


@POP3
def test_killed_at_random_under_load(tmp_path: Path, nursery: Nursery, mailbox: Make) -> None:
    """However often it is killed, all that Dovecot was given is in the desk once, in the mailbox's order."""
    random, kills = chance("mailboxes"), few(3, 100)
    boxes = {"imap": mailbox("imap"), "pop3": mailbox("pop3"), "kept": mailbox("pop3", keep=True)}
    ledgers = {name: Ledger(f"killed under load, mailbox {name}") for name in boxes}
    with _site(tmp_path, nursery, *boxes.values()) as site:
        load = Load()
        for name, box in boxes.items():
            load.add(Post(site, box), series(name, pause=0.1), ledgers[name])
        for _ in range(kills):
            time.sleep(random.uniform(0.1, 1.0))
            site.kill()
            site.start()
        load.finish(stop=True)
        _fetched(site, set().union(*(ledger.acked for ledger in ledgers.values())))
        found = site.texts()
        for name, ledger in ledgers.items():
            mine = [text for text in found if text.startswith(name)]
            ledger.settle(mine, kills=kills)
            assert ledger.acked
            if boxes[name].keeps:
                assert mine == list(dict.fromkeys(boxes[name].numbered()))


def _fetched(site: Site, given: set[str]) -> None:
    """Wait until nothing more is fetched; what is missing then is for the ledgers to tell."""
    deadline = time.monotonic() + few(30, 120)
    while not given <= set(site.texts()) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)


# --- what must be caught


@pytest.mark.parametrize(("kind", "protocol"), [("hasty", "imap"), pytest.param("forgetful", "pop3", marks=POP3)])
def test_a_careless_mailbox_is_caught(
    tmp_path: Path, nursery: Nursery, mailbox: Make, kind: str, protocol: str
) -> None:
    """The sweep finds a mark that is moved before the mail is kept, and a desk that does not know a mail again."""
    require_strace()
    box, ledger = mailbox(protocol), Ledger(f"must fail: {kind} mailbox")
    with _site(tmp_path, nursery, box, use=f"{kind}-mailbox") as site:
        client = Post(site, box)
        sweep = Sweep(site, client, ledger, rest=lambda: site.has(client.latest))
        sweep.run("fdatasync", at=(1, 2, 3))
        Fetched(site, box).deliver(["last-000000"], ledger)  # what is not there before it does not come any more
        balance = ledger.balance(site.texts())
        ledger.tell(balance, kills=sweep.kills)
    assert balance.lost if kind == "hasty" else balance.duplicated
