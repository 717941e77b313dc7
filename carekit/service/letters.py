"""Dead letters: what needs a person before it goes on, looked at, tried again or let go of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from carekit.facts.actions import Resend
from carekit.facts.events import MessageSent
from carekit.facts.nouns import Agent, Inbound, Letter
from carekit.ground.errors import CarekitError, Ignored, InboundError, NotFound, Refused
from carekit.ground.values import replace
from carekit.rules.delivery import address_of
from carekit.seams.channel import Channel, legible
from carekit.seams.desk import Desk, Glimpse
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Store
from carekit.service.pipeline import commands as c
from carekit.service.reading import Read

log = logging.getLogger(__name__)

MOST = 500
"""Characters of what a letter says that are told."""
HEAD = 65_536
"""Bytes of a payload that are looked at for that: a mail may be as large as its channel allows."""


class Letters:
    """The dead letters of one desk. ``keeping`` makes the command that keeps a message out of the letter named."""

    def __init__(
        self,
        store: Store,
        read: Read,
        submit: Callable[[c.Command], Awaitable[object]],
        channels: Mapping[str, Channel],
        keeping: Callable[[Inbound, str], c.Receive],
        head: Callable[[str, int], bytes],
        service: str,
    ) -> None:
        self._store = store
        self._read = read
        self._submit = submit
        self._channels = channels
        self._keeping = keeping
        self._head = head
        self._service = service

    async def page(self, scope: Scope, after: str, limit: int) -> list[Letter]:
        """Letters in order of id."""
        return await self._read(lambda: self._store.letters(after, limit)) if _reaches(scope) else []

    async def get(self, id: str, scope: Scope) -> Letter:
        """The letter *id*; raises `NotFound`."""
        found = await self._read(lambda: self._store.letter(id)) if _reaches(scope) else None
        if found is None:
            raise NotFound(f"there is no dead letter {id!r}; somebody may have handled it already")
        return found

    async def glimpses(self, letters: Sequence[Letter], scope: Scope) -> list[Glimpse]:
        """What *letters* hold, as far as that can be told: one look at the store, and the beginning of each payload."""
        if not _reaches(scope):
            return [Glimpse() for _ in letters]
        ours = [letter for letter in letters if letter.kind != "inbound"]
        others = [letter for letter in letters if letter.kind == "inbound"]
        told = await self._read(lambda: self._sent(ours)) if ours else {}
        if others:
            told |= await asyncio.to_thread(lambda: {letter.id: self._payload(letter) for letter in others})
        return [told[letter.id] for letter in letters]

    def _sent(self, letters: Sequence[Letter]) -> dict[str, Glimpse]:
        agents = {agent.id: agent for agent in self._store.agents()}
        return {letter.id: self._message(letter, agents) for letter in letters}

    def _message(self, letter: Letter, agents: Mapping[str, Agent]) -> Glimpse:
        """A message of ours, with both ends; nothing of one that was erased meanwhile."""
        conversation = self._store.conversation(letter.conversation, EVERYTHING)
        contact = self._store.contact(conversation.contact, EVERYTHING) if conversation else None
        events = self._store.events(letter.conversation, letter.seq - 1, 1)
        fact = events[0].fact if events else None
        if conversation is None or contact is None or not isinstance(fact, MessageSent):
            return Glimpse()
        kind, _, author = fact.author.partition(":")
        agent = agents.get(author) if kind == "agent" else None
        sender = agent.name if agent is not None else author or self._service
        address = address_of(conversation, contact)
        to = f"{contact.name} <{address}>" if contact.name else address
        return Glimpse(sender, to, fact.subject, fact.text[:MOST])

    def _payload(self, letter: Letter) -> Glimpse:
        """What a payload begins with; nothing of one whose bytes cannot be had now."""
        try:
            return _told(self._channels.get(letter.channel), self._head(letter.raw, HEAD))
        except CarekitError as error:
            log.info("what %s holds cannot be told: %s", letter.id, error)
            return Glimpse()

    async def retry(self, id: str, actor: str, scope: Scope, desk: Desk) -> None:
        """Read a payload again, or send a message again."""
        letter = await self.get(id, scope)
        if letter.kind == "inbound":
            await self._reread(letter, actor, desk)
        else:
            await self._submit(c.Act(letter.conversation, Resend(letter.seq), actor, scope))

    async def drop(self, id: str, actor: str, scope: Scope) -> None:
        """Let go of a letter for good; what it is about stays in the log."""
        await self._close(await self.get(id, scope), actor, read=False)

    async def _reread(self, letter: Letter, actor: str, desk: Desk) -> None:
        channel = self._channels.get(letter.channel)
        if channel is None:
            raise Refused(f"channel {letter.channel!r} is no longer in the file: put it back, or drop the letter")
        raw = await desk.fetch(letter.raw)
        try:
            messages = await channel.reread(raw, desk)
        except Ignored:
            messages = ()
        except InboundError as error:
            raise Refused(f"{letter.id} still cannot be read: {error}") from error
        for message in messages[:-1]:
            await self._submit(self._keeping(message, ""))
        for message in messages[-1:]:
            await self._submit(self._keeping(message, letter.id))
        if not messages:
            await self._close(letter, actor, read=True)

    async def _close(self, letter: Letter, actor: str, *, read: bool) -> None:
        stream = letter.conversation or c.channel_stream(letter.channel)
        await self._submit(c.CloseLetter(letter.id, stream, actor, read))


def _reaches(scope: Scope) -> bool:
    """Whether *scope* has letters at all: nobody can tell whose a payload is that could not be read."""
    return not scope.contact and not scope.channel and scope.inboxes is None


def _told(channel: Channel | None, raw: bytes) -> Glimpse:
    """What *channel* makes of the beginning of a payload; its plain bytes where that fails as well."""
    if channel is not None:
        try:
            found = channel.glimpse(raw)
            return replace(found, text=found.text[:MOST])
        except Exception as error:  # noqa: BLE001 - a stranger's code, at bytes that it failed at before
            log.info("channel %r cannot tell what it set aside: %s", channel.name, error)
    return Glimpse(text=legible(raw, MOST))
