"""What several tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers sms_* lie beside the tests

from sms_far_side import FarSide


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    """A provider's API that answers what a test tells it to."""
    with FarSide() as running:
        yield running
