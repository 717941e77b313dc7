"""Messages a second through the whole pipeline in memory, beside the bare echo dispatch of Python peers.

One message is: the channel's inbound message deduplicated, its contact and conversation found, events appended, four
policies asked (acknowledge, bot, route, sla), an echo bot's turn, its reply sent through a channel that captures it,
and the delivery noted. 20,000 messages over 1,000 conversations. The peers keep no history and decide nothing.
`messages_per_s` is with 100 contacts writing at once, who share transactions as they do in the service; the peers gain
nothing from company. One message in flight, as the peers are driven, is told beside it.

    python benchmarks/dispatch.py [--json] [--rounds 3] [--n 20000] [--peers DIR]

With ``--peers`` the folder that holds the peers' ``run.py``, all run in interleaved rounds of one run; without their
environments the ratios are null. Figures are medians; only ratios of one run mean anything.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Mapping
from pathlib import Path

from carekit import Address, Bot, BotReply, BotTurn, Inbound, hookimpl
from carekit.builtin.loopback import Loopback
from carekit.service import config, plugins
from carekit.service.service import Service
from carekit.service.tuning import tune_gc
from carekit.web.server import run

CONVERSATIONS = 1000
FILE = """
[service]
name = "Benchmark"
timezone = "UTC"
secret = "not a secret, a benchmark"

[store]
use = "memory"

[channels.loop]
use = "loopback"

[bots.echo]
use = "echo"

[policies.acknowledge]
use = "acknowledge"
text = "Thank you, we have your message."

[policies.bot-first]
use = "bot"
bot = "echo"

[policies.route]
use = "route"

[policies.first-response]
use = "sla"
first_response = "4h"
"""


class Echo(Bot):
    """Counts this conversation's turns and says the message back."""

    async def respond(self, turn: BotTurn) -> BotReply:
        """``3: hello`` for the third message of a conversation."""
        count = turn.memory.get("n", 0)
        assert isinstance(count, int)
        return BotReply(f"{count + 1}: {turn.text}", memory={"n": count + 1})


@hookimpl
def carekit_bots() -> Mapping[str, type[Bot]]:
    """The echo bot."""
    return {"echo": Echo}


