"""Faults at chosen system calls of a running process, by strace(1): killed at the Nth write, or told of a broken disk.

strace counts each system call of each thread apart, so a sweep goes through one call after another. A signal comes when
the call is entered: what the calls before it did has happened, and the call itself may or may not have.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from tests._servers import require
from tests.reliability._nursery import Running

DURABLE = ("fsync", "fdatasync", "pwrite64", "rename", "unlink", "ftruncate")
"""Calls after which something is on the disk that was not there before."""
ANSWERS = ("write",)
"""The call with which the event loop answers the far side; also the first way into a file."""


@cache
def require_strace() -> str:
    """The path of the program; without it, or where nobody may trace another, the test is skipped with the remedy."""
    program = str(require("strace", "apt-get install strace"))
    with subprocess.Popen(["sleep", "60"]) as other:  # as with a service: not a child of the tracer
        tried = subprocess.Popen([program, "-p", str(other.pid), "-o", "/dev/null"], stderr=subprocess.PIPE, text=True)
        assert tried.stderr is not None
        said = tried.stderr.readline()
        tried.terminate()
        other.kill()
        tried.communicate()
    if "attached" not in said:
        pytest.skip(f"this machine lets nobody trace a process: allow ptrace (CAP_SYS_PTRACE); {said.strip()}")
    return program


@contextmanager
def fault(process: Running, call: str, what: str, *, when: str = "1+") -> Iterator[None]:
    """Within the context *process* meets *what* (``signal=KILL``, ``error=EIO``) at the calls *when* counts.

    *when* is strace's: ``3`` for the third, ``3+`` from the third on.
    """
    line = [require_strace(), "-f", "-p", str(process.pid), "-o", "/dev/null", "-e", f"trace={call}"]
    tracer = subprocess.Popen([*line, "-e", f"inject={call}:{what}:when={when}"], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        first = tracer.stderr.readline()
        assert "attached" in first, f"strace cannot watch the service: {first}{tracer.stderr.read()}"
        yield
    finally:
        tracer.terminate()
        try:
            tracer.communicate(timeout=5)
        except subprocess.TimeoutExpired:  # once in a while it waits for a thread that died when it was let go
            tracer.kill()
            tracer.communicate()
