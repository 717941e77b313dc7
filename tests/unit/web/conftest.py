"""Fixtures of the HTTP edge's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from carekit.facts.events import AgentAdded
from carekit.service.pipeline.commands import Staff
from carekit.testing.desk import DeskKit
from tests.unit.web._web import TOML, Web, make_app


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    """A desk with a channel in each of two inboxes; lena sees both, bo only billing."""
    with DeskKit(TOML, discover=False) as kit:
        for id, inboxes in (("lena", ()), ("bo", ("billing",))):  # without a password: hashing takes most of a test
            fact = AgentAdded(id, id.title(), f"{id}@desk.example", inboxes=inboxes)
            kit.run(kit.service.submit(Staff(id, fact, "service")))
        yield kit


@pytest.fixture
def web(kit: DeskKit) -> Web:
    """The application over that desk."""
    return Web(kit, make_app(kit))
