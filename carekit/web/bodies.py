"""Reading a request's body: no more than a limit, and no longer than a while."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

SLOWEST = 30.0
"""Seconds within which a body must have arrived."""


async def read_body(request: Request, limit: int) -> bytes:
    """The body of *request*; answers 413 beyond *limit* bytes, 408 after `SLOWEST`, 400 for one that breaks off."""
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit():
        raise HTTPException(400, "the Content-Length is not a number")
    if len(declared) > 18 or int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(SLOWEST):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {SLOWEST:.0f} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body broke off") from None
    return bytes(body)


def _too_large(limit: int) -> HTTPException:
    # The rest is not read, so the connection cannot carry another request.
    return HTTPException(413, f"the body is larger than {limit:,} bytes", {"Connection": "close"})
