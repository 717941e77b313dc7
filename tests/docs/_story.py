"""Plays what a page tells: its files in a folder, its commands as processes, on ports that are free."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.docs._pages import files

PATIENCE = 60.0
"""Seconds to wait for a process to say something; reaching it is a failure, whatever the machine does meanwhile."""


class Story:
    """A folder in which a page's files lie and its commands run; *ports* replaces the numbers on the page."""

    def __init__(self, page: Path, folder: Path, ports: Mapping[str, int]) -> None:
        self.page = page
        self.folder = folder
        self.ports = ports
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "",
            "TZ": "UTC",
        }

    def moved(self, text: str) -> str:
        """*text* with this machine's ports in place of the page's."""
        for number, port in self.ports.items():
            text = re.sub(rf"\b{number}\b", str(port), text)
        return text

    def lay_out(self, *names: str) -> None:
        """Write the page's files of these *names*, all without any."""
        shown = files(self.page)
        for name in names or shown:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.moved(shown[name]), "utf-8")

    def install(self) -> None:
        """What ``pip install -e .`` leaves behind, without an index: the folder on the path, and its metadata."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))["project"]
        info = self.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        points = "\n".join(f"{name} = {module}" for name, module in project["entry-points"]["carekit"].items())
        (info / "entry_points.txt").write_text(f"[carekit]\n{points}\n")
        self.environment["PYTHONPATH"] = str(self.folder)

    def run(self, command: list[str], *, code: int = 0, **more: str) -> str:
        """Run *command* to its end; what it said, on both outputs."""
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE * 3,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    @contextmanager
    def running(self, *command: str) -> Iterator[Running]:
        """Run *command* in the background, and end it as Ctrl+C would."""
        process = Running(command, self.folder, self.environment)
        try:
            yield process
        finally:
            process.end()


class Running:
    """A process in the background, whose lines can be waited for."""

    def __init__(self, command: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def type(self, line: str) -> None:
        """Type a line into it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def says(self, text: str) -> str:
        """Wait for a line with *text*."""
        until = time.monotonic() + PATIENCE
        with self._news:
            while True:
                for line in self.lines:
                    if text in line:
                        return line
                assert self._reader.is_alive(), f"ended without {text!r}:\n" + "\n".join(self.lines)
                assert self._news.wait(until - time.monotonic()), f"no {text!r} in:\n" + "\n".join(self.lines)

    def end(self) -> int:
        """End it gracefully; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        if self.process.stdin is not None:
            self.process.stdin.close()  # a signal just before it begins to read would not wake it
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join(PATIENCE)
            if self.process.stdout is not None:
                self.process.stdout.close()
        return code


def like(expected: str, said: str) -> bool:
    """Whether *said* is *expected*, in which … stands for anything on a line."""
    pattern = re.escape(expected.strip()).replace("…", "[^\n]*")
    return re.fullmatch(pattern, said.strip()) is not None
