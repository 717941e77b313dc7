"""Bodies are read within a size and a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from carekit.web import bodies


def read(messages: list[Any], headers: dict[str, str] | None = None, limit: int = 10) -> bytes:
    """The body of a request whose server hands over *messages*, and then nothing for ever."""

    async def arriving() -> AsyncIterator[Any]:
        for message in messages:
            yield message
        await asyncio.Event().wait()

    async def go() -> bytes:
        source = arriving()
        fields = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": fields}
        try:
            return await bodies.read_body(Request(scope, lambda: anext(source)), limit)
        finally:
            await source.aclose()

    return asyncio.run(go())


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_parts_are_put_together() -> None:
    """A body that comes in parts is read to its end, the limit included."""
    assert read([part(b"01234"), part(b"56789", more=False)]) == b"0123456789"


@pytest.mark.parametrize(
    ("messages", "headers", "status"),
    [
        ([part(b"01234"), part(b"567890")], {}, 413),
        ([], {"Content-Length": "11"}, 413),
        ([], {"Content-Length": "9" * 400}, 413),
        ([], {"Content-Length": "-1"}, 400),
        ([], {"Content-Length": "ten"}, 400),
        ([part(b"0"), {"type": "http.disconnect"}], {}, 400),
    ],
)
def test_a_body_that_cannot_be_taken_has_its_status(messages: list[Any], headers: dict[str, str], status: int) -> None:
    """Too much, an odd length and a broken line are refused, each with its status and without waiting for the rest."""
    with pytest.raises(HTTPException) as refused:
        read(messages, headers)
    assert refused.value.status_code == status


def test_a_body_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that stops half-way does not hold the request for ever."""
    monkeypatch.setattr(bodies, "SLOWEST", 0.01)
    with pytest.raises(HTTPException) as refused:
        read([part(b"0")])
    assert refused.value.status_code == 408
