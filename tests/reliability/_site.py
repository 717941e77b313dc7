"""A desk in a folder: its file, the process that serves it, and what is kept in it."""

from __future__ import annotations

import smtplib
import socket
import sqlite3
import tomllib
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from carekit.testing import free_port
from tests.acceptance._shop import toml, until
from tests.reliability._nursery import Nursery, Running

ADDRESS = "help@northwind.example"
TOKEN = "a token for the tests of reliability"
Table = dict[str, Any]
Edit = Callable[[Table], None]

_SEED = """
[[agents]]
id = "lena"
name = "Lena Ortega"
email = "lena@northwind.example"
password = "mountain-lake"
capacity = 1000
available = true
"""


class Site:
    """One process of a desk. *edit* changes its file; *peer* is another process of the same desk, whose data it shares.

    Used as a context it is stopped at the end, and must end well.
    """

    def __init__(self, folder: Path, nursery: Nursery, edit: Edit | None = None, peer: Site | None = None) -> None:
        self.folder = folder
        self.nursery = nursery
        self.port, self.mail_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = folder / f"carekit-{self.port}.toml"
        self.log = folder / f"serve-{self.port}.log"
        self.paths: list[Path] = []
        self.environment: dict[str, str] | None = None
        self.arguments: list[str] = []
        self.process: Running | None = None
        self.starts = 0
        (folder / "seed.toml").write_text(_SEED, "utf-8")
        table = tomllib.loads(peer.file.read_text("utf-8")) if peer else _table()
        table["service"] |= {"listen": f"127.0.0.1:{self.port}", "url": self.url}
        table["channels"]["mail"]["listen"] = f"127.0.0.1:{self.mail_port}"
        if edit:
            edit(table)
        self.file.write_text(toml(table), "utf-8")
        self.http = httpx2.Client(base_url=self.url, timeout=10, headers={"Authorization": f"Bearer {TOKEN}"})

    # --- life

    def start(self, *, wait: bool = True, stopped: bool = False) -> None:
        """Start the process, and unless told otherwise *wait* until it takes requests and mail.

        A *stopped* one does nothing until it gets the signal CONT.
        """
        assert self.process is None or not self.process.alive
        line = ["serve", str(self.file), *self.arguments]
        self.process = self.nursery.start(
            line, self.log, paths=self.paths, environment=self.environment, stopped=stopped
        )
        self.starts += 1
        if wait:
            until(self.ready, "the service to be ready")

    def run(self, *arguments: str, stopped: bool = False) -> Running:
        """Another command of ``carekit``, whose output goes into the log; a *stopped* one waits for the signal CONT."""
        return self.nursery.start([*arguments], self.log, paths=self.paths, stopped=stopped)

    def ready(self) -> bool:
        """Whether it answers, and takes mail if it does such work."""
        assert self.process is not None
        assert self.process.alive, f"the service ended by itself:\n{self.output[-3000:]}"
        try:
            ready = self.http.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False
        return ready and ("web" in self.arguments or listens(self.mail_port))

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.alive

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.kill()

    def stop(self) -> None:
        """End it as an administrator does; it must end well, and within ten seconds."""
        if self.process is None or self.process.code is not None:
            return
        self.process.signal(15)
        code = self.process.wait(10)
        assert code is not None, f"it did not stop within 10 s:\n{self.output[-3000:]}"
        assert code == 0, self.output[-3000:]

    def close(self) -> None:
        """Be done with it, whatever state it is in."""
        self.http.close()
        if self.process is not None:
            self.process.kill()

    def __enter__(self) -> Site:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.stop()
                assert "Traceback" not in self.output, self.output[-3000:]
        finally:
            self.close()

    @property
    def output(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text("utf-8") if self.log.exists() else ""

    # --- what is kept

    def get(self, path: str, **query: Any) -> Any:
        """An answer of the API."""
        answer = self.http.get(f"/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self, *kinds: str) -> list[Any]:
        """All events there are, of the given kinds if any; the steps of every stream must be without gaps."""
        found: list[Any] = []
        while page := self.get("events", after=found[-1]["position"] if found else 0)["items"]:
            found += page
        steps: dict[str, Iterable[int]] = {}
        for event in found:
            if event["stream"].startswith("c_"):
                assert event["seq"] == next(steps.setdefault(event["stream"], count(1))), event  # type: ignore[call-overload]
        return [event for event in found if not kinds or event["kind"] in kinds]

    def texts(self, *kinds: str) -> list[str]:
        """What was written, message by message: the first line of each."""
        return [first_line(event["fact"]["text"]) for event in self.events(*(kinds or ("message_received",)))]

    def unsure(self) -> list[str]:
        """The texts of our messages of which nobody knows whether they arrived."""
        return self._with_status("unsure")

    def delivered(self) -> list[str]:
        """The texts of our messages that are known to be sent."""
        return self._with_status("sent")

    def _with_status(self, status: str) -> list[str]:
        sent: dict[tuple[str, int], str] = {}
        last: dict[tuple[str, int], str] = {}
        for event in self.events("message_sent", "delivery_changed"):
            if event["kind"] == "message_sent":
                sent[event["stream"], event["seq"]] = first_line(event["fact"]["text"])
            else:
                last[event["stream"], event["fact"]["message"]] = event["fact"]["status"]
        return [text for key, text in sent.items() if last.get(key) == status]

    def jobs(self) -> int:
        """How many jobs a desk on SQLite has, seen without asking the service."""
        return self._counted("SELECT count(*) FROM job")

    def has(self, text: str) -> bool:
        """Whether a desk on SQLite has received *text*, seen without asking the service."""
        kept = "SELECT count(*) FROM event WHERE kind = 'message_received' AND instr(body, CAST(? AS BLOB))"
        try:
            return self._counted(kept, text) > 0
        except sqlite3.OperationalError:  # it is being made, or recovered
            return False

    def _counted(self, query: str, *values: str) -> int:
        with closing(sqlite3.connect(self.folder / "care.db")) as connection:
            return int(connection.execute(query, values).fetchone()[0])

    def drain(self) -> None:
        """Wait for an outcome of every message, for as long as there are more of them within a minute."""
        left = self.waiting()
        while left:
            before = left
            until(lambda: self.waiting() < before, "an outcome of another message")  # noqa: B023
            left = self.waiting()

    def waiting(self) -> int:
        """How many of our messages have no outcome yet."""
        done = {"sent", "unsure", "failed", "delivered"}
        events = self.events("message_sent", "delivery_changed")
        outcomes = {(e["stream"], e["fact"]["message"]) for e in events if e["fact"].get("status") in done}
        asked = {(event["stream"], event["seq"]) for event in events if event["kind"] == "message_sent"}
        return len(asked - outcomes)


def _table() -> Table:
    return {
        "service": {
            "name": "Northwind care",
            "timezone": "UTC",
            "seed": "seed.toml",
            "secret": "a secret for tests only",
        },
        "store": {"use": "sql", "url": "sqlite:///care.db"},
        "channels": {
            "loop": {"use": "loopback"},
            "website": {"use": "chat", "messages_per_minute": 100_000, "visitors_per_minute": 100_000},
            "mail": {"use": "email", "address": ADDRESS, "protocol": "lmtp", "outbox": "outbox", "per_sender": 100_000},
        },
        "tokens": {"tests": {"value": TOKEN, "may": ["read", "write", "erase"]}},
    }


def first_line(text: str) -> str:
    """What our messages begin with; mail programs add to them below."""
    return text.strip().partition("\n")[0].strip()


def listens(port: int) -> bool:
    """Whether there is somebody who greets at *port*, as mail servers do."""
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=5):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def listens_at(port: int) -> bool:
    """Whether somebody takes connections at *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
