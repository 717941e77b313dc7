"""A desk that asks how it was, and a browser's worth of HTTP against its pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from carekit.testing import DeskKit
from carekit_survey import plugin

FILE = """
[service]
name = "Northwind <care>"
timezone = "Europe/Madrid"
secret = "a secret for tests only"
url = "https://care.example"

[store]
use = "memory"

[channels.loop]
use = "loopback"

[surveys.csat]
use = "csat"
{keys}

[surveys.other]
use = "ces"

[policies.how-was-it]
use = "survey"
survey = "csat"
"""


class Desk:
    """A desk with one conversation that a person resolved, so that its contact has a link."""

    def __init__(self, keys: str = "") -> None:
        self.kit = DeskKit(FILE.format(keys=keys), extra={"survey": plugin}, discover=False)
        self.kit.write("hello")
        self.kit.reply("bo", "done")
        self.kit.resolve("bo")
        mounts = [
            Mount(f"/surveys/{name}", routes=part.component.routes(self.kit.desk))
            for name, part in self.kit.service.settings.surveys.items()
        ]
        self.web = TestClient(Starlette(routes=mounts), base_url="https://care.example", follow_redirects=False)

    @property
    def path(self) -> str:
        """The path of the link that the contact was sent."""
        found = re.search(r"https://care\.example(/surveys/csat/\S+)", self.kit.sent[-1])
        assert found, "the contact got no link"
        return found[1]

    @property
    def steps(self) -> int:
        """How many events the log holds."""
        return self.kit.service.store.last_position()


@pytest.fixture
def make() -> Iterator[Callable[[str], Desk]]:
    """Makes desks with more keys for the survey, and closes them."""
    made: list[Desk] = []

    def make(keys: str = "") -> Desk:
        made.append(Desk(keys))
        return made[-1]

    yield make
    for desk in made:
        desk.kit.close()


@pytest.fixture
def asked(make: Callable[[str], Desk]) -> Desk:
    """A desk whose contact has just been asked."""
    return make("")
