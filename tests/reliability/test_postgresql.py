"""PostgreSQL crashes under load: nothing acknowledged is lost or there twice, and the service goes on by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carekit.testing import free_port
from tests.acceptance._shop import until
from tests.reliability._clients import Chat, Load, Mail, Notes, Replies, Webhook, begun, series
from tests.reliability._far import MailServer
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import chance, few
from tests.reliability._servers import Postgres
from tests.reliability._site import Site, Table


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of the test's own."""
    postgres = Postgres()
    yield postgres
    postgres.close()


def test_postgresql_crashes_under_load(tmp_path: Path, nursery: Nursery, postgres: Postgres) -> None:
    """The same process answers again by itself; a commit whose outcome it never heard is neither lost nor repeated."""
    random, far, crashes = chance("postgresql"), MailServer(free_port()), few(4, 200)

    def edit(table: Table) -> None:
        postgres.settings(table)
        far.settings(table)

    names = {"webhook": Webhook, "chat": Chat, "mail": Mail}
    ledgers = {name: Ledger(f"PostgreSQL crashes, {name}") for name in (*names, "API write", "answer")}
    with Site(tmp_path, nursery, edit) as site:
        conversation = begun(site)
        clients = {name: kind(site) for name, kind in names.items()}
        clients |= {"API write": Notes(conversation, site), "answer": Replies(conversation, site)}
        load = Load()
        for name, client in clients.items():
            load.add(client, series(name.replace(" ", "")), ledgers[name])
        for _ in range(crashes):
            time.sleep(random.uniform(0.2, 1.0))
            postgres.crash()
            time.sleep(random.uniform(0.0, 0.5))
            on = [ledgers[name].more() for name in names]
            postgres.start()
            until(lambda: all(more() for more in on), "every client to get on")  # noqa: B023
        load.finish(stop=True)
        assert site.starts == 1
        site.drain()
        found = site.texts()
        for name in names:
            ledgers[name].settle([text for text in found if text.startswith(name)], crashes=crashes)
        ledgers["API write"].settle(site.texts("note_added"), crashes=crashes)
        unsure = site.unsure()
        ledgers["answer"].settle(far.texts, besides=unsure, crashes=crashes, unsure=len(unsure))
        told = sum((client.answers for client in clients.values()), start=clients["mail"].answers.__class__())
        assert not told["500"], told
    far.close()
