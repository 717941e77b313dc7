"""The shop with text messages: Kannel's two boxes and `carekit serve`, until Ctrl+C.

python examples/shop/sms/run.py
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHOP = HERE.parent
PATIENCE = 20.0


def main() -> int:
    """Start what is needed, serve until asked to stop, and end all of it."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    boxes = [shutil.which(box, path=path) for box in ("bearerbox", "smsbox")]
    if None in boxes:
        print("Kannel is not installed: apt-get install kannel kannel-extras", file=sys.stderr)
        return 1
    file, data = SHOP / "with-texts.toml", SHOP / "data"
    parts = [part.read_text("utf-8") for part in (SHOP / "carekit.toml", HERE / "texts.toml")]
    file.write_text("\n".join(parts), "utf-8")
    data.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # both end it in the same way
    with ExitStack() as running:
        for box, port in zip(boxes, (port_of("smsbox-port"), port_of("sendsms-port")), strict=True):
            log = data / f"{Path(str(box)).name}.log"
            process = start([str(box), str(HERE / "kannel.conf")], log)
            running.callback(end, process)
            if not listens(port, process):
                print(f"{box} did not start; {log} says why", file=sys.stderr)
                return 1
        desk = start([sys.executable, "-m", "carekit.cli", "serve", str(file), *sys.argv[1:]])
        running.callback(end, desk)
        with suppress(KeyboardInterrupt):
            desk.wait()
        end(desk)
        return desk.returncode


def port_of(key: str) -> int:
    """A port of kannel.conf."""
    found = re.search(rf"^{key} = (\d+)$", (HERE / "kannel.conf").read_text("utf-8"), re.MULTILINE)
    assert found is not None, key
    return int(found[1])


def start(command: list[str], log: Path | None = None) -> subprocess.Popen[bytes]:
    """A process that writes into *log*, and hears no Ctrl+C of the terminal: each is ended in its turn."""
    with ExitStack() as opened:
        out = opened.enter_context(log.open("ab")) if log is not None else None
        return subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)


def listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until somebody listens on *port*; False if *process* ended or took too long."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask *process* to end, and see to it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
