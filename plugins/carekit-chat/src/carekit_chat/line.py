"""The sending side of one socket: a bounded queue that never makes anybody else wait.

A reader that cannot keep up loses the queue, is told to resume from the last step it has seen, and is let go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import attrs
from starlette.websockets import WebSocket, WebSocketDisconnect

from carekit_chat import frames
from carekit_chat.view import View

FRAMES = 256
BYTES = 1024 * 1024
PATIENCE = 20.0
"""Seconds one frame may take to leave."""


@attrs.frozen
class _Parcel:
    text: str
    sent: Callable[[], None] | None


class Line:
    """Frames on their way out."""

    def __init__(
        self, socket: WebSocket, *, limit: int = FRAMES, size: int = BYTES, patience: float = PATIENCE
    ) -> None:
        self._socket = socket
        self._limit, self._size, self._patience = limit, size, patience
        self._parcels: deque[_Parcel] = deque()
        self._bytes = 0
        self._work = asyncio.Event()
        self._end: tuple[int, str] | None = None

    def put(self, frame: View, sent: Callable[[], None] | None = None) -> None:
        """Queue *frame*; *sent* is called when it has left. Returns at once."""
        if self._end is not None:
            return
        text = frames.write(frame)
        if len(self._parcels) >= self._limit or (self._parcels and self._bytes + len(text) > self._size):
            self._drop()
            return
        self._push(_Parcel(text, sent))

    def close(self, code: int, reason: str) -> None:
        """Close after everything that is queued has left; the first call counts."""
        if self._end is None:
            self._end = (code, reason)
            self._work.set()

    async def pump(self) -> None:
        """Send until closed or the far side is gone."""
        try:
            while True:
                await self._work.wait()
                while self._parcels:
                    await self._send(self._parcels.popleft())
                if self._end is not None:
                    await self._finish(*self._end)
                    return
                self._work.clear()
        except TimeoutError:
            await self._finish(frames.LATER, "too slow to read; come back with the last step you have seen")
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # the far side is gone; what it missed it asks for when it comes back

    async def _send(self, parcel: _Parcel) -> None:
        self._bytes -= len(parcel.text)
        async with asyncio.timeout(self._patience):
            await self._socket.send_text(parcel.text)
        if parcel.sent is not None:
            parcel.sent()

    async def _finish(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._socket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            return

    def _push(self, parcel: _Parcel) -> None:
        self._parcels.append(parcel)
        self._bytes += len(parcel.text)
        self._work.set()

    def _drop(self) -> None:
        self._parcels.clear()
        self._bytes = 0
        self._push(_Parcel(frames.write({"type": "resync"}), None))
        self.close(frames.LATER, "too slow to read; come back with the last step you have seen")
