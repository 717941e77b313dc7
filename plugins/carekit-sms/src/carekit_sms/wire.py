"""The network, for every provider the same: hand a request over, and say what is known when that fails."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import cache
from typing import TYPE_CHECKING, Any

from carekit import Permanent, Temporary, Unsure
from carekit_sms.provider import Reply, Submission

if TYPE_CHECKING:
    import httpx2

TIMEOUT = 20.0
"""Seconds for one request, from the connection to the last byte of the answer."""
_LARGEST = 256 * 1024


class Wire:
    """Hands requests to the provider, over connections that are kept while the service runs.

    It speaks through the transport and not through a client, because a client logs addresses, and some gateways want
    their password in the address. No redirect is followed, no cookie kept, no proxy of the environment used.
    """

    def __init__(self) -> None:
        self._kept: httpx2.AsyncHTTPTransport | None = None

    async def keep_open(self) -> None:
        """Keep connections from now on, until cancelled."""
        async with transport() as self._kept:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._kept = None

    async def exchange(self, submission: Submission) -> Reply:
        """What the provider answers; raises `Temporary` if it certainly got nothing, `Unsure` if it may have."""
        import httpx2  # a seventh of a second, not to be spent by commands that send nothing

        try:
            request = _request(submission)
            async with asyncio.timeout(TIMEOUT):
                if self._kept is not None:
                    return await _exchanged(self._kept, request)
                async with transport() as once:
                    return await _exchanged(once, request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Temporary(f"the provider cannot be reached: {_words(error)}") from None
        except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL) as error:
            raise Permanent(f"the request to the provider cannot be written: {type(error).__name__}") from None
        except (httpx2.HTTPError, TimeoutError) as error:
            raise Unsure(
                f"the connection ended before the provider answered ({_words(error)}); it may have the text"
            ) from None


def transport() -> httpx2.AsyncHTTPTransport:
    """A transport of its own, with the certificates of the system."""
    import httpx2

    return httpx2.AsyncHTTPTransport(verify=_certificates())


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: that takes longer than a request."""
    import httpx2

    return httpx2.create_ssl_context()


async def _exchanged(over: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> Reply:
    response = await over.handle_async_request(request)
    try:
        body = await at_most(response.aiter_bytes(), _LARGEST)
    finally:
        await response.aclose()
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def _request(submission: Submission) -> httpx2.Request:
    import httpx2

    body: dict[str, Any] = {}
    if submission.form is not None:
        body["data"] = dict(submission.form)
    elif submission.json is not None:
        body["json"] = submission.json
    elif submission.content is not None:
        body["content"] = submission.content
    return httpx2.Request(
        submission.method,
        submission.url,
        params=dict(submission.query) or None,
        headers={"User-Agent": "carekit-sms", **submission.headers},
        extensions={"timeout": httpx2.Timeout(TIMEOUT, connect=10.0).as_dict()},
        **body,
    )


async def at_most(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """The bytes of *chunks*, cut off at *limit*."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) >= limit:
            break
    return bytes(body[:limit])


def _words(error: Exception) -> str:
    """What happened, without the address: that may hold a password."""
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} s"
    cause = error.__cause__ or error
    text = str(cause).split("\n", 1)[0][:120]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
