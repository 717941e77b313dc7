"""Durable messages a second through the whole pipeline, beside the bare driver that writes the same rows.

One message is what it is in dispatch.py, without the bot's turn: the channel's inbound message deduplicated, its
contact and conversation found, four policies asked, events, conversation, receipt and job written and on the disk; the
job for the bot stays in the outbox. What the store wrote is noted, and written again into a new database by the driver
alone: the same statements, rows and batches, on a connection with the same settings, with nothing read and nothing
computed.

SQLite: 100 conversations write at once; then one message alone, again and again. PostgreSQL: 1, 8 and 32 contacts
each write their next message when the last is kept; whoever waits shares a transaction, as in the service. Its bare
driver is used as its manual shows it, one statement after another, and then with all of a transaction in one pipeline.

    python benchmarks/durable.py [--json] [--rounds 3] [--n 10000] [--peers DIR] [--only sqlite]

All run in interleaved rounds of one run, with the fastest peer's echo in memory (it keeps nothing) if its environment
stands. Figures are medians, and ratios medians of the rounds' own; ``spread`` has the lowest and the highest of these.
Only ratios mean anything, and on a busy machine not even each of them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from _desks import Written, create, database_of, noted, postgresql, programs, replay, service
from dispatch import workload

from carekit import Inbound
from carekit.service.service import Service
from carekit.service.tuning import tune_gc
from carekit.web.server import run

CLIENTS = (1, 8, 32)
TOGETHER = 100
WARM = 2000
PEER = "opsdroid"
Figures = dict[str, float]


# --- what is measured


async def through_the_desk(
    folder: Path, url: str, write: Callable[[Service], Coroutine[Any, Any, Figures]], messages: int
) -> tuple[Figures, list[Written], int]:
    """Let *write* send so many messages to a new desk whose conversations all exist already.

    Gives what it measured, what was written from the beginning on, and with which transaction the measuring began.
    """
    care = service(folder, url)
    care.open()
    batches = noted(care)
    for at in range(0, WARM, TOGETHER):
        await care.desk.receive_all(workload(WARM, 1, mark="w")[at : at + TOGETHER])
    warm = len(batches)
    gc.collect()
    figures = await write(care)
    (receipts,) = database_of(care).rows("SELECT count(*) FROM receipt", ())
    assert receipts[0] == WARM + messages, (receipts, messages)
    await care.stop()
    return figures, batches, warm


def together(messages: Sequence[Inbound]) -> Callable[[Service], Coroutine[Any, Any, Figures]]:
    """A hundred conversations at a time."""

    async def write(care: Service) -> Figures:
        began = time.perf_counter()
        for at in range(0, len(messages), TOGETHER):
            await care.desk.receive_all(messages[at : at + TOGETHER])
        return {"per_s": len(messages) / (time.perf_counter() - began)}

    return write


def clients(messages: Sequence[Inbound], count: int) -> Callable[[Service], Coroutine[Any, Any, Figures]]:
    """*count* contacts, each of whom writes on when the last message is kept."""

    async def write(care: Service) -> Figures:
        took: list[float] = []

        async def client(mine: Sequence[Inbound]) -> None:
            for inbound in mine:
                sent = time.perf_counter()
                await care.desk.receive(inbound)
                took.append(time.perf_counter() - sent)

        began = time.perf_counter()
        await asyncio.gather(*(client(messages[start::count]) for start in range(count)))
        return {"per_s": len(messages) / (time.perf_counter() - began), **quantiles(took)}

    return write


def bare(connection: Any, batches: Sequence[Written], warm: int, messages: int, *, pipelined: bool = False) -> Figures:
    """The same transactions through the driver alone; the first *warm* are not measured."""
    replay(connection, batches[:warm])
    gc.collect()
    began = time.perf_counter()
    took = replay(connection, batches[warm:], pipelined=pipelined)
    return {"per_s": messages / (time.perf_counter() - began), **quantiles(took)}


def quantiles(seconds: list[float]) -> Figures:
    """The median and the 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    return {"p50_ms": ordered[len(ordered) // 2] * 1e3, "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3}


# --- rounds


def sqlite_round(folder: Path, n: int, alone: int) -> dict[str, Figures]:
    """A hundred at once and one alone, each through the desk and bare."""
    found: dict[str, Figures] = {}
    for name, messages, write in (
        ("together", n, together(workload(n, 7))),
        ("alone", alone, clients(workload(alone, 9), 1)),
    ):
        figures, batches, warm = run(through_the_desk(folder, f"sqlite:///{name}.db", write, messages))
        found[name] = figures
        care = service(folder, f"sqlite:///{name}-bare.db")
        care.open()
        connection = database_of(care).connect()
        found[f"{name} bare"] = bare(connection, batches, warm, messages)
        connection.close()
        care.store.close()
        for path in folder.glob(f"{name}*.db*"):
            path.unlink()
    return found


def postgresql_round(folder: Path, server: str, n: int, index: int) -> dict[str, Figures]:
    """Each number of clients, through the desk, and bare in two ways."""
    found: dict[str, Figures] = {}
    for count in CLIENTS:
        name = f"r{index}_{count}"
        messages = max(200, n * min(count, 8) // 8)
        write = clients(workload(messages, 7), count)
        figures, batches, warm = run(through_the_desk(folder, create(server, name), write, messages))
        found[str(count)] = figures
        for how in ("bare", "pipelined"):
            care = service(folder, create(server, f"{name}_{how}"))
            care.open()
            connection = database_of(care).connect()
            found[f"{count} {how}"] = bare(connection, batches, warm, messages, pipelined=how == "pipelined")
            connection.close()
            care.store.close()
    return found


def peer(folder: Path, n: int) -> float | None:
    """One round of the fastest peer's echo, messages a second."""
    if not (folder / "run.py").exists():
        return None
    command = [sys.executable, str(folder / "run.py"), "--rounds", "1", "--n", str(n), PEER]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return float(json.loads(done.stdout)[PEER]["per_s"])
    except (ValueError, KeyError):
        return None


# --- the result


def middle(rounds: Sequence[dict[str, Figures]], name: str, figure: str = "per_s") -> float:
    """The median of a figure over the rounds."""
    return statistics.median(one[name][figure] for one in rounds)


def ratio(rounds: Sequence[dict[str, Figures]], name: str, to: str, figure: str = "per_s") -> tuple[float, list[float]]:
    """The median of the rounds' ratios, and the lowest and highest of them."""
    found = [one[name][figure] / one[to][figure] for one in rounds]
    return round(statistics.median(found), 2), [round(min(found), 2), round(max(found), 2)]


def sqlite_result(rounds: Sequence[dict[str, Figures]]) -> dict[str, Any]:
    to_bare, spread = ratio(rounds, "together", "together bare")
    p99, p99_spread = ratio(rounds, "alone", "alone bare", "p99_ms")
    return {
        "messages_per_s": round(middle(rounds, "together")),
        "raw_per_s": round(middle(rounds, "together bare")),
        "ratio_to_raw": to_bare,
        "ratio_to_raw_spread": spread,
        "p50_ms_alone": round(middle(rounds, "alone", "p50_ms"), 2),
        "p99_ms_alone": round(middle(rounds, "alone", "p99_ms"), 2),
        "raw_p50_ms_alone": round(middle(rounds, "alone bare", "p50_ms"), 2),
        "raw_p99_ms_alone": round(middle(rounds, "alone bare", "p99_ms"), 2),
        "p50_ratio_alone": ratio(rounds, "alone", "alone bare", "p50_ms")[0],
        "p99_ratio_alone": p99,
        "p99_ratio_alone_spread": p99_spread,
    }


def postgresql_result(rounds: Sequence[dict[str, Figures]]) -> dict[str, Any]:
    counts = [str(count) for count in CLIENTS]
    return {
        "messages_per_s": {count: round(middle(rounds, count)) for count in counts},
        "raw_per_s": {count: round(middle(rounds, f"{count} bare")) for count in counts},
        "ratio_to_raw": {count: ratio(rounds, count, f"{count} bare")[0] for count in counts},
        "ratio_to_raw_spread": {count: ratio(rounds, count, f"{count} bare")[1] for count in counts},
        "ratio_to_raw_pipelined": {count: ratio(rounds, count, f"{count} pipelined")[0] for count in counts},
        "p99_ms": {count: round(middle(rounds, count, "p99_ms"), 2) for count in counts},
    }


def main() -> None:
    """Run interleaved rounds and print medians."""
    tune_gc()  # and the loop of carekit.web.server, as `carekit serve` has them
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=10_000, help="messages of a round; fewer where each is alone")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="leave the other one out")
    parser.add_argument("--peers", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "bench")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carekit-durable-") as folder:
        result = measured(Path(folder), options)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Everything, in rounds."""
    lite: list[dict[str, Figures]] = []
    server: list[dict[str, Figures]] = []
    others: list[float] = []
    for index in range(options.rounds):
        if options.only != "postgresql":
            lite.append(sqlite_round(folder, options.n, max(200, options.n // 10)))
        if options.only != "sqlite" and programs() is not None:
            with postgresql(folder) as url:
                server.append(postgresql_round(folder, url, options.n, index))
        if (rate := peer(options.peers, options.n)) is not None:
            others.append(rate)
    best = statistics.median(others) if others else None
    rate = middle(lite, "together") if lite else None
    return {
        "sqlite": sqlite_result(lite) if lite else None,
        "postgresql": postgresql_result(server) if server else None,
        "peer": {"name": PEER, "messages_per_s": round(best)} if best else None,
        "ratio_to_peer": round(rate / best, 2) if rate and best else None,
    }


if __name__ == "__main__":
    main()
