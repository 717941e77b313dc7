"""Dead letters: what needs a person before it goes on, looked at, tried again or let go of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from carekit.facts.actions import Resend
from carekit.facts.nouns import Inbound, Letter
from carekit.ground.errors import Ignored, InboundError, NotFound, Refused
from carekit.seams.channel import Channel
from carekit.seams.desk import Desk
from carekit.seams.scope import Scope
from carekit.seams.store import Store
from carekit.service.pipeline import commands as c
from carekit.service.reading import Read


class Letters:
    """The dead letters of one desk. ``keeping`` makes the command that keeps a message out of the letter named."""

    def __init__(
        self,
        store: Store,
        read: Read,
        submit: Callable[[c.Command], Awaitable[object]],
        channels: Mapping[str, Channel],
        keeping: Callable[[Inbound, str], c.Receive],
    ) -> None:
        self._store = store
        self._read = read
        self._submit = submit
        self._channels = channels
        self._keeping = keeping

    async def page(self, scope: Scope, after: str, limit: int) -> list[Letter]:
        """Letters in order of id."""
        return await self._read(lambda: self._store.letters(after, limit)) if _reaches(scope) else []

    async def get(self, id: str, scope: Scope) -> Letter:
        """The letter *id*; raises `NotFound`."""
        found = await self._read(lambda: self._store.letter(id)) if _reaches(scope) else None
        if found is None:
            raise NotFound(f"there is no dead letter {id!r}; somebody may have handled it already")
        return found

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
