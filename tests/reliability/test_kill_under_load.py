"""Killed at random while everybody writes: HTTP, chat and mail, with a ledger on both sides of each."""

from __future__ import annotations

import time
from pathlib import Path

from carekit.testing import free_port
from tests.acceptance._shop import until
from tests.reliability._clients import Chat, Load, Mail, Notes, Replies, Webhook, begun, series
from tests.reliability._far import MailServer
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import chance, few
from tests.reliability._site import Site


def test_killed_at_random_under_load(tmp_path: Path, nursery: Nursery) -> None:
    """However often it is killed, everything acknowledged is kept once, and every answer leaves once or is unsure."""
    random, far = chance("kills"), MailServer(free_port())
    kills = few(8, 1000)
    names = {"webhook": Webhook, "chat": Chat, "mail": Mail}
    ledgers = {name: Ledger(f"killed under load, {name}") for name in (*names, "API write", "answer")}
    with Site(tmp_path, nursery, far.settings) as site:
        conversation = begun(site)
        load = Load()
        for number in range(2):
            for name, kind in names.items():
                load.add(kind(site), series(f"{name}{number}"), ledgers[name])
        load.add(Notes(conversation, site), series("note"), ledgers["API write"])
        load.add(Replies(conversation, site), series("answer", pause=0.1), ledgers["answer"])
        for _ in range(kills):
            time.sleep(random.uniform(0.1, 1.0))
            site.kill()
            on = [ledgers[name].more() for name in names]
            site.start()
            until(lambda: all(more() for more in on), "every client to get on")  # noqa: B023
        time.sleep(0.5)
        load.finish(stop=True)
        site.drain()
        found = site.texts()
        for name in names:
            mine = [text for text in found if text.startswith(name)]
            ledgers[name].settle(mine, kills=kills)
        ledgers["API write"].settle(site.texts("note_added"), kills=kills)
        unsure = site.unsure()
        ledgers["answer"].settle(far.texts, besides=unsure, kills=kills, unsure=len(unsure))
        assert all(ledger.acked for ledger in ledgers.values())
    far.close()
