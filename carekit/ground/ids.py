"""Ids that sort by time and cannot be guessed. The one place that reads the machine's randomness for ids."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


class Ids(Protocol):
    """Gives a new id with *prefix* for something made at *at*."""

    def new(self, prefix: str, at: datetime) -> str: ...


def _base32(value: int, length: int) -> str:
    return "".join(_ALPHABET[(value >> (5 * place)) & 31] for place in range(length - 1, -1, -1))


class RandomIds:
    """``c_`` + 10 characters of milliseconds + 12 of randomness (60 bits): unguessable, and in order of creation."""

    def new(self, prefix: str, at: datetime) -> str:
        return f"{prefix}_{_base32(int(at.timestamp() * 1000), 10)}{_base32(secrets.randbits(60), 12)}"


class SequentialIds:
    """``c_1``, ``c_2`` …: for tests and replays, where the same run must give the same ids."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def new(self, prefix: str, at: datetime) -> str:
        number = self._last[prefix] = self._last.get(prefix, 0) + 1
        return f"{prefix}_{number}"
