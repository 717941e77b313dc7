"""Ports for servers of tests: free, in their range, and never the same twice."""

from __future__ import annotations

import socket

import pytest

from carekit.testing import free_port
from carekit.testing import ports as module


def test_a_port_is_free_and_given_once() -> None:
    """Somebody can listen there, and the next one who asks gets another."""
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50
    assert all(module.FIRST <= port <= module.LAST for port in given)
    with socket.create_server(("127.0.0.1", given[0])):
        pass


def test_a_port_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds it keeps it."""
    with socket.create_server(("127.0.0.1", free_port())) as held:
        taken = held.getsockname()[1]
        wanted = iter([taken, free_port()])
        monkeypatch.setattr(module.secrets, "randbelow", lambda _: next(wanted) - module.FIRST)
        monkeypatch.setattr(module, "_given", set())
        assert free_port() != taken
