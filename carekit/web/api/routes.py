"""The routes of the API, from the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router

from carekit.seams.desk import Desk
from carekit.web.api.endpoint import Endpoint
from carekit.web.api.openapi import document
from carekit.web.api.page import CSP, CSS, page
from carekit.web.api.table import ENDPOINTS
from carekit.web.api.views import plain
from carekit.web.tokens import Tokens

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def api_routes(desk: Desk, tokens: Tokens) -> list[BaseRoute]:
    """``/api`` and everything below it: the endpoints, their document and the page about them."""
    text = msgspec.json.encode(document(desk, ENDPOINTS))

    async def openapi(request: Request) -> Response:
        return Response(text, headers=_HEADERS, media_type="application/json")

    async def human(request: Request) -> Response:
        return Response(page(desk, ENDPOINTS), headers={**_HEADERS, **CSP}, media_type="text/html")

    async def style(request: Request) -> Response:
        return Response(CSS, headers=_HEADERS, media_type="text/css")

    below: list[BaseRoute] = [
        *(_route(endpoint, desk, tokens) for endpoint in ENDPOINTS),
        Route("/openapi.json", openapi, methods=["GET"]),
        Route("/style.css", style, methods=["GET"]),
        Route("/", human, methods=["GET"]),
    ]
    # An address is exact: a program that is sent elsewhere for a slash would lose its body or its token on the way.
    return [Route("/api", human, methods=["GET"]), Mount("/api", app=Router(below, redirect_slashes=False))]


def _route(endpoint: Endpoint, desk: Desk, tokens: Tokens) -> Route:
    allowed = f"{endpoint.method}, HEAD, OPTIONS" if endpoint.method == "GET" else f"{endpoint.method}, OPTIONS"

    async def run(request: Request) -> Response:
        if request.method == "OPTIONS":  # what the document says anyway; no other origin is let in
            return Response(status_code=204, headers={"Allow": allowed})
        token = tokens.admit(request, endpoint.needs)
        value = await endpoint.call(request, desk, token)
        return Response(msgspec.json.encode(plain(value)), headers=_HEADERS, media_type="application/json")

    handler: Callable[[Request], Awaitable[Response]] = run
    return Route(endpoint.path, handler, methods=[endpoint.method, "OPTIONS"], name=endpoint.name)
