"""The world of each test, and where the helpers lie."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helper console_harness lies beside the tests

from console_harness import World


@pytest.fixture
def world() -> Iterator[World]:
    """A desk with a bot, routing, a first-reply promise and the console, and nobody in it."""
    made = World()
    yield made
    made.kit.close()
