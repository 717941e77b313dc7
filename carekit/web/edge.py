"""What every request passes first: an id, the check of its host, and a net for what nobody caught."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carekit.ground.errors import ConfigError
from carekit.service.places import HOST
from carekit.web.problems import KINDS, Problem

log = logging.getLogger("carekit.web")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Hosts that are always ours: nobody reaches them from elsewhere."""

PROBES = frozenset({"/healthz", "/readyz"})
"""Paths that answer whatever the host says: a probe asks by address, and they tell nobody anything."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(rf"({HOST})(?::[0-9]{{1,5}})?")
_UNKNOWN_HOST = Problem(
    KINDS["malformed"],
    "the Host header names no host of this service; the key url of [service] says under which address it is reached",
)


def hosts_of(url: str, more: Collection[str] = ()) -> frozenset[str]:
    """The hosts that requests may name: the one of the configured *url*, the loopback names, and *more*.

    Raises `ConfigError` if *url* is not an http or https address.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"[service] url: {url!r} is not an address such as https://care.example.org; mend it")
    if ":" in host:
        host = f"[{host}]"
    return LOOPBACK | {host.lower()} | {name.lower() for name in more}


class Edge:
    """ASGI middleware, outermost of all.

    It decides by ``scope["path"]`` and never by an address built from the Host header, which the asker chooses.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = id
        if scope["path"] not in PROBES and not self._is_ours(headers.getlist("host")):
            await _refuse(scope, receive, send, id)
            return
        await self._guarded(scope, receive, send, id)

    def _is_ours(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:  # two would let a proxy and us see different ones
            return False
        match = _HOST.fullmatch(hosts[0].lower())
        return match is not None and match[1] in self._hosts

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, id: str) -> None:
        begun = False

        async def sender(message: Message) -> None:
            nonlocal begun
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message)["X-Request-Id"] = id
            begun = begun or message["type"] != "http.response.debug"
            await send(message)

        try:
            await self._app(scope, receive, sender)
        except Exception as error:  # the last net: whatever a route raised becomes a problem, and never a traceback
            log.error("request %s failed", id, exc_info=error)
            if begun:
                raise  # half an answer is out: only the server can cut the connection
            if scope["type"] == "websocket":
                await sender({"type": "websocket.close", "code": 1011})
            else:
                await Problem.of(error).response(id)(scope, receive, sender)


async def _refuse(scope: Scope, receive: Receive, send: Send, id: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    response = _UNKNOWN_HOST.response(id)
    response.headers["X-Request-Id"] = id
    await response(scope, receive, send)
