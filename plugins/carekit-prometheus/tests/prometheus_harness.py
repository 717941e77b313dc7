"""A desk with the page, and the page as one reads it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from carekit.testing import DeskKit

FILE = """
[service]
name = "Test desk"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.loop]
use = "loopback"

[policies.routing]
use = "route"

[apps.metrics]
use = "prometheus"
{keys}
"""


def web_of(kit: DeskKit, host: str = "127.0.0.1") -> TestClient:
    """A client at *host* before the page of *kit*."""
    app = kit.service.settings.apps["metrics"].component
    return TestClient(Starlette(routes=[Mount("/metrics", routes=app.routes(kit.desk))]), client=(host, 50000))


class Page:
    """A desk, and its page as this machine reads it."""

    def __init__(self, kit: DeskKit) -> None:
        self.kit = kit
        self._web = web_of(kit)

    def figures(self) -> dict[str, float]:
        """Every figure by its name with labels, when all that waits has been told."""
        if (thread := self.kit.service.notifier._thread) is not None:
            thread.submit(int).result(10)
        lines = self._web.get("/metrics/").text.splitlines()
        return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if x and x[0] != "#")}
