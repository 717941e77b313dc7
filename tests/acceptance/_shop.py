"""The example shop as a process of its own: copied into a temporary folder, on free ports, watched to its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2

from carekit.testing import free_port

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "shop"
COMMAND = Path(sys.executable).with_name("carekit")
TOKEN = "a token for the acceptance tests"
PATIENCE = 60.0
"""Seconds to wait for something that takes well under one on an idle machine."""

Table = dict[str, Any]
Edit = Callable[[Table], None]


def until(look: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true answer of *look*; fails with *what* was awaited."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain for {what}"
        time.sleep(0.1)
    return found


def toml(table: Mapping[str, Any]) -> str:
    """*table* as TOML text; tables in it are written inline, which is the same thing."""
    return "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def environment(*paths: Path) -> dict[str, str]:
    """Of the service's process: *paths* hold plugins; compiled modules are kept, as they are for any user."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "CAREKIT", "COV"))}
    cache = Path(tempfile.gettempdir()) / f"carekit-acceptance-pycache-{os.getuid()}"
    extra = {"PYTHONPATH": os.pathsep.join(map(str, paths))} if paths else {}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": str(cache), **extra}


def plugin(folder: Path, name: str, source: str) -> Path:
    """A distribution with one module *name*, announced as a plugin; the folder to put on the path."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source, "utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[carekit]\n{name} = {name}\n", "utf-8")
    return folder


class Shop:
    """A copy of the example, its file changed by *edit* and its demo agents by *staff*; *paths* hold more plugins.

    Its hours are "always", so that no test depends on the day it runs on. Used as a context it runs until the end,
    where it is asked to stop and must have done so within ten seconds, without a traceback in its output.
    """

    def __init__(self, folder: Path, edit: Edit | None = None, staff: Edit | None = None, *paths: Path) -> None:
        self.folder = folder / "shop"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("data"))
        self.file = self.folder / "carekit.toml"
        self.log = folder / "serve.log"
        self.outbox = self.folder / "data" / "outbox"
        self.port, self.mail_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._paths = paths
        self._edit(edit)
        if staff:
            seed = self.folder / "seed.toml"
            table = tomllib.loads(seed.read_text("utf-8"))
            staff(table)
            seed.write_text(toml(table), "utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx2.Client(base_url=self.url, timeout=PATIENCE, headers={"Authorization": f"Bearer {TOKEN}"})

    def _edit(self, edit: Edit | None) -> None:
        table = tomllib.loads(self.file.read_text("utf-8"))
        table["service"] |= {"listen": f"127.0.0.1:{self.port}", "url": self.url}
        table["channels"]["support-mail"]["listen"] = f"127.0.0.1:{self.mail_port}"
        table["calendars"]["office"] = {"hours": "always"}
        table["tokens"] = {"acceptance": {"value": TOKEN, "may": ["read", "write"]}}
        if edit:
            edit(table)
        self.file.write_text(toml(table), "utf-8")

    # --- life

    def start(self, ready: tuple[int, ...] = (200,)) -> None:
        """Start the process and return when its health has one of the statuses *ready*."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                # From elsewhere: nothing in the file may depend on where it is started.
                [COMMAND, "serve", self.file],
                cwd=self.folder.parent,
                env=environment(*self._paths),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(lambda: self._health() in ready, "the service to be ready")

    def _health(self) -> int:
        assert self.process is not None
        assert self.process.poll() is None, f"the service ended by itself:\n{self.output}"
        try:
            return self.http.get("/readyz").status_code
        except httpx2.TransportError:
            return 0

    def kill(self) -> None:
        """What a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """What an administrator does; it must end well, and soon."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"it did not stop within 10 s:\n{self.output}") from None
        assert code == 0, self.output
        assert self.output.endswith("stopped\n")
        assert "Traceback" not in self.output, self.output

    def __enter__(self) -> Shop:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop it, and be done with it."""
        self.http.close()
        self.stop()

    @property
    def output(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text("utf-8")

    # --- looking at it, and acting as a program

    def run(self, *arguments: str) -> str:
        """What the ``carekit`` command prints for this file."""
        command, *rest = arguments
        line = [str(COMMAND), command, str(self.file), *rest]
        done = subprocess.run(line, capture_output=True, env=environment(*self._paths), timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def get(self, path: str, **query: Any) -> Any:
        """An answer of the API."""
        answer = self.http.get(f"/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, conversation: str, what: str, **body: Any) -> Any:
        """A step of a conversation by the API."""
        answer = self.http.post(f"/api/v1/conversations/{conversation}/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def conversations(self, **query: Any) -> list[Any]:
        """The conversations, changed last first."""
        items: list[Any] = self.get("conversations", **query)["items"]
        return items

    def events(self, conversation: str, kind: str = "") -> list[Any]:
        """The events of a conversation, of one kind if given."""
        items = self.get(f"conversations/{conversation}/events")["items"]
        return [event for event in items if kind in ("", event["kind"])]

    def event(self, conversation: str, kind: str) -> Any:
        """The first event of a kind, awaited."""
        return until(lambda: self.events(conversation, kind), f"{kind} in {conversation}")[0]

    def said(self, conversation: str) -> list[tuple[str, str]]:
        """The messages of a conversation as (author, text)."""
        events = self.events(conversation)
        return [
            (event["fact"].get("author", "contact"), event["fact"]["text"])
            for event in events
            if event["kind"] in ("message_received", "message_sent")
        ]

    def about(self, text: str) -> Any:
        """The conversation in which the contact wrote *text*, awaited."""

        def look() -> Any:
            every = self.conversations()
            return next((one for one in every if ("contact", text) in self.said(one["id"])), None)

        return until(look, f"a conversation about {text!r}")

    def deliver(self, mail: EmailMessage, sender: str | None = None) -> None:
        """Hand a mail to the shop's own listener."""
        self.hand_over(mail.as_bytes(), str(mail["From"]) if sender is None else sender)

    def hand_over(self, raw: bytes, sender: str, recipient: str = "help@northwind.example") -> None:
        """The same with bytes that need not be a mail."""
        until(lambda: _listens(self.mail_port), "the listener for mail")
        with smtplib.SMTP("127.0.0.1", self.mail_port, timeout=PATIENCE) as server:
            server.sendmail(sender, [recipient], raw)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
