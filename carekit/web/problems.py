"""Errors as responses: RFC 9457 problem details, one table from class to status.

What is the asker's to mend is told in full; what is ours to mend is logged under the request's id and told as no more
than that id. Two statuses are choices: a reused idempotency key answers 409, because it clashes with an earlier request
and not with a rule about its content (the IETF draft on the header suggests 422); a thing outside the asker's scope
answers 404 with a fixed text, so that it cannot be told from one that does not exist.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from html import escape

import attrs
import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketState

from carekit.ground import errors as e

log = logging.getLogger("carekit.web")

RETRY_AFTER = 5
"""Seconds after which to try again what cannot be answered now."""


@attrs.frozen
class Kind:
    """One sort of problem: ``type`` is its address, ``meaning`` what the asker should do about it."""

    slug: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The address of its explanation, relative to the service."""
        return f"/api#problem-{self.slug}"


KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind("malformed", 400, "Malformed request", "The body is not JSON, or the request cannot be read at all."),
        Kind("unauthorized", 401, "A token is needed", "Send `Authorization: Bearer <token>` with a valid token."),
        Kind("forbidden", 403, "Not allowed", "The token or the agent may not do this."),
        Kind("not-found", 404, "Not found", "There is no such thing, or it is not for this asker."),
        Kind("method", 405, "Method not allowed", "The header `Allow` lists the methods of this address."),
        Kind("slow", 408, "Too slow", "The body did not arrive in time; send it again."),
        Kind("illegal-move", 409, "Not possible now", "The conversation's status has no such step; read it again."),
        Kind("stale", 409, "Something new arrived", "Read the events up to `seq`, then send it again or change it."),
        Kind(
            "key-reused", 409, "Idempotency key reused", "The key came before with a different request; use a new one."
        ),
        Kind("conflict", 409, "Somebody was first", "Try the same request again."),
        Kind("too-large", 413, "Too large", "Send less."),
        Kind("media-type", 415, "Unsupported media type", "Send `Content-Type: application/json`."),
        Kind("refused", 422, "Refused", "The request makes no sense as it stands; `field` names the part to mend."),
        Kind("too-many", 429, "Too many failures", "Wait as long as `Retry-After` says."),
        Kind("internal", 500, "Our fault", "Nothing you sent is to blame; report the `request_id`."),
        Kind("far-side", 502, "The far side failed", "Another service did not take it."),
        Kind("unavailable", 503, "Not available now", "Nothing was half-written; try again after `Retry-After`."),
    )
}

_BY_ERROR: tuple[tuple[type[e.CarekitError], str], ...] = (
    (e.NotFound, "not-found"),
    (e.NotAllowed, "forbidden"),
    (e.IllegalMove, "illegal-move"),
    (e.Stale, "stale"),
    (e.KeyReused, "key-reused"),
    (e.Refused, "refused"),
    (e.TemplateError, "refused"),
    (e.Conflict, "conflict"),
    (e.Unavailable, "unavailable"),
    (e.NotOurs, "forbidden"),
    (e.InboundError, "refused"),
    (e.Temporary, "unavailable"),
    (e.DeliveryError, "far-side"),
)
_BY_STATUS = {kind.status: kind.slug for kind in reversed(KINDS.values())}
_OURS = frozenset({"internal", "far-side", "unavailable", "conflict"})
_TOLD = {
    "not-found": "there is no such thing here, or it is not for you",
    "internal": "something went wrong on our side; it has been logged under the request id",
    "far-side": "another service that this depends on did not take it",
    "unavailable": "the service cannot answer now; nothing was half-written, so try again",
    "conflict": "somebody else changed the same thing first; try again",
}


@attrs.frozen
class Problem:
    """One problem, ready to be told."""

    kind: Kind
    detail: str
    field: str = ""
    seq: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def of(cls, error: Exception) -> Problem:
        """What the asker is told of *error*: its own words only where they are meant for the asker."""
        if isinstance(error, HTTPException):
            return cls._of_http(error)
        slug = next((slug for type_, slug in _BY_ERROR if isinstance(error, type_)), "internal")
        field = getattr(error, "field", "")
        detail = _TOLD[slug] if slug in _OURS or (slug == "not-found" and not field) else str(error)
        headers: dict[str, str] = {}
        if slug == "unavailable":
            after = getattr(error, "retry_after", None)
            headers["Retry-After"] = str(max(1, round(after)) if after else RETRY_AFTER)
        return cls(KINDS[slug], detail, field, getattr(error, "seq", None), headers)

    @classmethod
    def _of_http(cls, error: HTTPException) -> Problem:
        slug = _BY_STATUS.get(error.status_code)
        if slug is None:
            kind = Kind("http", error.status_code, "Request failed", "")
        else:
            kind = KINDS[slug]
        detail = _TOLD["not-found"] if error.status_code == 404 else str(error.detail)
        if error.status_code == 405:
            detail = "this address does not answer to that method"
        return cls(kind, detail, headers=error.headers or {})

    def response(self, request_id: str) -> Response:
        """It as ``application/problem+json``."""
        body: dict[str, object] = {
            "type": self.kind.type if self.kind.slug in KINDS else "about:blank",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.field:
            body["field"] = self.field
        if self.seq is not None:
            body["seq"] = self.seq
        body["request_id"] = request_id
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **self.headers}
        return Response(msgspec.json.encode(body), self.kind.status, headers, "application/problem+json")

    def page(self, request_id: str) -> Response:
        """It as a plain page, for a person whose browser asked for one."""
        title, detail, id = (escape(text) for text in (self.kind.title, self.detail, request_id))
        headers = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
            **self.headers,
        }
        body = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
            f"<h1>{title}</h1><p>{detail}</p><p><small>{self.kind.status}, request {id}</small></p></html>"
        )
        return Response(body, self.kind.status, headers, "text/html")


def request_id(connection: HTTPConnection) -> str:
    """The id under which this request is logged."""
    return str(connection.scope.get("state", {}).get("request_id", ""))


async def answer(connection: HTTPConnection, error: Exception) -> Response | None:
    """The exception handler of the application; a websocket is closed instead (1008, or 1011 if it is our fault)."""
    problem = Problem.of(error)
    told = problem.kind.status
    id = request_id(connection)
    if told >= 500 and isinstance(error, e.CarekitError):  # it says itself what is wrong and what to do
        log.error("request %s failed (%s): %s", id, told, error)
    elif told >= 500:
        log.error("request %s failed (%s)", id, told, exc_info=error)
    else:
        log.info("request %s refused (%s %s)", id, told, problem.kind.slug)
    if isinstance(connection, WebSocket):
        if connection.application_state is not WebSocketState.DISCONNECTED:
            await connection.close(1011 if told >= 500 else 1008)
        return None
    assert isinstance(connection, Request)
    return problem.page(id) if _is_person(connection) else problem.response(id)


def _is_person(request: Request) -> bool:
    """Whether a browser asked for a page: the API's programs get problem details whatever they accept."""
    if request.method not in ("GET", "HEAD") or request.scope["path"].startswith("/api/"):
        return False
    return "text/html" in request.headers.get("accept", "")
