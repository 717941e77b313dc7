from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket

from carekit_chat.line import Line


class Far:
    """The far side of a socket: takes frames, or stops taking them."""

    def __init__(self, stuck: bool = False) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.free = asyncio.Event()
        if not stuck:
            self.free.set()

    async def send(self, message: Any) -> None:
        """What ASGI calls."""
        if message["type"] == "websocket.send":
            await self.free.wait()
            self.frames.append(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.closed = (message["code"], message["reason"])

    async def socket(self) -> WebSocket:
        """An accepted socket to this side."""

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        socket = WebSocket({"type": "websocket", "headers": []}, receive, self.send)
        await socket.accept()
        return socket


def test_frames_leave_in_order_then_the_close() -> None:
    """Closing waits for what is queued."""

    async def scenario() -> None:
        far = Far()
        line = Line(await far.socket())
        left: list[int] = []
        for number in range(5):
            line.put({"n": number}, lambda n=number: left.append(n))  # type: ignore[misc]
        line.close(1012, "restart")
        await line.pump()
        assert [frame["n"] for frame in far.frames] == [0, 1, 2, 3, 4] == left
        assert far.closed == (1012, "restart")

    asyncio.run(scenario())


def test_a_reader_that_falls_behind_is_told_to_resume() -> None:
    """The queue is dropped, one resync goes out, and the socket is let go; putting never waits."""

    async def scenario() -> None:
        far = Far(stuck=True)
        line = Line(await far.socket(), limit=10)
        pump = asyncio.create_task(line.pump())
        line.put({"n": 0})
        await asyncio.sleep(0)
        for number in range(1, 100):
            line.put({"n": number})
        far.free.set()
        await pump
        assert [frame.get("type", frame.get("n")) for frame in far.frames] == [0, "resync"]
        assert far.closed is not None
        assert far.closed[0] == 1013

    asyncio.run(scenario())


def test_bytes_count_as_well_as_frames() -> None:
    """A few very long frames are a full queue too."""

    async def scenario() -> None:
        far = Far(stuck=True)
        line = Line(await far.socket(), size=1000)
        for _ in range(5):
            line.put({"text": "x" * 400})
        far.free.set()
        await line.pump()
        assert far.frames == [{"type": "resync"}]

    asyncio.run(scenario())


def test_one_frame_that_does_not_leave_ends_the_line() -> None:
    """A reader that takes nothing at all is let go after the patience."""

    async def scenario() -> None:
        far = Far(stuck=True)
        line = Line(await far.socket(), patience=0.01)
        line.put({"n": 0})
        await line.pump()
        assert far.closed is not None
        assert far.closed[0] == 1013

    asyncio.run(scenario())
