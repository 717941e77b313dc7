"""The app: one page in the text format of Prometheus, for those who may read it."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import attrs

from carekit import App, CarekitError, Desk, Presence, Query, Scope, Secret, Status, setting
from carekit_prometheus.process import meters

if TYPE_CHECKING:  # starlette takes its time to import, and most commands serve no page
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

SHORTEST = 16
"""Characters of a token, so that guessing is hopeless."""
STATUSES = (Status.OPEN, Status.WAITING, Status.SNOOZED)
"""What is counted at each reading: the others only grow, and the events tell how fast."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers by which a proxy gives itself away: behind one, everybody seems to come from this machine."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@attrs.frozen
class MetricsSettings:
    """Keys of ``[apps.*]`` with ``use = "prometheus"``."""

    token: Secret | None = setting(
        "bearer token that readers must send; without one, only this machine may read", default=None
    )


class Metrics(App):
    """Shows the meters of this process."""

    Settings = MetricsSettings
    path = "/metrics"
    starter = """\
# The desk's figures for Prometheus. Without a token only this machine may read them.
[apps.metrics]
use = "prometheus"
path = "/metrics"
# token = { env = "METRICS_TOKEN" }
"""

    settings: MetricsSettings

    def check(self) -> Iterable[str]:
        token = self.settings.token
        if token is not None and len(token.reveal()) < SHORTEST:
            yield f"token: is too short to be a secret; use at least {SHORTEST} characters"

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        from prometheus_client import CONTENT_TYPE_LATEST
        from starlette.responses import PlainTextResponse, Response
        from starlette.routing import Route

        shown = meters()

        async def read(request: Request) -> Response:
            if refused := self._refused(request):
                status, text = refused
                extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
                return PlainTextResponse(f"{text}\n", status, HEADERS | extra)
            try:
                shown.now(*await _standing(desk))
            except CarekitError:  # the store is away: that is worth a figure, and the others still hold
                shown.unknown()
            return Response(shown.text(), 200, HEADERS | {"Content-Type": CONTENT_TYPE_LATEST})

        return [Route("/", read, methods=["GET"])]

    def _refused(self, request: Request) -> tuple[int, str] | None:
        """Status and reason, if who asks may not read."""
        if self.settings.token is not None:
            kind, _, given = request.headers.get("authorization", "").partition(" ")
            fits = hmac.compare_digest(_digest(given.strip()), _digest(self.settings.token.reveal()))
            return None if fits and kind.lower() == "bearer" else (401, "send the bearer token of this page")
        if _is_near(request):
            return None
        return 403, f"only this machine may read this; others need the key token of [apps.{self.name}]"


async def _standing(desk: Desk) -> tuple[dict[Status, int], int, int]:
    """Conversations by status, and the used and the free slots of the agents who are available."""
    counts = {status: await desk.count(Query(status=(status,)), Scope.everything()) for status in STATUSES}
    agents = [a for a in await desk.agents() if a.active and a.presence is Presence.AVAILABLE]
    return counts, sum(a.load for a in agents), sum(max(0, a.capacity - a.load) for a in agents)


def _is_near(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
