"""Texts through a real Kannel, to and from a desk that is killed: in once, out at most once or unsure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.acceptance._shop import until
from tests.reliability._careless import careless
from tests.reliability._clients import Load, series
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import FULL, chance, few
from tests.reliability._site import Site
from tests.reliability._strace import ANSWERS, DURABLE, require_strace
from tests.reliability._sweep import Sweep
from tests.reliability._texts import AGAIN, Gateway, Posted, Texter, answers, gateway

pytestmark = [
    pytest.mark.require("bearerbox", gateway.REMEDY),
    pytest.mark.require(gateway.FAKESMSC, gateway.REMEDY),
]


def test_texts_in_killed_at_each_call(tmp_path: Path, nursery: Nursery) -> None:
    """A text is kept once, whatever call the process was killed at; Kannel posts it until it hears 200."""
    require_strace()
    ledger, kannel = Ledger("killed at each call, text in"), Gateway(tmp_path)
    with Site(tmp_path, nursery, kannel.settings) as site, kannel:
        sweep = Sweep(site, Posted(site, kannel), ledger, rest=lambda: not site.jobs())
        sweep.run(*(DURABLE if FULL else ("fdatasync", "pwrite64")), *ANSWERS, at=(1,))
        time.sleep(2 * AGAIN)
        ledger.settle(site.texts(), kills=sweep.kills)


def test_texts_out_killed_at_each_call(tmp_path: Path, nursery: Nursery) -> None:
    """An answer reaches the phone once, or is shown as unsure; Kannel is never asked a second time."""
    require_strace()
    ledger, kannel = Ledger("killed at each call, text out"), Gateway(tmp_path)
    with Site(tmp_path, nursery, kannel.settings) as site, kannel:
        sweep = Sweep(site, answers(site, kannel), ledger, rest=lambda: not site.jobs())
        sweep.run("fdatasync", "pwrite64", *ANSWERS, at=(3,))
        _settle_answers(site, kannel, ledger, sweep.kills)
        assert sorted(site.texts("message_sent")) == sorted(ledger.acked)


def test_killed_at_random_under_load(tmp_path: Path, nursery: Nursery) -> None:
    """However often it is killed, every text is kept once, and every answer is on the phone once or unsure."""
    random, kills = chance("texts"), few(3, 100)
    kannel, texts, out = Gateway(tmp_path), Ledger("killed under load, text in"), Ledger("killed under load, text out")
    with Site(tmp_path, nursery, kannel.settings) as site, kannel:
        replies, load = answers(site, kannel), Load()
        for number in range(2):
            load.add(Texter(site, kannel), series(f"text{number}", pause=0.1), texts)
        load.add(replies, series("answer", pause=0.1), out)
        for _ in range(kills):
            time.sleep(random.uniform(0.1, 1.0))
            site.kill()
            site.start()
        time.sleep(0.5)
        load.finish(stop=True)
        _posted(site, texts.acked)
        texts.settle([text for text in site.texts() if text.startswith("text")], kills=kills)
        _settle_answers(site, kannel, out, kills)
        assert texts.acked
        assert out.acked


def _posted(site: Site, given: set[str]) -> None:
    """Wait until nothing more is posted; what is missing then is for the ledger to tell."""
    deadline = time.monotonic() + few(30, 120)
    while not given <= set(site.texts()) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2 * AGAIN)


def _settle_answers(site: Site, kannel: Gateway, ledger: Ledger, kills: int) -> None:
    until(lambda: not site.waiting(), "an outcome of every answer")
    kannel.settle(ledger.acked - set(site.unsure()))
    unsure = site.unsure()
    ledger.settle(kannel.texts, besides=unsure, kills=kills, unsure=len(unsure))


# --- what must be caught


@pytest.mark.parametrize(
    ("kind", "call"), [("hasty", "pwrite64"), ("forgetful", "fdatasync"), ("insistent", "pwrite64")]
)
def test_careless_texts_are_caught(tmp_path: Path, nursery: Nursery, kind: str, call: str) -> None:
    """The sweep finds a desk that says 200 before it keeps, one that knows no text again, and one that sends again."""
    require_strace()
    ledger, kannel = Ledger(f"must fail: {kind} texts"), Gateway(tmp_path, use=f"{kind}-texts")
    site = Site(tmp_path, nursery, kannel.settings)
    site.paths = [careless(tmp_path)]
    with site, kannel:
        client = answers(site, kannel) if kind == "insistent" else Texter(site, kannel)
        sweep = Sweep(site, client, ledger, rest=lambda: time.sleep(1) is None)
        sweep.run(call, at=(1, 2))
        time.sleep(3 * AGAIN)
        balance = ledger.balance(kannel.texts if kind == "insistent" else site.texts())
        ledger.tell(balance, kills=sweep.kills)
    assert balance.lost if kind == "hasty" else balance.duplicated
