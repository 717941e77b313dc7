"""The channel: what it can do, and what it mounts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from starlette.routing import BaseRoute, Route, WebSocketRoute

from carekit import Capabilities, Channel, Delivery, DeliveryStatus, Desk, Health, Outbound
from carekit_chat import frames
from carekit_chat.assets import Assets
from carekit_chat.room import LONGEST, Room
from carekit_chat.settings import ChatSettings, faults
from carekit_chat.socket import Entrance


class ChatChannel(Channel):
    """Live chat in a widget. What we write reaches the visitor through the desk's feed, so there is nothing to push."""

    Settings: ClassVar[type] = ChatSettings
    capabilities = Capabilities(live=True, push=False, max_length=LONGEST, delivered=True, read=True)
    starter = """\
# The chat on your site: put <script src="http://127.0.0.1:8000/channels/website/w.js" async></script> into its pages.
[channels.website]
use = "chat"
title = "Website"
calendar = "office"                # hours that visitors are told
# origins = ["https://www.example.com"]    # sites that may show it, besides this service's own
"""

    settings: ChatSettings

    def __init__(self, name: str, settings: ChatSettings) -> None:
        super().__init__(name, settings)
        self._rooms: list[Room] = []

    def check(self) -> Iterable[str]:
        """Faults of the settings beyond their types."""
        return faults(self.settings)

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        """The loader, the panel with its files, and the socket."""
        room = Room(desk, self.name, self.settings)
        self._rooms.append(room)
        assets = Assets(desk, self.name, self.settings)
        return [
            WebSocketRoute("/socket", Entrance(room)),
            Route("/panel.html", assets.panel, name=f"chat-{self.name}-panel"),
            Route("/{file}", assets.file, name=f"chat-{self.name}-file"),
        ]

    async def run(self, desk: Desk) -> None:
        """Wait for the end of the service, then tell every widget to come back in a moment."""
        try:
            await asyncio.Event().wait()
        finally:
            for room in self._rooms:
                for peer in list(room.peers):
                    peer.bye(frames.RESTART, "the service restarts")

    async def send(self, outbound: Outbound) -> Delivery:
        """Never asked for, as ``push`` is off; the message is in the feed already."""
        return Delivery(status=DeliveryStatus.SENT)

    async def health(self) -> Health:
        """How many widgets are connected."""
        count = sum(len(room.peers) for room in self._rooms)
        return Health(self.name, detail=f"{count} connected")
