"""``carekit doctor``: what answers, what does not, and why."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from carekit.ground.errors import Unavailable
from carekit.seams.channel import Channel
from carekit.seams.component import Health
from carekit.seams.desk import Desk
from carekit.testing.ports import free_port
from tests.unit.cli.conftest import Run, install, module


class Patient(Channel):
    """Says of itself what its name asks for."""

    async def examine(self, desk: Desk) -> Sequence[Health]:
        if self.name == "slow":
            await asyncio.sleep(60)
        if self.name == "down":
            raise Unavailable("far.example refused the connection: start it")
        if self.name == "broken":
            raise ZeroDivisionError("by zero")
        return [Health(f"{self.name}: mailbox", "ok", "logged in")]


@pytest.fixture
def port(file: Path) -> int:
    """The port of the file, free until somebody takes it."""
    port = free_port()
    file.write_text(file.read_text("utf-8").replace("[service]", f'[service]\nlisten = "127.0.0.1:{port}"'), "utf-8")
    return port


@pytest.fixture
def patients(file: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to which channels can be added."""
    install(monkeypatch, {"patients": module(carekit_channels=lambda: {"patient": Patient})})
    return file


def add(file: Path, *names: str) -> None:
    file.write_text(file.read_text() + "".join(f'\n[channels.{name}]\nuse = "patient"\n' for name in names))


def test_all_in_order(cli: Run, patients: Path, port: int) -> None:
    """The store and every part that connects to something are named; those that do not are left out."""
    add(patients, "mail")
    result = cli("doctor", patients)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"✓ listen: 127.0.0.1:{port} is free",
        "✓ store: it opens",
        "✓ mail: mailbox: logged in",
        "3 examined, 0 failed",
    ]


def test_each_fault_is_told_and_stops_nothing(cli: Run, patients: Path) -> None:
    """One that is down, one that never answers and one that is broken: all are told, and the exit code is 1."""
    add(patients, "down", "slow", "broken", "mail")
    result = cli("doctor", patients, "--timeout", "1")
    assert result.exit_code == 1
    assert "✗ down: far.example refused the connection: start it" in result.output
    assert "✗ slow: no answer within 1 s: can what it connects to be reached from here?" in result.output
    assert "✗ broken: its examination failed: ZeroDivisionError: by zero" in result.output
    assert "✓ mail: mailbox: logged in" in result.output


def test_as_json(cli: Run, patients: Path) -> None:
    """One array, the same exit code."""
    add(patients, "down")
    result = cli("doctor", patients, "--json")
    assert result.exit_code == 1
    assert [found["state"] for found in json.loads(result.output)] == ["ok", "ok", "failed"]


def test_a_port_that_is_taken_is_told(cli: Run, file: Path, port: int) -> None:
    """Before the service finds out; the rest is looked at all the same."""
    with socket.create_server(("127.0.0.1", port)):
        result = cli("doctor", file)
    assert result.exit_code == 1
    assert f"✗ listen: port {port} on 127.0.0.1 is in use by another program; stop it, or change" in result.output
    assert "✓ store: it opens" in result.output


def test_an_agent_of_an_inbox_that_is_gone_is_told(cli: Run, lasting: Path, port: int) -> None:
    """A channel was renamed, and somebody sees nothing any more."""
    assert port
    options = ("--name", "Ana", "--email", "ana@desk.example", "--inbox", "loop", "--password", "correct horse")
    assert cli("agents", "add", lasting, "ana", *options).exit_code == 0
    lasting.write_text(lasting.read_text("utf-8").replace("[channels.loop]", "[channels.lop]"), "utf-8")
    result = cli("doctor", lasting)
    assert result.exit_code == 0
    assert "! agent ana: there is no inbox 'loop' (did you mean \"lop\"?); the inboxes are lop; mend" in result.output
