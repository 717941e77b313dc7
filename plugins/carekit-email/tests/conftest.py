"""Fixtures of this plugin's tests. Helpers beside this file are loaded by path, so no folder need be importable."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from carekit import testing

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "data" / "email"


def load(path: Path) -> ModuleType:
    """Import the file *path* under a name that nothing else has."""
    name = f"mail_tests_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


for helper in ("broken_wire.py", "pop3_server.py"):
    load(Path(__file__).with_name(helper))
_mailroom = load(Path(__file__).with_name("mailroom.py"))
_servers = load(Path(__file__).with_name("servers.py"))
dovecot, postfix = _servers.dovecot, _servers.postfix


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives a free loopback port at each call."""
    return testing.free_port


@pytest.fixture
def anyio_backend() -> str:
    """The one event loop the plugin runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of labelled mails, kept outside of this repository because some have copyleft licences."""
    if not (CORPUS / "manifest.json").exists():
        pytest.skip("no corpus of mails: put the shared data folder beside the repository (../shared/data/email)")
    return CORPUS


@pytest.fixture(scope="session")
def scorer(corpus: Path) -> ModuleType:
    """The corpus's own comparison rules."""
    return load(corpus / "score.py")


@pytest.fixture(scope="session")
def scoring() -> ModuleType:
    """Our codec as the scorer wants it."""
    return load(Path(__file__).with_name("scoring.py"))


@pytest.fixture(scope="session")
def quotations() -> ModuleType:
    """Examples of how mail programs quote."""
    return load(Path(__file__).with_name("quotations.py"))


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    """The maker of broken mail."""
    return load(Path(__file__).with_name("mutations.py"))


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes mailrooms: desks in memory with one e-mail channel, from a file with changes."""
    made: list[Any] = []

    def make(more: str = "", file: str = _mailroom.FILE) -> Any:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(_mailroom.Mailroom(folder, file + more))
        return made[-1]

    yield make
    for one in made:
        one.kit.close()


@pytest.fixture
def on_sqlite() -> Callable[[str], str]:
    """Gives a file of a mailroom with its store in SQLite, which outlives a process and is shared by several."""
    if not any(entry.name == "sql" for entry in entry_points(group="carekit")):
        pytest.skip("no store that two processes share: pip install carekit-sql")
    return lambda text: text.replace('use = "memory"', 'use = "sql"\nurl = "sqlite:///care.db"')


@pytest.fixture
def room(rooms: Callable[..., Any]) -> Any:
    """One mailroom as it comes."""
    return rooms()
