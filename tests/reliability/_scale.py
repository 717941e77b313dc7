"""How much is tried: little by default, everything with ``CAREKIT_SWEEP=full``, repeated by its seed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from random import Random

FULL = os.environ.get("CAREKIT_SWEEP") == "full"
SEED = int(os.environ.get("CAREKIT_SEED", "20261124"))


def few(little: int, much: int) -> int:
    """*little* in a short run, *much* in a full one."""
    return much if FULL else little


def points(call: str, apart: int = 6) -> Iterator[int]:
    """At which of its calls to strike: each; in a short run, of those that come by the dozen, the first and some."""
    if FULL or call not in ("pwrite64", "write"):
        yield from count(1)
    yield from (1, 2, 3, 5)
    yield from count(5 + apart, apart)


def chance(name: str) -> Random:
    """The random numbers of one test."""
    return Random(f"{SEED} {name}")
