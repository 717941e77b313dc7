"""The socket's entrance: who may open one, and the life of one connection."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from carekit_chat.frames import VIOLATION
from carekit_chat.origins import may_connect
from carekit_chat.peer import Peer
from carekit_chat.room import Room


class Entrance:
    """The ASGI endpoint. A foreign, missing or ``null`` origin is refused at the handshake (HTTP 403)."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket."""
        socket = WebSocket(scope, receive, send)
        headers = socket.headers
        host = headers.get("host", "")
        if not may_connect(headers.get("origin"), self._room.own, self._room.settings.origins, host):
            await socket.close(VIOLATION, "this site may not open the chat")
            return
        await Peer(self._room, socket).serve()
