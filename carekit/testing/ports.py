"""Ports for servers that a test starts by itself."""

from __future__ import annotations

import secrets
import socket

FIRST, LAST = 20_000, 31_999
"""Below those that the system gives to outgoing connections."""

_given: set[int] = set()


def free_port() -> int:
    """A loopback port on which nobody listens, anywhere in a wide range and each only once.

    Tests that run beside this one look for a port at the same time; a seeded choice would give all of them the same.
    """
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
