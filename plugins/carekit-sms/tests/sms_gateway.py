"""A real gateway, a real service, and telephones: Kannel's two boxes, `carekit serve`, and the far side of a fake SMSC.

Everything listens on loopback ports below 32768, lies in a temporary folder, and is gone afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx2

from carekit.testing import free_port

OURS = "13013"
FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
REMEDY = "apt-get install kannel kannel-extras"
TOKEN = "a token for these tests only"
PATIENCE = 40.0
"""Seconds to wait for what takes well under one on an idle machine."""
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def until(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true answer of *look*; fails with *what* was awaited."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain for {what}"
        time.sleep(0.05)
    return found


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child that writes into a file, and is ended with a signal."""

    def __init__(self, command: list[str], log: Path, folder: Path) -> None:
        self.log = log
        self._file = log.open("ab")
        self._child = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=self._file, stderr=subprocess.STDOUT
        )

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def end(self, patience: float = 10.0) -> None:
        """Ask it to end, and see to it."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._file.close()


CONFIG = """
group = core
admin-port = {admin}
admin-password = care
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
sms-combine-concatenated-mo-timeout = 60

group = smsc
smsc = fake
smsc-id = FAKE
port = {smsc}
our-host = 127.0.0.1
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
sendsms-chars = "0123456789+"
http-request-retry = 1000
http-queue-delay = 1
max-pending-requests = 20

group = sendsms-user
username = care
password = for-sending
max-messages = 10
concatenation = true
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"

group = sms-service
keyword = default
catch-all = true
post-url = "http://kannel:for-posting@127.0.0.1:{desk}/channels/sms/inbound?id=%I&from=%p&to=%P"
max-messages = 0
"""


class Kannel:
    """Bearerbox and smsbox of one configuration. ``desk`` is the port of the service that they post to."""

    def __init__(self, folder: Path, desk: int) -> None:
        self.folder = folder
        self.smsc, self.sendsms = free_port(), free_port()
        self._boxes = free_port()
        text = CONFIG.format(admin=free_port(), boxes=self._boxes, smsc=self.smsc, sendsms=self.sendsms, desk=desk)
        self._config = folder / "kannel.conf"
        self._config.write_text(text)
        self._processes: list[Process] = []

    def start(self) -> None:
        """Start both boxes, and wait until they take texts."""
        for box, port in (("bearerbox", self._boxes), ("smsbox", self.sendsms)):
            path = shutil.which(box, path=_PATH)
            assert path, REMEDY
            self._processes.append(
                Process([path, "-v", "0", str(self._config)], self.folder / f"{box}.log", self.folder)
            )
            until(lambda port=port: listens(port), f"{box} on port {port}")

    def stop(self) -> None:
        """End both, smsbox first."""
        while self._processes:
            self._processes.pop().end()

    @property
    def said(self) -> str:
        """What smsbox has logged."""
        return (self.folder / "smsbox.log").read_text("utf-8", "replace")


class FakeSmsc:
    """Kannel's own fake SMSC program: sends *messages* (one each, chosen at random), prints what comes."""

    def __init__(self, kannel: Kannel, *messages: str, count: int = 1, interval: float = 0.05) -> None:
        command = [FAKESMSC, "-H", "127.0.0.1", "-r", str(kannel.smsc), "-i", str(interval), "-m", str(count)]
        name = f"fakesmsc-{free_port()}.log"
        self._process = Process([*command, *messages], kannel.folder / name, kannel.folder)

    @property
    def got(self) -> list[str]:
        """The texts that it was sent, as it prints them: sender, receiver, type, data."""
        return re.findall(r"Got message \d+: <(.*)>", self._process.said)

    def __enter__(self) -> FakeSmsc:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()


class Phones:
    """Many telephones behind the fake SMSC, speaking its line protocol: for more texts than a command line holds."""

    def __init__(self, kannel: Kannel) -> None:
        self.got: list[tuple[str, str]] = []
        """Number and text of each message that reached a phone."""
        self._socket = socket.create_connection(("127.0.0.1", kannel.smsc), 10)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def write(self, number: str, text: str) -> None:
        """Write a text from *number*."""
        self._socket.sendall(f"{number} {OURS} text {text}\n".encode())

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                _, number, kind, data = line.rstrip(b"\n").split(b" ", 3)
                text = (
                    unquote_to_bytes(data.replace(b"+", b" ")).decode("utf-16-be")
                    if kind == b"ucs-2"
                    else data.decode()
                )
                self.got.append((number.decode(), text))

    def __enter__(self) -> Phones:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(10)
        self._socket.close()


class Service:
    """`carekit serve` with one channel of texts, watched through its API."""

    def __init__(self, folder: Path, port: int, channels: str) -> None:
        self.port = port
        self._folder = folder
        (folder / "carekit.toml").write_text(
            f'[service]\nname = "Northwind"\nlisten = "127.0.0.1:{port}"\nurl = "http://127.0.0.1:{port}"\n'
            f'[store]\nuse = "memory"\n[tokens.test]\nvalue = "{TOKEN}"\nmay = ["read", "write"]\n{channels}',
            "utf-8",
        )
        self._process: Process | None = None
        self.api = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "carekit.cli", "serve", "carekit.toml"]
        self._process = Process(command, self._folder / "carekit.log", self._folder)
        until(lambda: listens(self.port), "the service")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def close(self) -> None:
        """End it and the client."""
        self.stop()
        self.api.close()

    @property
    def said(self) -> str:
        """What it has logged."""
        return (self._folder / "carekit.log").read_text("utf-8", "replace")

    def begin(self, text: str, to: str) -> str:
        """Write first; the conversation."""
        body = {"channel": "sms", "to": {"kind": "phone", "value": to}, "text": text}
        answer = self.api.post("/api/v1/conversations/begin", json=body).raise_for_status().json()
        return str(answer["conversation"]["id"])

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        """Every event of one kind, in order."""
        found: list[Mapping[str, Any]] = []
        after: Any = 0
        while True:
            query = {"after": after, "limit": 200}
            page = self.api.get("/api/v1/events", params=query).raise_for_status().json()
            found += [event for event in page["items"] if event["kind"] == kind]
            if not page["items"]:
                return found
            after = page["cursor"]

    def received(self) -> list[str]:
        """The texts that came in."""
        return [event["fact"]["text"] for event in self.events("message_received")]

    def statuses(self, conversation: str) -> list[str]:
        """How far the messages of a conversation got."""
        changes = self.events("delivery_changed")
        return [event["fact"]["status"] for event in changes if event["stream"] == conversation]
