"""A worker that stands still for longer than its lease: another one takes over, and the woken one does nothing more."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from carekit.testing import free_port
from tests.acceptance._shop import until
from tests.reliability._clients import Mail, Replies
from tests.reliability._far import MailServer
from tests.reliability._hurried import hurried
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._servers import Postgres
from tests.reliability._site import Site, Table


@attrs.frozen
class Desk:
    """One process that answers, two that work, and the far side of what they send."""

    web: Site
    workers: tuple[Site, Site]
    far: MailServer


@pytest.fixture
def desk(tmp_path: Path, nursery: Nursery) -> Iterator[Desk]:
    """A desk on PostgreSQL whose second worker has not been started yet."""
    postgres, far = Postgres(), MailServer(free_port())

    def edit(table: Table) -> None:
        postgres.settings(table)
        far.settings(table)

    web = Site(tmp_path, nursery, edit)
    first, second = Site(tmp_path, nursery, peer=web), Site(tmp_path, nursery, peer=web)
    paths = hurried(tmp_path)
    for site, role in ((web, "web"), (first, "worker"), (second, "worker")):
        site.arguments, site.paths = ["--role", role], paths
    try:
        web.start()
        first.start()
        yield Desk(web, (first, second), far)
        for site in (web, first, second):
            site.stop()
    finally:
        for site in (web, first, second):
            site.close()
        far.close()
        postgres.close()


def test_the_far_side_gets_each_answer_once(desk: Desk) -> None:
    """What it was sending is unsure, what waited goes out by the other; the woken one sends and notes nothing twice."""
    web, (first, second), far = desk.web, desk.workers, desk.far
    ledger = Ledger("frozen worker, answers")
    keys = [f"answer-{number}" for number in range(40)]
    for number, conversation in enumerate(_conversations(desk, len(keys))):
        if number == 0:
            far.gate.clear()
        Replies(conversation, web).deliver([keys[number]], ledger)
    until(lambda: far.held >= 4, "mails under way")
    under_way = set(far.texts)
    assert first.process is not None
    first.process.signal(signal.SIGSTOP)
    far.gate.set()
    second.start()
    until(lambda: not web.waiting(), "the other worker to take over", 90)
    first.process.signal(signal.SIGCONT)
    time.sleep(5)
    unsure = set(web.unsure())
    assert under_way <= unsure
    assert len(unsure) < len(keys)
    ledger.settle(far.texts, besides=unsure, unsure=len(unsure))
    assert sorted([*web.delivered(), *unsure]) == sorted(keys)
    assert "silent for too long" in first.output


def _conversations(desk: Desk, number: int) -> list[str]:
    """So many conversations, each with a contact of its own who wrote a mail."""
    ledger = Ledger("")
    Mail(desk.workers[0]).deliver([f"person{index}-000000" for index in range(number)], ledger)
    return [str(event["stream"]) for event in desk.web.events("conversation_started")]
