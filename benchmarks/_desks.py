"""What the benchmarks of the store share: a desk on a database, a server of PostgreSQL, and what a store wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import dispatch

from carekit import Clock
from carekit.service import config, plugins
from carekit.service.service import Role, Service
from carekit.testing import free_port
from carekit_sql.dialects import Database
from carekit_sql.store import SqlStore

Written = list[tuple[str, Any, bool]]
"""The statements of one transaction: text, parameters, and whether these are the rows of many."""


def service(folder: Path, url: str, clock: Clock | None = None) -> Service:
    """The desk of dispatch.py on the database at *url*; jobs stay in the outbox, since it only answers requests."""
    module = types.ModuleType("echo_plugin")
    module.carekit_bots = dispatch.carekit_bots  # type: ignore[attr-defined]
    installed = plugins.load(extra={"echo": module})
    path = folder / "carekit.toml"
    path.write_text(dispatch.FILE.replace('use = "memory"', f'use = "sql"\nurl = "{url}"'), "utf-8")
    return Service(config.load(path, installed), installed, role=Role.WEB, clock=clock)


def database_of(care: Service) -> Database:
    """The database of an open desk."""
    assert isinstance(care.store, SqlStore)
    return care.store._opened().database


# --- what a store writes


class _Noting:
    """A connection that notes what is written through it."""

    def __init__(self, work: Any, written: Written) -> None:
        self._work = work
        self._written = written

    def execute(self, text: str, parameters: Sequence[Any] = (), **options: Any) -> Any:
        if text.startswith(("INSERT", "UPDATE", "DELETE")):
            self._written.append((text, parameters, False))
        return self._work.execute(text, parameters, **options)

    def executemany(self, text: str, rows: Any) -> Any:
        self._written.append((text, rows, True))
        return self._work.executemany(text, rows)


def noted(care: Service) -> list[Written]:
    """Fills with what each transaction of *care* writes from now on. It costs some microseconds a transaction."""
    database = database_of(care)
    writing, batches = database.writing, []

    @contextmanager
    def noting() -> Iterator[Any]:
        written: Written = []
        with writing() as work:
            yield _Noting(work, written)
        batches.append(written)

    database.writing = noting  # type: ignore[method-assign]
    return batches


def replay(connection: Any, batches: Sequence[Written], *, pipelined: bool = False) -> list[float]:
    """Write *batches* through the bare driver, each in a transaction; the seconds that each took."""
    begin = "BEGIN IMMEDIATE" if hasattr(connection, "executemany") else "BEGIN"
    took = []
    for written in batches:
        began = time.perf_counter()
        with connection.pipeline() if pipelined else nullcontext():
            connection.execute(begin)
            for text, parameters, many in written:
                if many:
                    connection.executemany(text, parameters)
                else:
                    connection.execute(text, parameters)
            connection.execute("COMMIT")
        took.append(time.perf_counter() - began)
    return took


# --- a server


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, if it is installed."""
    aside = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb", path=os.pathsep.join([*map(str, aside), os.environ.get("PATH", os.defpath)]))
    return Path(found).parent if found else None


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server with its own settings on this machine; the url of its databases without their name."""
    programs_ = programs()
    assert programs_ is not None, "install PostgreSQL (Debian: apt install postgresql)"
    home = Path(tempfile.mkdtemp(prefix="carekit-pg-", dir=folder))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        folder.chmod(0o755)
        shutil.chown(home, "nobody")
        as_user = ["runuser", "-u", "nobody", "--"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs_ / program), "-D", str(home / "data"), *arguments]
        subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL)

    port = free_port()
    run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
    run("pg_ctl", "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")


def create(server: str, name: str) -> str:
    """A new database called *name*; its url."""
    import psycopg

    with psycopg.connect(server + "postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return server + name
