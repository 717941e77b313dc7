"""Processes of ``carekit`` that tests start, stop, freeze and kill."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from tests.acceptance._shop import COMMAND, environment

PROGRAM = Path(__file__).with_name("_forking.py")


class Running:
    """One process that was started."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._handle = os.pidfd_open(pid)
        self.code: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self.wait(0) is None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it as a crash would, and see that it is gone."""
        if self.code is None:
            self.signal(signal.SIGKILL)
            self.wait(60)

    def wait(self, timeout: float) -> int | None:
        """Its exit code, negative for a signal; None if it has not ended within *timeout* seconds."""
        if self.code is None and select.select([self._handle], [], [], timeout)[0]:
            self.code = self._nursery.ask({"wait": self.pid})
            self._nursery.running.discard(self)
            os.close(self._handle)
        return self.code


class Nursery:
    """Starts processes of ``carekit``; at the end none of them is left."""

    def __init__(self) -> None:
        self.running: set[Running] = set()
        self._lock = Lock()
        # From elsewhere, so that it imports what is installed and not the tree.
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            cwd="/",
            env={**environment(), "COMMAND": str(COMMAND)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        arguments: list[str],
        log: Path,
        *,
        paths: list[Path] | None = None,
        environment: dict[str, str] | None = None,
        stopped: bool = False,
    ) -> Running:
        """``carekit`` with *arguments*; *paths* hold further plugins, *environment* what differs from ours.

        A *stopped* process waits for the signal CONT before it does anything.
        """
        order = {
            "arguments": arguments,
            "log": str(log),
            "paths": [*map(str, paths or [])],
            "environment": environment,
            "stopped": stopped,
        }
        running = Running(self, self.ask(order))
        self.running.add(running)
        return running

    def ask(self, order: dict[str, Any]) -> int:
        """What it answers to an order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """End everything."""
        for running in list(self.running):
            running.kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