def service() -> Service:
    """A service on the memory store."""
    module = types.ModuleType("echo_plugin")
    module.carekit_bots = carekit_bots  # type: ignore[attr-defined]
    installed = plugins.load(extra={"echo": module}, discover=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "carekit.toml"
        path.write_text(FILE, "utf-8")
        return Service(config.load(path, installed), installed)


def workload(n: int, seed: int, conversations: int = CONVERSATIONS, mark: str = "m") -> list[Inbound]:
    """*n* messages over *conversations*, shuffled."""
    order = [i % conversations for i in range(n)]
    random.Random(seed).shuffle(order)
    return [
        Inbound(
            channel="loop",
            external_id=f"{mark}{i}",
            sender=Address("loopback", f"user-{k}"),
            text=f"hello {i}",
            thread=(f"peer:{k}",),
            keys=(f"peer:{k}",),
        )
        for i, k in enumerate(order)
    ]


def opened() -> tuple[Service, Loopback]:
    """An open service, and the channel that captures what it sends."""
    care = service()
    care.open()
    channel = care.channels["loop"]
    assert isinstance(channel, Loopback)
    return care, channel


async def warmed() -> tuple[Service, Loopback]:
    """The same after 2,000 messages, so that every conversation exists."""
    care, channel = opened()
    for inbound in workload(2000, 1, mark="w"):
        await care.desk.receive(inbound)
    await care.outbox.idle()
    channel.sent.clear()
    gc.collect()
    return care, channel


async def one_by_one(n: int) -> dict[str, float]:
    """One message in flight: the next begins when the reply to the last is captured, as the peers are driven."""
    care, channel = await warmed()
    messages = workload(n, 7)
    latencies = []
    began = time.perf_counter()
    for inbound in messages:
        start = time.perf_counter_ns()
        await care.desk.receive(inbound)
        await care.outbox.idle()
        latencies.append(time.perf_counter_ns() - start)
    seconds = time.perf_counter() - began
    _verify(channel, n, care)
    latencies.sort()
    await care.stop()
    return {
        "messages_per_s": n / seconds,
        "p50_us": latencies[n // 2] / 1000,
        "p99_us": latencies[int(n * 0.99)] / 1000,
    }


async def together(n: int, batch: int = 100) -> dict[str, float]:
    """*batch* messages of different conversations at once, as many contacts write."""
    care, channel = await warmed()
    messages = workload(n, 7)
    began = time.perf_counter()
    for at in range(0, n, batch):
        await care.desk.receive_all(messages[at : at + batch])
        await care.outbox.idle()
    seconds = time.perf_counter() - began
    _verify(channel, n, care)
    await care.stop()
    return {"messages_per_s": n / seconds}


def _verify(channel: Loopback, n: int, care: Service) -> None:
    """Every message has its one reply with the right count, and every conversation its whole history."""
    answers = [o for o in channel.sent if o.message.purpose == "answer"]
    assert len(answers) == n, (len(answers), n)
    highest: dict[str, int] = {}
    for outbound in answers:
        id, turn = outbound.conversation.id, int(outbound.message.text.split(":")[0])
        assert turn == highest.get(id, turn - 1) + 1, f"{id}: turn {turn} after {highest[id]}"
        highest[id] = turn


async def long_conversation(sizes: tuple[int, ...] = (10, 1000, 100_000)) -> dict[str, float]:
    """Microseconds a message in ONE conversation that already holds so many messages."""
    care, channel = opened()
    costs: dict[str, float] = {}
    written = 0
    for size in sizes:
        for index, inbound in enumerate(workload(size - written, 3, 1, f"l{size}-")):
            await care.desk.receive(inbound)
            if index % 100 == 0:
                await care.outbox.idle()
                channel.sent.clear()
        await care.outbox.idle()
        written = size
        gc.collect()
        gc.freeze()
        times = []
        for inbound in workload(500, 5, 1, f"t{size}-"):
            start = time.perf_counter_ns()
            await care.desk.receive(inbound)
            await care.outbox.idle()
            times.append(time.perf_counter_ns() - start)
        written += 500
        costs[str(size)] = statistics.median(times) / 1000
    await care.stop()
    return costs


def peers(folder: Path, n: int) -> dict[str, float]:
    """One round of the peers' own echo benchmarks, messages a second by name."""
    names = ["opsdroid", "errbot", "botbuilder", "m365agents"]
    command = [sys.executable, str(folder / "run.py"), "--rounds", "1", "--n", str(n), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return {name: row["per_s"] for name, row in json.loads(done.stdout).items()}
    except ValueError:
        return {}


def main() -> None:
    """Run interleaved rounds and print medians."""
    tune_gc()  # and the loop of carekit.web.server, as `carekit serve` has them
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--peers", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "bench")
    options = parser.parse_args()
    rounds: list[dict[str, float]] = []
    batched: list[float] = []
    others: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        rounds.append(run(one_by_one(options.n)))
        batched.append(run(together(options.n))["messages_per_s"])
        if (options.peers / "run.py").exists():
            for name, rate in peers(options.peers, options.n).items():
                others.setdefault(name, []).append(rate)
    growth = run(long_conversation())
    result = {
        "carekit": {
            "messages_per_s": round(statistics.median(batched)),
            "messages_per_s_one_at_a_time": round(statistics.median(r["messages_per_s"] for r in rounds)),
            "p50_us": round(statistics.median(r["p50_us"] for r in rounds), 1),
            "p99_us": round(statistics.median(r["p99_us"] for r in rounds), 1),
        },
        "peers": {name: round(statistics.median(rates)) for name, rates in others.items()} or None,
        "us_per_message_by_messages_in_one_conversation": {size: round(cost, 1) for size, cost in growth.items()},
    }
    best = max((statistics.median(rates) for rates in others.values()), default=None)
    mine = result["carekit"]
    assert isinstance(mine, dict)
    result["ratio_to_best_peer"] = round(mine["messages_per_s"] / best, 2) if best else None
    result["ratio_to_best_peer_one_at_a_time"] = round(mine["messages_per_s_one_at_a_time"] / best, 2) if best else None
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
