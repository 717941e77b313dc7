"""How many mails a second carekit takes: decoded, threaded and durable in SQLite, against django-helpdesk's importer.

    python benchmarks/mail.py [--json] [--rounds 3] [--n 1000] [--peers ../shared/bench] [--corpus ../shared/data/email]

Both get the same kind of mails, interleaved in rounds, and medians are printed: six of ten begin a conversation, the
others answer one with a quotation, every second has an HTML form, every tenth a file of 20 kB. django-helpdesk is
called as its own IMAP importer calls it, on SQLite with WAL. carekit keeps the raw mail and every file as files, each
written to the disk (fsync), and commits with synchronous = FULL; mails arrive over 64 connections at once, as from a
mail server. `one_at_a_time` is a single connection. `decode_ms` is the codec alone, over the labelled corpus where
it is there.

Needs carekit-sql and carekit-email installed; without the folder of peers there is no ratio.
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
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from carekit.facts.events import ConversationStarted, MessageReceived
from carekit.seams.scope import EVERYTHING
from carekit.service import config, plugins
from carekit.service.service import Service
from carekit.service.tuning import tune_gc
from carekit_email import decode
from carekit_email.channel import EmailChannel

FILE = """
[service]
name = "Benchmark"
secret = "a secret for benchmarks only"

[store]
use = "sql"
url = "sqlite:///mail.db"

[channels.mail]
use = "email"
address = "help@example.com"
outbox = "outbox"
listen = "127.0.0.1:0"
per_sender = 1000000
"""
AT_ONCE = 64


def mails(n: int, mark: str) -> list[bytes]:
    """*n* mails: 60 % new ones, the others answers to them."""
    new = max(1, n * 60 // 100)
    return [_mail(index, new, mark) for index in range(n)]


def _mail(index: int, new: int, mark: str) -> bytes:
    message = EmailMessage()
    contact = index if index < new else (index - new) % new
    text = "My order 4711 did not arrive.\n" * 10 + f"\nnumber {index}\n"
    message["Message-Id"] = f"<{mark}.{index}@customers.example.com>"
    message["To"] = "help@example.com"
    message["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
    message["From"] = f"Customer {contact} <cust{contact}.{mark}@customers.example.com>"
    message["Subject"] = f"Order problem {contact}" if index < new else f"Re: Order problem {contact}"
    if index >= new:
        message["In-Reply-To"] = message["References"] = f"<{mark}.{contact}@customers.example.com>"
        text = "Any news?\n\nOn Mon, Support wrote:\n> we look into it\n" + "> quoted\n" * 10 + f"\n{index}\n"
    message.set_content(text)
    if index % 2:
        page = "<html><body><p>" + text.replace("\n", "<br>\n") + "</p></body></html>"
        message.add_alternative(page, subtype="html")
    if index % 10 == 9:
        message.add_attachment(os.urandom(20_000), maintype="application", subtype="pdf", filename=f"f{index}.pdf")
    return message.as_bytes()


async def stored(folder: Path, raws: Sequence[bytes], at_once: int, warm: Sequence[bytes]) -> float:
    """Mails a second, taken by *at_once* connections, and checked to be in the store afterwards."""
    path = folder / "carekit.toml"
    path.write_text(FILE, "utf-8")
    installed = plugins.load()
    care = Service(config.load(path, installed), installed)
    care.open()
    channel = care.channels["mail"]
    assert isinstance(channel, EmailChannel)
    intake = channel._take_for(care.desk)
    for raw in warm:
        await intake.take(raw)
    seconds = 0.0
    new = len(raws) * 60 // 100
    for part in (raws[:new], raws[new:]):  # an answer comes after what it answers
        waiting = iter(part)

        async def connection(source: object = waiting) -> None:
            for raw in source:  # type: ignore[attr-defined]
                await intake.take(raw)

        began = time.perf_counter()
        await asyncio.gather(*(connection() for _ in range(at_once)))
        seconds += time.perf_counter() - began
    events = care.store.feed(0, 10 * (len(raws) + len(warm)) + 100, EVERYTHING)
    kept = sum(type(event.fact) is MessageReceived for event in events)
    began_new = sum(type(event.fact) is ConversationStarted for event in events)
    assert kept == len(raws) + len(warm), (kept, len(raws))
    assert began_new == new + len(warm), (began_new, new)
    await care.stop()
    return len(raws) / seconds


def peer(folder: Path) -> float | None:
    """Mails a second of django-helpdesk's importer, one round; None where its environment is not there."""
    command = [sys.executable, str(folder / "run.py"), "--rounds", "1", "helpdesk"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return float(json.loads(done.stdout)["helpdesk"]["per_s"])
    except (ValueError, KeyError):
        return None


def decoding(corpus: Path) -> dict[str, float] | None:
    """Milliseconds a mail of the codec alone: mean and 95th percentile over the corpus."""
    if not (corpus / "manifest.json").exists():
        return None
    cases = json.loads((corpus / "manifest.json").read_text("utf-8"))["cases"]
    raws = [(corpus / one["file"]).read_bytes() for one in cases if one["source"] != "stress"]
    best = [float("inf")] * len(raws)
    for _ in range(3):
        for index, raw in enumerate(raws):
            began = time.perf_counter()
            decode(raw)
            best[index] = min(best[index], (time.perf_counter() - began) * 1000)
    best.sort()
    return {"mean": round(statistics.mean(best), 2), "p95": round(best[int(len(best) * 0.95)], 2)}


def main() -> None:
    """Run interleaved rounds and print medians."""
    tune_gc()
    here = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--peers", type=Path, default=here / "bench")
    parser.add_argument("--corpus", type=Path, default=here / "data" / "email")
    options = parser.parse_args()
    many, single, others = [], [], []
    for number in range(options.rounds):
        for rates, at_once in ((many, AT_ONCE), (single, 1)):
            with tempfile.TemporaryDirectory() as folder:
                raws, warm = mails(options.n, f"m{number}.{at_once}"), mails(20, f"w{number}")[:12]
                rates.append(asyncio.run(stored(Path(folder), raws, at_once, warm)))
        rate = peer(options.peers) if (options.peers / "run.py").exists() else None
        if rate:
            others.append(rate)
    result: dict[str, object] = {
        "mails_per_s": round(statistics.median(many)),
        "mails_per_s_one_at_a_time": round(statistics.median(single)),
        "helpdesk_mails_per_s": round(statistics.median(others), 1) if others else None,
        "ratio": round(statistics.median(many) / statistics.median(others), 1) if others else None,
        "ratio_one_at_a_time": round(statistics.median(single) / statistics.median(others), 1) if others else None,
        "decode_ms": decoding(options.corpus),
    }
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
