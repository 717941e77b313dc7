"""``GET`` and ``POST /channels/<name>/receipt/<reference>``: where providers say what became of a text.

Below ``/receipt`` itself come those of providers that give our reference back among their fields. 200 comes only after
the commit; 503, from the service, asks for another attempt.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from carekit import CarekitError, Desk, Ignored, InboundError, NotOurs
from carekit_sms.provider import Posted
from carekit_sms.receipts import References, note

if TYPE_CHECKING:
    from carekit_sms.channel import Sms

log = logging.getLogger(__name__)

_LARGEST = 64 * 1024
_PATIENCE = 20.0


class ReceiptRoute:
    """Takes the receipts of one channel."""

    def __init__(self, channel: Sms, desk: Desk, references: References) -> None:
        self._channel = channel
        self._desk = desk
        self._references = references

    def routes(self) -> list[BaseRoute]:
        """The routes, below the channel's own path."""
        methods, name = ["GET", "POST"], self._channel.name
        return [
            Route("/receipt", self.take, methods=methods, name=f"{name}-receipts"),
            Route("/receipt/{reference}", self.take, methods=methods, name=f"{name}-receipt"),
        ]

    async def take(self, request: Request) -> Response:
        """Take one receipt."""
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large or too slow", 413)
        try:
            await self._note(request, body)
        except NotOurs as error:
            log.info("channel %s refused a receipt: %s", self._channel.name, error)
            return PlainTextResponse("this is not a receipt of this channel", 403)
        except Ignored as error:
            return PlainTextResponse(str(error))
        except InboundError as error:
            log.warning("channel %s: a receipt cannot be read: %s", self._channel.name, error)
            return PlainTextResponse("this receipt cannot be read", 400)
        except CarekitError:
            raise
        except Exception:  # a provider's code met a stranger's bytes, and it may be a stranger's code
            log.exception("channel %s: a receipt broke its reader", self._channel.name)
            return PlainTextResponse("this receipt cannot be read", 400)
        return PlainTextResponse("")

    async def _note(self, request: Request, body: bytes) -> None:
        channel, provider = self._channel, self._channel.provider
        posted = self._posted(request, body)
        given = request.path_params.get("reference", "")
        channel.let_in(posted, request.client.host if request.client else "", signed=provider.signs_receipts)
        if not given and not provider.signs_receipts:
            raise NotOurs("receipts of this provider come to the address that a text names")
        report = provider.report(posted)
        reference = self._references.read(given or report.reference)
        await note(self._desk, channel.name, reference, report)

    def _posted(self, request: Request, body: bytes) -> Posted:
        """The request, at the address under which the provider knows us: the one a client names is its own choice."""
        name = request.path_params.get("reference", "")
        path = f"/receipt/{name}" if name else "/receipt"
        query = request.scope["query_string"].decode("latin-1")
        url = f"{self._channel.url}{path}" + (f"?{query}" if query else "")
        return Posted(url, body, dict(request.headers), dict(request.query_params), self._desk.now())


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return bytes(body)
