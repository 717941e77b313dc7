"""PostgreSQL and Redis as the tests need them: their own, stopped and started as they please."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from carekit.testing import free_port
from tests._servers import find, require
from tests.acceptance._shop import until
from tests.reliability._site import Table, listens_at

POSTGRESQL = "install PostgreSQL (Debian: apt-get install postgresql)"
REDIS = "install Redis (Debian: apt-get install redis-server)"


class Postgres:
    """A server with one database, safe against a crash as any of its default settings is."""

    def __init__(self) -> None:
        self._programs = require("initdb", POSTGRESQL).parent
        self.folder = Path(tempfile.mkdtemp(prefix="carekit-pg-"))
        self._as: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "nobody")
            self._as = [str(find("runuser")), "-u", "nobody", "--"]
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        self.start()

    def settings(self, table: Table) -> None:
        """Have a desk kept here."""
        table["store"]["url"] = self.url

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def crash(self) -> None:
        """End it as a crash does, in the middle of whatever it is at."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def close(self) -> None:
        """Stop it for good."""
        try:
            self.crash()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        line = [*self._as, str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(line, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)


class Redis:
    """A server that keeps nothing."""

    def __init__(self) -> None:
        self._program = str(require("redis-server", REDIS))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def settings(self, table: Table) -> None:
        """Have the processes of a desk tell each other through it."""
        table["bus"] = {"use": "redis", "url": f"redis://127.0.0.1:{self.port}/0"}

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        line = [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(line, cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL)
        until(lambda: listens_at(self.port), "redis-server to start")

    def stop(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
