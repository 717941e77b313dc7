"""Taking a contact out of the desk, for good: who comes back with a restored backup is erased again.

That somebody was erased is noted beside the attachments, on the disk before the store is touched: a process that dies
in between ends the work at its next start, and a backup from before cannot undo it. The note holds the contact's id and
nothing else about them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from carekit.facts.events import ContactErased, Event
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.ground.clock import Clock
from carekit.ground.errors import CarekitError, Conflict, NotFound, Unavailable
from carekit.ground.values import replace
from carekit.seams.desk import Erased
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Batch, Loaded, Store, Transaction, Wanted
from carekit.service.blobs import Blobs, FolderBlobs
from carekit.service.pipeline.line import ATTEMPTS
from carekit.service.pipeline.world import Kept
from carekit.service.reading import Read
from carekit.service.tidy import KEPT

log = logging.getLogger(__name__)

STREAM = "erasures"
"""The stream of what was erased, for who sees all of the desk."""
PAGE = 200
AGAIN = 60.0
"""Seconds until it is tried again to erase who came back."""


class Eraser:
    """Erases contacts of one store; *committed* is told what was kept, as after any commit."""

    def __init__(self, store: Store, blobs: Blobs, clock: Clock, committed: Callable[[Sequence[Kept]], None]) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._committed = committed

    async def erase(self, id: str, actor: str, scope: Scope, read: Read) -> Erased:
        """Erase the contact *id*; raises `NotFound`, also for a scope that does not reach every inbox."""
        whole = not scope.contact and not scope.channel and scope.inboxes is None
        found = await read(lambda: self._store.contact(id, EVERYTHING)) if whole else None
        if found is None:
            raise NotFound(f"there is no contact {id!r}")
        erased, kept = await read(lambda: self._erase(found, actor))
        self._committed([kept])
        return erased

    async def erase_again(self, read: Read) -> None:
        """Erase those who were erased before and are here all the same, until that is done."""
        while True:
            try:
                for id in await read(self._blobs.erased):
                    if await read(lambda id=id: self._store.contact(id, EVERYTHING)):  # type: ignore[misc]
                        log.warning("contact %s was erased, and is back as after a restore: erased again", id)
                        with suppress(NotFound):  # somebody else was quicker
                            await self.erase(id, "service", EVERYTHING, read)
                return
            except CarekitError as error:
                log.warning("who was erased before a restore may be here again: %s", error)
            await asyncio.sleep(AGAIN)

    def _erase(self, contact: Contact, actor: str) -> tuple[Erased, Kept]:
        self._blobs.note_erased(contact.id)
        kept, digests = self._taken_out(contact, actor)
        [event] = kept.events
        assert isinstance(event.fact, ContactErased)
        return Erased(contact.id, event.fact.conversations, tuple(self._drop(digests))), kept

    def _taken_out(self, contact: Contact, actor: str) -> tuple[Kept, Sequence[str]]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._store.transaction() as unit:
                    return self._take_out(unit, contact, actor)
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _take_out(self, unit: Transaction, contact: Contact, actor: str) -> tuple[Kept, Sequence[str]]:
        # Nobody begins anything new from these addresses until the end; only then it is known what there is.
        seen = unit.load(Wanted(addresses=contact.addresses, streams=[STREAM]))
        if contact.addresses and contact.id not in seen.contacts:
            raise NotFound(f"contact {contact.id!r} was erased by somebody else at this moment")
        held = [conversation.id for conversation in self._conversations(contact.id)]
        loaded = unit.load(Wanted(conversations=held))
        agents = _relieved(loaded)
        fact = ContactErased(contact.id, len(held))
        event = Event(STREAM, seen.heads[STREAM] + 1, self._clock.now(), actor, fact)
        unit.write(Batch(events=[event], agents=[(agent, loaded.agents[agent.id]) for agent in agents]))
        digests = unit.erase(contact.id)
        freed = frozenset(agent.id for agent in agents)
        return Kept(events=[event], stream=STREAM, seq=event.seq, freed=freed), digests

    def _conversations(self, contact: str) -> Iterator[Conversation]:
        cursor: str | None = ""
        while cursor is not None:
            page = self._store.conversations(Query(contact=contact, cursor=cursor, limit=PAGE), EVERYTHING)
            yield from page.items
            cursor = page.cursor or None

    def _drop(self, digests: Sequence[str]) -> Iterator[str]:
        """Remove bytes; yields those that stay, because the same may just be coming from somebody else."""
        before = (self._clock.now() - KEPT).timestamp()
        for digest in digests:
            try:
                if not isinstance(self._blobs, FolderBlobs) or self._blobs.drop(digest, before) is None:
                    yield digest
            except FileNotFoundError:
                continue  # they were missing before
            except OSError as error:
                raise Unavailable(
                    f"the contact is erased, but an attachment of theirs is left: {error}; run carekit tidy in a day"
                ) from error


def _relieved(loaded: Loaded) -> list[Agent]:
    """The agents who held some of the conversations, without them."""
    loads: dict[str, int] = {}
    for conversation in loaded.conversations.values():
        if conversation.holder in loaded.agents:
            loads[conversation.holder] = loads.get(conversation.holder, 0) + 1
    agents = loaded.agents
    return [replace(agents[id], load=max(0, agents[id].load - load)) for id, load in sorted(loads.items())]
