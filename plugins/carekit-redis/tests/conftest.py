"""A Redis server of the tests' own, which can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carekit.testing import free_port

REMEDY = "redis-server is not installed: install it (Debian: apt install redis-server)"


class Server:
    """A server on a free port of this machine, without anything on the disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", str(self._folder), *self._options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("redis-server did not start within 20 s")

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def _absent(reason: str) -> None:
    if os.environ.get("CAREKIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (CAREKIT_REQUIRE_SERVERS=1 forbids skipping)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("redis-server") is None:
        _absent(REMEDY)
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """One that asks for a password."""
    if shutil.which("redis-server") is None:
        _absent(REMEDY)
    server = Server(tmp_path, "--requirepass", "open sesame")
    yield server
    server.stop()
