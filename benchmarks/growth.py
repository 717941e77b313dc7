"""What a message, a page of the inbox, a conversation, the feed and the report cost while the log grows a hundredfold.

10,000 messages go through the whole pipeline of the desk of dispatch.py, over 1,000 conversations and 90 days. Larger
logs are that one many times over: every row of every table again under other ids, keys and positions. The report's view
reads all of it, as the service would have, before anything is measured.

- ``message_us``: one of 100 messages that arrive at once, through the whole pipeline, in the 1,000 conversations that
  came last: of a log that grows, the greater part is past;
- ``scattered_us``: the same in conversations from anywhere, which touches a page of each table for each message;
- ``page_us``: the 50 newest of all open conversations, as one page;
- ``conversation_us``: one conversation with the last 50 of its events;
- ``feed_us``: 100 events after some position, as one who follows reads them;
- ``report_us``: the report over the last 90 days, with what was written since the last one.

    python benchmarks/growth.py [--json] [--sizes 10000 100000 1000000] [--rounds 5] [--on sqlite|postgresql]

Sizes take turns in each round of one run; ``ratio`` is the cost at the largest over that at the smallest. Costs are
medians, but those of messages are means: now and then one of them waits until the database has tidied its log.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from _desks import create, database_of, postgresql, service
from dispatch import CONVERSATIONS, workload

from carekit import Address, Query, Scope, Status, replace
from carekit.service.service import Service
from carekit.service.tuning import tune_gc
from carekit.service.views import readers
from carekit.testing import FrozenClock
from carekit.web.server import run
from carekit_sql import tables as t
from carekit_sql.bulk import Insert

FIRST = 10_000
START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 90
TOGETHER = 100
BATCHES = 30
EVERYTHING = Scope.everything()
_OF_CONTACT = re.compile(rb"(peer:|user-)(\d+)")
_BODY = t.conversation.columns.keys().index("body")
COPIED = (t.contact, t.address, t.conversation, t.thread_key, t.receipt, t.event)


async def filled(folder: Path, url: str, size: int) -> Service:
    """A desk that holds *size* messages, open."""
    clock = FrozenClock(START)
    care = service(folder, url, clock)
    care.open()
    messages = workload(FIRST, 7)
    for at in range(0, FIRST, TOGETHER):
        await care.desk.receive_all(messages[at : at + TOGETHER])
        clock.advance(timedelta(days=DAYS) * TOGETHER / FIRST)
    multiply(care, size // FIRST)
    page, readers.PAGE = readers.PAGE, 10_000  # fewer transactions; what it comes to is the same
    await care.desk.report(EVERYTHING)
    readers.PAGE = page
    return care


# --- more of the same


def multiply(care: Service, times: int) -> None:
    """Write every row *times* - 1 times more, each time as other people's."""
    database = database_of(care)
    with database.writing() as work:
        work.execute("DELETE FROM job")  # as if the bot had answered
    kept = {table.name: database.rows(f"SELECT * FROM {table.name} ORDER BY 1", ()) for table in COPIED}
    random.Random(1).shuffle(kept["receipt"])  # their keys are digests, which come in no order
    positions = max(row[0] for row in kept["event"])
    for number in range(1, times):
        with database.writing() as work:
            for table in COPIED:
                rows = [_other(table.name, row, number, positions) for row in kept[table.name]]
                Insert(table, database.dialect).run(work, rows)
    with database.writing() as work:
        if database.dialect.name == "postgresql":
            last = "(SELECT max(position) FROM event)"
            work.execute(f"SELECT setval(pg_get_serial_sequence('event', 'position'), {last})")
    with database._borrowed(database._pool) as connection:
        if database.dialect.name == "postgresql":
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("VACUUM ANALYZE")
            connection.execute("SET default_transaction_read_only = on")


