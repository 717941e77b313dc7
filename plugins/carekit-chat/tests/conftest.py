from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers named chat_* lie beside the tests

if TYPE_CHECKING:
    from chat_shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    from chat_shop import shop_of

    yield from shop_of()
