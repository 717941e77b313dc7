"""``POST /channels/<name>/mail``: where providers post mail. 202 comes only after the commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from carekit import Ignored, Malformed, NotOurs, Unavailable
from carekit_email.settings import WebhookSettings
from carekit_email.transport.posted import posted
from carekit_email.transport.providers import mail_in

log = logging.getLogger(__name__)

_PATIENCE = 60.0
_ENCODED = 1.5  # a mail in a form or in base64 takes that much more

Take = Callable[[bytes], Awaitable[object]]
"""Keeps a raw mail durably, aside if need be."""
SetAside = Callable[[bytes, str], Awaitable[None]]


class Webhook:
    """Takes what one provider posts to one channel."""

    def __init__(self, name: str, settings: WebhookSettings, max_size: int, take: Take, set_aside: SetAside) -> None:
        self._name = name
        self._settings = settings
        self._max_size = max_size
        self._take = take
        self._set_aside = set_aside
        self._certificates: dict[str, bytes] = {}

    def route(self) -> Route:
        """The route, below the channel's own path."""
        return Route("/mail", self._post, methods=["POST"], name=f"{self._name}-mail")

    async def _post(self, request: Request) -> Response:
        body = await self._body(request)
        if body is None:
            return _answer(413, f"mail over {self._max_size} octets is not taken")
        try:
            found = await posted(body, dict(request.headers), int(self._max_size * _ENCODED))
        except Malformed as error:
            return _answer(400, str(error))  # nothing proves yet who sent it, so nothing of it is kept
        try:
            raw = await asyncio.to_thread(mail_in, found, self._settings, time.time(), self._fetch)
        except NotOurs as error:
            log.info("channel %s refused a request: %s", self._name, error)
            return _answer(403, "this request is not from the provider of this channel")
        except Ignored as error:
            return _answer(200, str(error))
        except Malformed as error:
            await self._set_aside(body, str(error))
            return _answer(202, "kept aside: it cannot be read")
        await self._take(raw)
        return _answer(202, "kept")

    async def _body(self, request: Request) -> bytes | None:
        """Give the body, None when it is too large; a slow or broken one is the client's to send again."""
        limit = int(self._max_size * _ENCODED)
        body = bytearray()
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    return None
        return bytes(body)

    def _fetch(self, address: str) -> bytes:
        """Give what is at an address of the provider; certificates are asked for once."""
        if address not in self._certificates:
            try:
                answer = httpx2.get(address, timeout=20.0, follow_redirects=False)
                answer.raise_for_status()
            except httpx2.HTTPError as error:
                raise Unavailable(f"{address.partition('?')[0]} does not answer: {type(error).__name__}") from None
            if not address.endswith(".pem"):
                return answer.content
            self._certificates[address] = answer.content
        return self._certificates[address]


def _answer(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status, {"Cache-Control": "no-store"})
