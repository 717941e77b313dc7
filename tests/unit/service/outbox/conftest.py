"""A desk whose one channel leads to a far side that does what the test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import host
from tests.unit.service.outbox._far_side import FarSide


@pytest.fixture
def far() -> FarSide:
    return FarSide()


@pytest.fixture
def kit(far: FarSide) -> Iterator[DeskKit]:
    with host(far, more="") as kit:
        kit.write("hello")
        yield kit
