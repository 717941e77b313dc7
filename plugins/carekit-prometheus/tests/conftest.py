"""A desk with the page, and meters that begin at nothing for each test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carekit.testing import DeskKit
from carekit_prometheus import plugin
from carekit_prometheus.process import meters

sys.path.insert(0, str(Path(__file__).parent))  # the helper prometheus_harness lies beside the tests

from prometheus_harness import FILE, Page

Make = Callable[[str], DeskKit]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """No test sees what another one counted."""
    meters.cache_clear()
    yield
    meters.cache_clear()


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes desks with more keys for the page, and closes them."""
    made: list[DeskKit] = []

    def make(keys: str = "") -> DeskKit:
        made.append(DeskKit(FILE.format(keys=keys), extra={"prometheus": plugin}, discover=False))
        return made[-1]

    yield make
    for kit in made:
        kit.close()


@pytest.fixture
def page(make: Make) -> Page:
    """A desk without a token."""
    return Page(make(""))
