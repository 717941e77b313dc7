"""Who writes just now, gathered between two looks of a page's live stream."""

from __future__ import annotations

import asyncio

import msgspec

from carekit import Desk, Typing
from carekit_console.session import Session


class Writing:
    """Notices of typing for one page, each person once; the agent's own are left out."""

    def __init__(self, desk: Desk, session: Session) -> None:
        self._desk = desk
        self._own = session.actor
        self._heard: set[Typing] = set()
        self._arrived = asyncio.Event()
        self.leave = desk.hear_typing(session.scope, self._hear)

    def _hear(self, typing: Typing) -> None:
        if typing.actor != self._own:
            self._heard.add(typing)
            self._arrived.set()

    async def arrived(self) -> None:
        """Wait until there is one."""
        await self._arrived.wait()

    async def lines(self) -> bytes:
        """What has come, as lines of the stream; empty if nothing has."""
        heard, self._heard = self._heard, set()
        self._arrived.clear()
        told = []
        for typing in sorted(heard, key=lambda one: (one.conversation, one.actor)):
            kind, _, id = typing.actor.partition(":")
            agent = await self._desk.agent(id) if kind == "agent" else None
            told.append({"id": typing.conversation, "by": typing.actor, "name": agent.name if agent else ""})
        return b"".join(b"event: typing\ndata: %s\n\n" % msgspec.json.encode(one) for one in told)
