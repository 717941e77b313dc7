"""``/healthz``: the process answers. ``/readyz``: so do the store and every component; who may read is told which."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from carekit.seams.component import Health
from carekit.web.tokens import Tokens

log = logging.getLogger("carekit.web")

Ready = Callable[[], Awaitable[Sequence[Health]]]
"""Gives the health of the store and of every component."""

PATIENCE = 5.0
"""Seconds after which a service that does not tell its health counts as failed."""

_WORST = ("ok", "degraded", "failed")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_ASSIGNED = re.compile(r"(?i)\b((?:pass(?:word|wd)?|secret|token|api[_-]?key|key|authorization)\s*[=:]\s*)\S+")


def scrub(detail: str) -> str:
    """*detail* without what looks like a credential, at most 300 characters: it ends up in dashboards and chats."""
    return _ASSIGNED.sub(r"\1…", _CREDENTIALS.sub("…", detail))[:300]


def health_routes(ready: Ready, tokens: Tokens) -> list[BaseRoute]:
    """The two routes that probes ask: without a token, or with one, to be told why."""

    async def live(request: Request) -> Response:
        return _json({"status": "ok"}, 200)

    async def look(request: Request) -> Response:
        trusted = _may_know(request, tokens)
        healths = await _ask(ready)
        worst = max((_rank(health.state) for health in healths), default=0)
        told: dict[str, object] = {"status": _WORST[worst]}
        if trusted:
            told["components"] = [
                {"name": health.name, "state": _WORST[_rank(health.state)], "detail": scrub(health.detail)}
                for health in healths
            ]
        return _json(told, 503 if worst == 2 else 200)

    return [Route("/healthz", live, methods=["GET"]), Route("/readyz", look, methods=["GET"])]


def _may_know(request: Request, tokens: Tokens) -> bool:
    """Whether it comes with a token that may read and reaches every inbox; a wrong one must not make a probe fail."""
    if "authorization" not in request.headers:
        return False
    try:
        return not tokens.admit(request, "read").inboxes
    except HTTPException:
        return False


async def _ask(ready: Ready) -> Sequence[Health]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await ready()
    except TimeoutError:
        return [Health("service", "failed", f"no answer within {PATIENCE:.0f} seconds")]
    except Exception:  # whatever is broken, the probe must get an answer, and not our internals
        log.exception("the health could not be told")
        return [Health("service", "failed", "the health could not be told; the log says why")]


def _rank(state: str) -> int:
    return _WORST.index(state) if state in _WORST else 2


def _json(value: object, status: int) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(msgspec.json.encode(value), status, headers, "application/json")
