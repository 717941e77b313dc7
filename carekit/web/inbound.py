"""Where the far side of a channel posts: ``POST /channels/<name>/inbound``.

The answer says whether to send again. 202 means kept, and comes only after the commit: as messages, or set aside raw
where it cannot be read, because sending the same bytes again would not make them readable. 403 is the same whatever was
wrong with the signature. 503 is the one answer after which the far side should try again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import sha256

import attrs
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from carekit.facts.nouns import Inbound
from carekit.ground.errors import Ignored, Malformed, NotOurs, PluginError, Refused
from carekit.seams.channel import Channel, Payload
from carekit.seams.desk import Desk
from carekit.web.bodies import read_body
from carekit.web.problems import KINDS, Problem, request_id

log = logging.getLogger("carekit.web")

LIMIT = 1_000_000
"""Bytes of one posted payload."""

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NOT_OURS = Problem(KINDS["forbidden"], "this payload is not from the far side of this channel")


def inbound_route(channel: Channel, desk: Desk) -> BaseRoute:
    """The route at which *channel* takes what its far side posts."""
    ingest = _Ingest(channel, desk)
    return Route("/inbound", ingest.post, methods=["POST"], name=f"{channel.name}-inbound")


@attrs.frozen
class _Ingest:
    channel: Channel
    desk: Desk

    async def post(self, request: Request) -> Response:
        payload = await read_payload(request)
        try:
            messages = self._decode(payload)
        except NotOurs as error:
            log.info("channel %s refused request %s: %s", self.channel.name, request_id(request), error)
            return _NOT_OURS.response(request_id(request))
        except Ignored as error:
            return _json({"ignored": str(error)}, 200)
        except Malformed as error:
            return await self._set_aside(payload, str(error))
        except Exception as error:  # a stranger's code met a stranger's bytes: keep them, and let the service go on
            log.exception("channel %s could not decode request %s", self.channel.name, request_id(request))
            return await self._set_aside(payload, f"the channel failed: {type(error).__name__}: {error}")
        try:
            whole = [await self.channel.complete(message, self.desk) for message in messages]
            receipts = [await self.desk.receive(message) for message in whole]
        except Refused as error:
            return await self._set_aside(payload, str(error))
        return self._answer({"receipts": receipts})

    def _decode(self, payload: Payload) -> Sequence[Inbound]:
        messages = tuple(self.channel.decode(payload))
        for message in messages:
            if message.channel != self.channel.name:
                raise PluginError(f"channel {self.channel.name!r} decoded a message for {message.channel!r}")
        return messages

    async def _set_aside(self, payload: Payload, error: str) -> Response:
        # The digest as key: the far side's retry of the same bytes is known and not kept twice.
        key = f"payload:{sha256(payload.body).hexdigest()}"
        await self.desk.quarantine(self.channel.name, payload.body, error, key=key)
        return self._answer({"quarantined": True})

    def _answer(self, told: object) -> Response:
        """What the far side wants to hear when what it posted is kept."""
        answer = self.channel.accepted
        if answer.body is None:
            return _json(told, answer.status)
        return Response(answer.body, answer.status, _HEADERS, answer.content_type)


async def read_payload(request: Request) -> Payload:
    """What came over the wire, as channels see it; of a parameter that is given twice the last, headers joined."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Payload(
        body=await read_body(request, LIMIT),
        headers=headers,
        query=dict(request.query_params),
        remote=request.client.host if request.client else "",
    )


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, _HEADERS, "application/json")
