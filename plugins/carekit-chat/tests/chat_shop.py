"""A desk with a chat channel and a client that opens sockets to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from chat_harness import toml
from chat_parts import module
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from carekit import Scope
from carekit.testing import DeskKit
from carekit_chat import plugin

URL = "https://care.example"
PATH = "/channels/website/socket"
ids = (f"message-{number}" for number in itertools.count())


class Shop:
    """A desk with a chat channel, and a client that opens sockets to it."""

    def __init__(self, kit: DeskKit, client: TestClient) -> None:
        self.kit = kit
        self.client = client

    def open(self, origin: str | None = URL) -> WebSocketTestSession:
        """A socket as a page of *origin* opens it."""
        return self.client.websocket_connect(PATH, headers={} if origin is None else {"origin": origin})

    def act(self, action: Any, actor: str = "agent:lena") -> None:
        """Let *actor* act on the newest conversation."""

        async def act() -> None:
            id = self.kit.conversation().id
            await self.kit.desk.act(id, action, actor, scope=Scope.everything())

        assert self.client.portal
        self.client.portal.call(act)

    def tell(self, conversation: str, actor: str) -> None:
        """Let *actor* be writing in *conversation*."""

        async def tell() -> None:
            await self.kit.desk.typing(conversation, actor, scope=Scope.everything())

        assert self.client.portal
        self.client.portal.call(tell)

    def count(self) -> int:
        """How many conversations there are."""
        return sum(event.kind == "conversation_started" for event in self.log())

    def log(self) -> list[Any]:
        """Every event there is."""
        return self.kit.service.store.feed(0, 10_000, Scope.everything())


def shop_of(keys: str = "", more: str = "") -> Iterator[Shop]:
    """A running shop."""
    extra = {"chat": plugin, "parts": module()}
    with DeskKit(toml(URL, keys=keys, more=more), extra=extra, discover=False) as kit:
        routes = kit.service.channels["website"].routes(kit.desk)
        with TestClient(Starlette(routes=[Mount("/channels/website", routes=routes)]), base_url=URL) as client:
            yield Shop(kit, client)


def hello(ws: WebSocketTestSession, **fields: Any) -> dict[str, Any]:
    """Say hello; the state that comes back."""
    ws.send_json({"type": "hello", **fields})
    return take(ws, "state")


def take(ws: WebSocketTestSession, kind: str, fits: Callable[[Any], bool] = lambda frame: True) -> dict[str, Any]:
    """The next frame of *kind* that *fits*."""
    while True:
        frame: dict[str, Any] = ws.receive_json()
        if frame["type"] == kind and fits(frame):
            return frame


def say(ws: WebSocketTestSession, text: str, **fields: Any) -> dict[str, Any]:
    """Send a message; its acknowledgement."""
    ws.send_json({"type": "send", "id": next(ids), "text": text, **fields})
    return take(ws, "ack")


def closed(ws: WebSocketTestSession) -> WebSocketDisconnect:
    """How the service closed the socket."""
    try:
        while True:
            ws.receive_json()
    except WebSocketDisconnect as end:
        return end