def _other(table: str, row: tuple[Any, ...], number: int, positions: int) -> tuple[Any, ...]:
    """A row as that of somebody else, who came later: ids are in order of time."""
    later = b"1%04d" % number

    def renamed(body: bytes) -> bytes:
        body = _OF_CONTACT.sub(lambda found: found[1] + b"%d" % (int(found[2]) + number * CONVERSATIONS), body)
        return re.sub(rb'("(?:id|contact)":"[cp]_)', rb"\g<1>" + later, body)

    def key(text: str) -> str:
        return renamed(text.encode()).decode()

    def id(text: str) -> str:
        return text[:2] + later.decode() + text[2:]

    match table:
        case "contact":
            return (id(row[0]), renamed(row[1]))
        case "address" | "thread_key":
            return (key(row[0]), id(row[1]))
        case "conversation":
            return (id(row[0]), *row[1:3], id(row[3]), *row[4:_BODY], renamed(row[_BODY]), *row[_BODY + 1 :])
        case "receipt":
            return (blake2b(row[0] + later, digest_size=16).digest(), row[1])
    return (row[0] + number * positions, id(row[1]), *row[2:])


# --- what is measured


async def measured(care: Service, size: int, index: int) -> dict[str, float]:
    """One round: microseconds of each."""
    chance = random.Random(size + index)
    store, people = care.store, CONVERSATIONS * (size // FIRST)
    ids = [event.stream for event in store.feed(chance.randrange(store.last_position()), 50, EVERYTHING)]
    cursors = iter([chance.randrange(store.last_position()) for _ in range(1000)])
    chosen = iter(chance.sample(ids * 20, 50))

    async def message(first: int, spent: list[float]) -> None:
        batch = workload(TOGETHER, index, TOGETHER, mark=f"g{index}-{chance.random()}-")
        who = [chance.randrange(first, people) for _ in batch]
        told = [
            replace(one, sender=Address("loopback", f"user-{k}"), thread=(f"peer:{k}",), keys=(f"peer:{k}",))
            for one, k in zip(batch, who, strict=True)
        ]
        began = time.perf_counter()
        await care.desk.receive_all(told)
        spent.append((time.perf_counter() - began) / TOGETHER)

    recent: list[float] = []
    scattered: list[float] = []
    for _ in range(BATCHES):
        await message(people - CONVERSATIONS, recent)
        await message(0, scattered)
    page = Query(status=(Status.OPEN,), limit=50)

    def conversation() -> None:
        id = next(chosen)
        store.conversation(id, EVERYTHING)
        store.events(id, 0, 50, last=True)

    return {
        "message_us": statistics.mean(recent) * 1e6,
        "scattered_us": statistics.mean(scattered) * 1e6,
        "page_us": timed(lambda: store.conversations(page, EVERYTHING)),
        "conversation_us": timed(conversation),
        "feed_us": timed(lambda: store.feed(next(cursors), 100, EVERYTHING)),
        "report_us": await report(care),
    }


def timed(work: Callable[[], object], times: int = 50) -> float:
    """The median of some, in microseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


async def report(care: Service) -> float:
    """The median of some; the first has to read what was written."""
    took = []
    for _ in range(7):
        began = time.perf_counter()
        await care.desk.report(EVERYTHING, since=START)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


async def grown(folder: Path, urls: dict[int, str], rounds: int) -> dict[str, Any]:
    """Every size, measured in turns."""
    desks = {}
    for size, url in urls.items():
        (folder / str(size)).mkdir()
        desks[size] = await filled(folder / str(size), url, size)
    found: dict[int, list[dict[str, float]]] = {size: [] for size in desks}
    for index in range(rounds + 1):
        for size, care in desks.items():
            figures = await measured(care, size, index)
            if index:  # the first warms
                found[size].append(figures)
    for care in desks.values():
        await care.stop()
    names = list(figures)
    costs = {name: {size: _middle(name)(one[name] for one in found[size]) for size in found} for name in names}
    small, large = min(found), max(found)
    return {
        "us": {name: {str(size): round(cost, 1) for size, cost in by.items()} for name, by in costs.items()},
        "ratio": {name: round(by[large] / by[small], 2) for name, by in costs.items()},
    }


def _middle(name: str) -> Callable[[Iterable[float]], float]:
    return statistics.mean if name in {"message_us", "scattered_us"} else statistics.median


def main() -> None:
    """Fill, measure in turns, and print what each costs."""
    tune_gc()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="messages")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--on", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carekit-growth-")))
        urls = dict.fromkeys(options.sizes, "sqlite:///care.db")
        if options.on == "postgresql":
            server = stack.enter_context(postgresql(folder))
            urls = {size: create(server, f"n{size}") for size in options.sizes}
        result = {"database": options.on, **run(grown(folder, urls, options.rounds))}
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
