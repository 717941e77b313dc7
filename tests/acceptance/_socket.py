"""The chat's socket without a browser: for crowds, and for frames that no widget sends."""

from __future__ import annotations

import json
import uuid
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.acceptance._shop import PATIENCE, Shop

HELLO = {"type": "hello", "token": None, "conversation": None, "after": 0}


def dial(shop: Shop, origin: str | None = None, channel: str = "website") -> AbstractContextManager[ClientConnection]:
    """A socket, to be used as a context, from the shop's own page unless told otherwise."""
    address = f"ws://127.0.0.1:{shop.port}/channels/{channel}/socket"
    return connect(address, origin=origin or shop.url, proxy=None, open_timeout=PATIENCE, compression=None)  # type: ignore[arg-type]


class Caller:
    """A visitor who speaks the protocol."""

    def __init__(self, shop: Shop, channel: str = "website") -> None:
        self._stack = ExitStack()
        self.socket = self._stack.enter_context(dial(shop, channel=channel))
        self.say(HELLO)
        self.hear("state")

    def say(self, frame: Any) -> None:
        """Send a frame."""
        self.socket.send(json.dumps(frame))

    def hear(self, kind: str) -> Any:
        """The next frame of a kind."""
        while True:
            frame = json.loads(self.socket.recv(PATIENCE))
            if frame["type"] == kind:
                return frame

    def write(self, text: str, intent: str = "") -> str:
        """A message; the id of the conversation it went into."""
        self.say({"type": "send", "id": uuid.uuid4().hex, "text": text, "intent": intent})
        conversation: str = self.hear("ack")["conversation"]
        return conversation

    def close(self) -> None:
        """Leave."""
        self._stack.close()


def call(shop: Shop, text: str, intent: str = "") -> str:
    """Somebody writes one message and leaves; the id of the conversation."""
    caller = Caller(shop)
    conversation = caller.write(text, intent)
    caller.close()
    return conversation
