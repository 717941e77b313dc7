"""``carekit serve`` in a process of its own: how it begins, why it does not, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import FILE

START = 60.0
"""Seconds that a busy machine may need to start."""


class Served:
    """A running ``carekit serve``."""

    def __init__(self, file: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "carekit.cli", "serve", str(file), *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait(self, seconds: float = START) -> tuple[int, str, str]:
        """Exit code, output and errors once it has ended."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err

    def until(self, sign: str) -> str:
        """What it printed up to the line with *sign*."""
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if sign in line:
                return said
        raise AssertionError(f"it ended before it said {sign!r}: {said}{self.process.stderr.read()}")  # type: ignore[union-attr]


@pytest.fixture
def serve() -> Iterator[type[Served]]:
    """Starts services, and ends those that are left."""
    made: list[Served] = []

    class Kept(Served):
        def __init__(self, file: Path, *arguments: str) -> None:
            super().__init__(file, *arguments)
            made.append(self)

    yield Kept
    for served in made:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()


@pytest.fixture
def port() -> int:
    """A port of this machine that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def test_it_says_what_runs_answers_and_stops(serve: type[Served], file: Path, port: int) -> None:
    """The start is summed up with addresses, /healthz answers, and TERM ends it with 0."""
    served = serve(file, "--port", str(port))
    said = served.until("Ctrl+C stops")
    assert said.startswith("carekit 0.1.0: Test desk, ready in ")
    assert f" at http://127.0.0.1:{port}\n" in said
    for line in ("  channel     loop (loopback)", f"  API         http://127.0.0.1:{port}/api", "  store       memory"):
        assert line in said
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    served.process.send_signal(signal.SIGTERM)
    code, out, err = served.wait()
    assert (code, out, err) == (0, "stopped\n", "")


def test_quiet_prints_nothing(serve: type[Served], file: Path, port: int) -> None:
    """--quiet is for those who read logs only."""
    served = serve(file, "--port", str(port), "--quiet")
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    served.process.send_signal(signal.SIGTERM)
    assert served.wait() == (0, "", "")


def test_an_interrupt_ends_it_as_well(serve: type[Served], file: Path, port: int) -> None:
    """Ctrl+C is no error."""
    served = serve(file, "--port", str(port))
    served.until("Ctrl+C stops")
    served.process.send_signal(signal.SIGINT)
    code, _, err = served.wait()
    assert (code, err) == (0, "")


def test_a_reader_that_never_reads_cannot_keep_it_from_stopping(serve: type[Served], file: Path, port: int) -> None:
    """With sockets open that send half a request or never read an answer, it has ended 10 s after TERM."""
    served = serve(file, "--port", str(port))
    served.until("Ctrl+C stops")
    stuck = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    stuck[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    stuck[1].sendall(b"POST /channels/loop/inbound HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf")
    stuck[2].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 200)
    time.sleep(0.5)
    served.process.send_signal(signal.SIGTERM)
    code, _, err = served.wait(10)
    assert code == 0, err
    for connection in stuck:
        connection.close()


def test_a_port_in_use_is_one_sentence(serve: type[Served], file: Path) -> None:
    """The message names the address and the remedy, and the exit code is 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = serve(file, "--port", str(port)).wait()
    assert (code, out) == (1, "")
    assert err.startswith("carekit: ") and len(err.splitlines()) == 1
    assert f"port {port} on 127.0.0.1 is in use by another program; stop it, or change listen" in err


def test_a_data_folder_that_cannot_be_made_is_one_sentence(serve: type[Served], file: Path, port: int) -> None:
    """A file in the way of the folder is explained with its remedy; nobody sees a traceback."""
    pytest.importorskip("carekit_sql", reason="needs a durable store: pip install ./plugins/carekit-sql")
    (file.parent / "data").write_text("", "utf-8")
    text = FILE.replace('secret = "a secret for tests only"\n', "")
    file.write_text(text.replace('use = "memory"', 'use = "sql"\nurl = "sqlite:///care.db"'), "utf-8")
    code, out, err = serve(file, "--port", str(port)).wait()
    assert (code, out) == (1, "")
    data = file.parent / "data"
    said = f"[service] data: {data} cannot be a folder, because {data} is a file; name another"
    assert err == f"carekit: {file}: {said}\n"


def test_a_database_that_cannot_be_opened_is_one_sentence(serve: type[Served], file: Path, port: int) -> None:
    """A folder where the database should be is explained; nobody sees a traceback."""
    pytest.importorskip("carekit_sql", reason="needs a durable store: pip install ./plugins/carekit-sql")
    (file.parent / "care.db").mkdir()
    text = FILE.replace('use = "memory"', 'use = "sql"\nurl = "sqlite:///care.db"')
    file.write_text(text, "utf-8")
    code, out, err = serve(file, "--port", str(port)).wait()
    assert (code, out) == (1, ""), err
    assert err.startswith("carekit: ") and "care.db" in err
    assert "Traceback" not in err


def test_any_free_port_can_be_asked_for(serve: type[Served], file: Path) -> None:
    """With port 0 the system chooses, and the summary says which one it is."""
    served = serve(file, "--port", "0")
    address = served.until("ready in").rpartition(" at ")[2].strip()
    assert not address.endswith(":0")
    with urllib.request.urlopen(f"{address}/healthz", timeout=10) as answer:
        assert answer.status == 200
    served.process.send_signal(signal.SIGTERM)
    assert served.wait()[0] == 0


def test_faults_in_the_file_keep_it_from_starting(serve: type[Served], file: Path) -> None:
    """All faults are printed, as check prints them."""
    file.write_text(FILE + '[policies.a]\nuse = "rout"\n[xyz]\n', "utf-8")
    code, out, err = serve(file).wait()
    assert (code, out) == (1, "")
    assert "[policies.a] use: 'rout' is not installed" in err and "top level xyz: is not a section" in err


def test_first_agents_are_planted_once(serve: type[Served], file: Path, port: int) -> None:
    """A seed file gives a trial its agents and says how to log in."""
    seed = '[[agents]]\nid = "ana"\nname = "Ana"\nemail = "ana@desk.example"\npassword = "correct horse"\n'
    (file.parent / "agents.toml").write_text(seed, "utf-8")
    file.write_text(FILE.replace('data = "data"', 'data = "data"\nseed = "agents.toml"'), "utf-8")
    served = serve(file, "--port", str(port))
    served.until("demo agent  ana@desk.example, password correct horse")
    served.process.send_signal(signal.SIGTERM)
    assert served.wait()[0] == 0


def test_a_role_needs_a_store_for_several(serve: type[Served], file: Path) -> None:
    """A process that leaves half of the work to others is refused where there can be no others."""
    code, _, err = serve(file, "--role", "web").wait()
    assert code == 1
    assert "--role web needs a store that several processes can share" in err
    assert "leave --role out, or change [store]" in err
