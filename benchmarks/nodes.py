"""Durable messages a second with one process and with two, on one database of PostgreSQL, and what each asks of it.

Every process runs the desk of dispatch.py, to which 32 contacts of its own write, each when the last message is kept.
``scaling`` is the rate of two processes over that of one. Two of them, the server's processes and whatever else runs
share the cores: with ``cores`` = 2 and a database that itself needs one, far less than 2 can be had. So ``busy``, the
share of the cores that was in use, is told, too: near 1 there is nothing left to scale into.

``statements_per_message`` counts what was sent to the server, BEGIN and COMMIT included, over the messages;
``statements_per_transaction`` does not fall with the load, so a test (test_statements.py) holds it.

    python benchmarks/nodes.py [--json] [--rounds 3] [--n 4000]

Rounds take turns in one run; figures are medians, ``scaling`` that of the rounds' own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _desks import create, database_of, postgresql, programs, service
from dispatch import workload

from carekit import Address, Inbound, replace
from carekit.service.service import Service
from carekit.service.tuning import tune_gc
from carekit.web.server import run

CLIENTS = 32
WARM = 500


class Counting:
    """Counts what goes through a connection, and how many transactions that was."""

    def __init__(self, care: Service) -> None:
        self.statements = self.transactions = 0
        database = database_of(care)
        writing = database.writing

        @contextmanager
        def counted() -> Iterator[Any]:
            self.transactions += 1
            self.statements += 2  # BEGIN and COMMIT
            with writing() as work:
                yield _Counted(work, self)

        database.writing = counted  # type: ignore[method-assign]


class _Counted:
    def __init__(self, work: Any, count: Counting) -> None:
        self._work = work
        self._count = count

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self._count.statements += 1
        return self._work.execute(*arguments, **options)


# --- one process


async def write(url: str, number: int, n: int) -> None:
    """Warm up, wait for the word, write, and tell what it took."""
    with tempfile.TemporaryDirectory() as folder:
        care = service(Path(folder), url)
        care.open()
        await send(care, own(workload(WARM, 1, mark="w"), number))
        counting = Counting(care)
        messages = own(workload(n, 7), number)
        print("ready", flush=True)
        sys.stdin.readline()
        began, used = time.perf_counter(), time.process_time()
        await send(care, messages)
        seconds = time.perf_counter() - began
        told = {
            "seconds": seconds,
            "cpu": time.process_time() - used,
            "statements": counting.statements,
            "transactions": counting.transactions,
        }
        print(json.dumps(told), flush=True)
        await care.stop()


async def send(care: Service, messages: Sequence[Inbound]) -> None:
    """Every client writes its next message when the last is kept."""

    async def client(mine: Sequence[Inbound]) -> None:
        for inbound in mine:
            await care.desk.receive(inbound)

    await asyncio.gather(*(client(messages[start::CLIENTS]) for start in range(CLIENTS)))


def own(messages: Sequence[Inbound], number: int) -> list[Inbound]:
    """*messages* from people who write to no other process."""
    return [
        replace(
            one,
            external_id=f"{number}-{one.external_id}",
            sender=Address("loopback", f"{number}-{one.sender.value}"),
            thread=tuple(f"{number}-{key}" for key in one.thread),
            keys=tuple(f"{number}-{key}" for key in one.keys),
        )
        for one in messages
    ]


# --- several


def together(url: str, processes: int, n: int) -> dict[str, float]:
    """The figures of one round."""
    command = [sys.executable, __file__, "--child", url, "--n", str(n)]
    running = [
        subprocess.Popen([*command, "--number", str(k)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for k in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a process did not start")
    idle, began = _idle(), time.perf_counter()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.stdout.readline()) for process in running if process.stdout]
    seconds, rest = time.perf_counter() - began, _idle() - idle
    for process in running:
        process.communicate(timeout=60)
    return {
        "per_s": processes * n / seconds,
        "busy": 1 - rest / (seconds * (os.cpu_count() or 1)),
        "cpu_us": sum(one["cpu"] for one in told) / (processes * n) * 1e6,
        "statements_per_message": sum(one["statements"] for one in told) / (processes * n),
        "statements_per_transaction": sum(one["statements"] for one in told) / sum(one["transactions"] for one in told),
    }


def _idle() -> float:
    """Seconds that the cores of this machine have had nothing to do (Linux), 0 elsewhere."""
    try:
        words = Path("/proc/stat").read_text("ascii").split()
    except OSError:
        return 0.0
    return (int(words[4]) + int(words[5])) / os.sysconf("SC_CLK_TCK")


def measured(rounds: int, n: int) -> dict[str, Any]:
    """One process and two, in turns."""
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="carekit-nodes-") as folder, postgresql(Path(folder)) as server:
        for index in range(rounds):
            for processes, figures in found.items():
                figures.append(together(create(server, f"r{index}_{processes}"), processes, n))
    medians = {k: {name: statistics.median(one[name] for one in f) for name in f[0]} for k, f in found.items()}
    ratios = [two["per_s"] / one["per_s"] for one, two in zip(found[1], found[2], strict=True)]
    return {
        "cores": os.cpu_count(),
        "messages_per_s": {str(k): round(m["per_s"]) for k, m in medians.items()},
        "scaling": round(statistics.median(ratios), 2),
        "scaling_spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "busy": {str(k): round(m["busy"], 2) for k, m in medians.items()},
        "cpu_us_per_message": {str(k): round(m["cpu_us"]) for k, m in medians.items()},
        "statements_per_message": {str(k): round(m["statements_per_message"], 2) for k, m in medians.items()},
        "statements_per_transaction": {str(k): round(m["statements_per_transaction"], 1) for k, m in medians.items()},
    }


def main() -> None:
    """Run as one of the processes, or run these."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=4000, help="messages of each process")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        tune_gc()
        run(write(options.child, options.number, options.n))
        return
    if programs() is None:
        parser.error("PostgreSQL is not installed (Debian: apt install postgresql)")
    result = measured(options.rounds, options.n)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
