"""The live stream: tells a page what changed, so that it can fetch it; it never carries content itself.

A page therefore shows only what its own requests may read, and a missed hint costs nothing but time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from carekit import Desk, Live
from carekit_console.session import Session, Sessions
from carekit_console.writing import Writing

TICK: Final = 1.0
"""Seconds between two looks at whether the session still stands."""
BEAT: Final = 20
"""Ticks between two signs of life."""


class Stream:
    """Serves ``/live``."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self.desk = desk
        self.sessions = sessions

    async def respond(self, request: Request, session: Session) -> Response:
        """The stream of one page; ``Last-Event-ID`` resumes it after a break."""
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
        token = request.cookies.get(self.sessions.cookie, "")
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        return StreamingResponse(self.lines(session, token, after), media_type="text/event-stream", headers=headers)

    async def lines(self, session: Session, token: str, after: int | None) -> AsyncIterator[bytes]:
        """The lines of the stream, until the service stops or the session ends."""
        changes = self.desk.follow(session.scope, after=after)
        coming = asyncio.ensure_future(_next(changes))
        writing = Writing(self.desk, session)
        written = asyncio.ensure_future(writing.arrived())
        try:
            await asyncio.wait({coming}, timeout=0.02)  # the feed is open before the page is told to look
            yield b"retry: 2000\nevent: hello\ndata: {}\n\n"
            ticks = 0
            clock = asyncio.get_running_loop().time
            checked = clock()
            while True:
                await asyncio.wait({coming, written}, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
                if coming.done() and coming.exception() is not None:
                    return
                batch = coming.result() if coming.done() else ()
                if batch is None:
                    return
                ended = any(live.event.stream == session.agent.stream for live in batch)
                if ended or clock() - checked >= TICK:
                    checked = clock()
                    if not await self._stands(session, token):
                        yield b"event: ended\ndata: {}\n\n"
                        return
                if batch:
                    yield _message(batch, session)
                    coming = asyncio.ensure_future(_next(changes))
                if written.done():
                    yield await writing.lines()
                    written = asyncio.ensure_future(writing.arrived())
                ticks += 1
                if ticks % BEAT == 0:
                    yield b": still here\n\n"
        finally:
            writing.leave()
            for task in (coming, written):
                task.cancel()
            await asyncio.gather(coming, written, return_exceptions=True)
            close = getattr(changes, "aclose", None)
            if close is not None:
                await close()

    async def _stands(self, session: Session, token: str) -> bool:
        """Whether the session still lets its agent see the same as when the stream began."""
        now = await self.sessions.check(token)
        return now is not None and now.scope == session.scope


async def _next(changes: AsyncIterator[list[Live]]) -> list[Live] | None:
    """The next batch, None at the end."""
    return await anext(changes, None)


def _message(batch: Sequence[Live], session: Session) -> bytes:
    changes = [
        {"id": live.event.stream, "seq": live.event.seq, "kind": live.event.kind, "by": live.event.actor}
        for live in batch
        if live.conversation is not None
    ]
    mine = any(live.event.stream == session.agent.stream for live in batch)
    data = msgspec.json.encode({"changes": changes, "me": mine})
    return b"id: %d\nevent: changed\ndata: %s\n\n" % (batch[-1].event.position, data)
