"""Running the command line as a person does, in this process or in one of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import click
import pytest
from click.testing import CliRunner, Result

from carekit.builtin.memory import MemoryStore
from carekit.cli.main import run
from carekit.service import plugins

Run = Callable[..., Result]


class Shared(MemoryStore):
    """A store that outlives the command that opened it, as one on a disk would."""

    inline: ClassVar[bool] = False
    state: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, settings: object) -> None:
        super().__init__(name, settings)
        if not Shared.state:
            Shared.state.update(self.__dict__)
        self.__dict__ = Shared.state


FILE = """
[service]
name = "Test desk"
secret = "a secret for tests only"
data = "data"

[store]
use = "memory"

[channels.loop]
use = "loopback"
"""


@pytest.fixture
def cli() -> Run:
    """Runs ``carekit`` with arguments and gives its output, errors and exit code."""

    def call(*arguments: object, typed: str | None = None, env: Mapping[str, str | None] | None = None) -> Result:
        # click's own runner calls a command; ours is the function around it that turns errors into exit codes.
        entry = click.Command("carekit", callback=lambda: sys.exit(run([str(a) for a in arguments])))
        return CliRunner().invoke(entry, [], input=typed, env=env)

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file without faults, its store in memory."""
    path = tmp_path / "carekit.toml"
    path.write_text(FILE, "utf-8")
    return path


@pytest.fixture
def lasting(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose store keeps what one command wrote for the next."""
    Shared.state.clear()
    install(monkeypatch, {"shared": module(carekit_stores=lambda: {"shared": Shared})})
    file.write_text(file.read_text("utf-8").replace('use = "memory"', 'use = "shared"'), "utf-8")
    return file


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing but core were installed."""
    install(monkeypatch, {})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, Any]], None]:
    """Makes the modules given by name (or errors, or entry point values) the only plugins installed."""
    return lambda modules: install(monkeypatch, modules)


def install(monkeypatch: pytest.MonkeyPatch, modules: Mapping[str, Any]) -> None:
    """Replace what is found by entry points."""
    found = []
    for name, module in modules.items():
        value = module if isinstance(module, str) else f"tests_plugin_{name}"
        if isinstance(module, ModuleType):
            monkeypatch.setitem(sys.modules, value, module)
        found.append(EntryPoint(name, value, plugins.GROUP))
    monkeypatch.setattr(plugins, "entry_points", lambda group: found if group == plugins.GROUP else [])


def module(**functions: Any) -> ModuleType:
    """A plugin module with these hooks."""
    made = ModuleType("made")
    for name, function in functions.items():
        setattr(made, name, plugins.hookspecs.hookimpl(function))
    return made


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment for a process of its own."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
