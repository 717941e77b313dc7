"""The pytest plugin: fixtures ``clock`` and ``desk``, and the marker that gives the desk its file.

Importing it costs nothing: a desk is loaded by the first test that asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from carekit.testing.clock import FrozenClock
    from carekit.testing.desk import DeskKit

pytest.register_assert_rewrite("carekit.testing.contracts")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "carekit_file(toml): the text of the file from which the fixture desk is made")


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands still on a Monday, 09:00 UTC, until the test moves it."""
    from carekit.testing.clock import FrozenClock

    return FrozenClock()


@pytest.fixture
def desk(request: pytest.FixtureRequest, clock: FrozenClock) -> Iterator[DeskKit]:
    """A whole desk in memory on ``clock``; ``@pytest.mark.carekit_file("…")`` gives its file."""
    from carekit.testing.desk import MINIMAL, DeskKit

    marker = request.node.get_closest_marker("carekit_file")
    with DeskKit(marker.args[0] if marker else MINIMAL, clock=clock) as kit:
        yield kit
