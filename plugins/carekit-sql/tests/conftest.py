"""Databases for the tests: files of SQLite, and databases of a PostgreSQL server that is asked for or started here."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from carekit import Secret
from carekit.testing import free_port
from carekit_sql.store import SqlSettings, SqlStore

# By path, because the tests are no package that could be imported by name.
_spec = importlib.util.spec_from_file_location("_carekit_sql_making", Path(__file__).parent / "making.py")
assert _spec is not None and _spec.loader is not None
_making = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_making)

REMEDY = "install PostgreSQL (Debian: apt install postgresql) or give a server's url in CAREKIT_TEST_PG"


def _absent(reason: str) -> None:
    if os.environ.get("CAREKIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (CAREKIT_REQUIRE_SERVERS=1 forbids skipping)", pytrace=False)
    pytest.skip(reason)


def _programs() -> Path | None:
    aside = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, aside)]))
    return Path(found).parent if found else None


def _in_memory() -> str | None:
    """A folder in memory, if there is room: the store insists on fsync, and nothing of the tests is to be kept."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 2**30 else None


class Server:
    """A PostgreSQL server in which the tests may make databases; ``private`` if it serves nobody else.

    Making a database and its tables takes a fifth of a second, dropping one a checkpoint. So each is used again: one
    whose tables a test left as they were without its rows, any other without its tables.
    """

    def __init__(self, url: str, *, private: bool) -> None:
        self.url = url
        self.private = private
        self._names = (f"carekit_test_{os.getpid()}_{number}" for number in itertools.count())
        self._made: list[str] = []
        self._free: dict[bool, list[str]] = {True: [], False: []}

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def create(self) -> str:
        name = next(self._names)
        self.execute(f"create database {name}")
        self._made.append(name)
        return name

    def url_of(self, name: str) -> str:
        return self.url.rpartition("/")[0] + "/" + name

    @contextmanager
    def borrowed(self, *, with_tables: bool) -> Iterator[str]:
        """The url of a database that has nothing in it, perhaps not even tables."""
        free = self._free[with_tables]
        name = free.pop() if free else self.create()
        yield self.url_of(name)
        self._clear(name, with_tables=with_tables)
        free.append(name)

    def _clear(self, name: str, *, with_tables: bool) -> None:
        import psycopg

        others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        with psycopg.connect(self.url_of(name), autocommit=True) as connection:
            connection.execute(f"{others} and pid <> pg_backend_pid()")
            if not with_tables:
                connection.execute(f"drop schema public cascade; create schema public; alter database {name} reset all")
                return
            tables = connection.execute(
                "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
            ).fetchall()
            connection.execute("; ".join(f"delete from {table}" for (table,) in tables) or "select")
            connection.execute(
                "select setval(oid, 1, false) from pg_class"
                " where relkind = 'S' and relnamespace = 'public'::regnamespace"
            )

    def drop_all(self) -> None:
        for name in self._made:
            self.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def make() -> ModuleType:
    """Makes conversations, events and batches; see making.py."""
    return _making


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if importlib.util.find_spec("psycopg") is None:
        _absent("psycopg is not installed: install carekit-sql[postgresql]")
    if given := os.environ.get("CAREKIT_TEST_PG"):
        found = Server(given, private=False)
        yield found
        found.drop_all()
        return
    programs = _programs()
    if programs is None:
        _absent(f"PostgreSQL is not installed: {REMEDY}")
        return
    folder = Path(tempfile.mkdtemp(prefix="carekit-pg-", dir=_in_memory()))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "nobody")
        as_user = ["runuser", "-u", "nobody", "--"]
    data = str(folder / "data")

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_user, str(programs / program), *arguments], check=True, cwd=folder, stdout=subprocess.DEVNULL
        )

    port = free_port()
    try:
        run("initdb", "-A", "trust", "-U", "postgres", "-D", data, "--no-sync", "-E", "UTF8")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "-w", "-D", data, "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(f"postgresql://postgres@127.0.0.1:{port}/postgres", private=True)
        finally:
            run("pg_ctl", "-w", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The url of an empty database of PostgreSQL, for a test that makes or changes its tables."""
    with server.borrowed(with_tables=False) as url:
        yield url


@pytest.fixture
def ready(server: Server) -> Iterator[str]:
    """The url of a database of PostgreSQL that may have our tables, and nothing in them."""
    with server.borrowed(with_tables=True) as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The url of a file of SQLite that does not exist yet."""
    return f"sqlite:///{tmp_path}/care.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind, for a test that makes or changes its tables."""
    return str(request.getfixturevalue("file" if request.param == "sqlite" else "database"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str:
    """A database of each kind without any rows, for a test that leaves the tables as they are."""
    return str(request.getfixturevalue("file" if request.param == "sqlite" else "ready"))


@pytest.fixture
def open_store() -> Iterator[Callable[[str], SqlStore]]:
    """Opens a store at a url; closes all of them at the end, before their databases go."""
    opened = []

    def open_at(url: str) -> SqlStore:
        store = SqlStore("test", SqlSettings(url=Secret(url)))
        opened.append(store)
        store.open()
        return store

    yield open_at
    for store in opened:
        store.close()


@pytest.fixture
def store(place: str, open_store: Callable[[str], SqlStore]) -> SqlStore:
    return open_store(place)


@pytest.fixture
def elsewhere(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the same kind as ``url``, in another place."""
    if url.startswith("sqlite"):
        (tmp_path / "elsewhere").mkdir()
        yield f"sqlite:///{tmp_path}/elsewhere/care.db"
        return
    server: Server = request.getfixturevalue("server")
    with server.borrowed(with_tables=False) as other:
        yield other
