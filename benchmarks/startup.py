"""How soon carekit is there, and how much memory the idle shop takes.

    python benchmarks/startup.py [--json] [--rounds 5]

Medians of fresh processes, each timed from outside. Beside them, in the same rounds, what Python itself takes to do
nothing, so that a busy machine shows. The shop is examples/shop, copied to a temporary folder, its first start included
(it makes the database and adds the demo agents).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SHOP = Path(__file__).resolve().parents[1] / "examples" / "shop"
CAREKIT = [sys.executable, "-m", "carekit.cli"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled at the first start only, as they are wherever nobody forbids it."""


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - began


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shop(folder: Path) -> tuple[float, int]:
    """Seconds until the shop of *folder* answers, and its resident memory in bytes after a quiet second."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*CAREKIT, "serve", str(folder / "carekit.toml"), "--port", str(port), "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None:
                    raise SystemExit(f"the shop ended with {process.returncode}") from None
                time.sleep(0.01)
        ready = time.perf_counter() - began
        time.sleep(1)
        status = Path(f"/proc/{process.pid}/status").read_text("ascii")
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return ready, int(resident.split()[1]) * 1024
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def main() -> None:
    """Run the rounds and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bare, imported, helped, first, later, memory = [], [], [], [], [], []
    for _ in range(options.rounds):
        bare.append(seconds([sys.executable, "-c", "pass"]))
        imported.append(seconds([sys.executable, "-c", "import carekit"]))
        helped.append(seconds([*CAREKIT, "--help"]))
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "shop"
            shutil.copytree(SHOP, place, ignore=shutil.ignore_patterns("data"))
            text = (place / "carekit.toml").read_text("utf-8")
            (place / "carekit.toml").write_text(text.replace("127.0.0.1:8025", f"127.0.0.1:{free_port()}"), "utf-8")
            first.append(shop(place)[0])
            ready, resident = shop(place)
            later.append(ready)
            memory.append(resident)
    median = statistics.median
    result = {
        "python_s": round(median(bare), 3),
        "import_carekit_s": round(median(imported) - median(bare), 3),
        "carekit_help_s": round(median(helped), 3),
        "serve_first_ready_s": round(median(first), 2),
        "serve_ready_s": round(median(later), 2),
        "idle_rss_mb": round(median(memory) / 1e6, 1),
    }
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
