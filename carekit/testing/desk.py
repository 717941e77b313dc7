"""A whole desk in memory, driven step by step by a test: write as a contact, answer as an agent, let time pass.

Nothing happens in the background: after each step everything that is due has been done, and the clock stands still.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, TypeVar

from carekit.builtin.loopback import Loopback
from carekit.facts.actions import Action, AddNote, Reopen, Resolve, Send
from carekit.facts.events import Event, Fact, MessageReceived, MessageSent
from carekit.facts.nouns import Address, Agent, Conversation, Inbound, Presence
from carekit.ground.durations import parse_duration
from carekit.ground.ids import SequentialIds
from carekit.seams.channel import Channel
from carekit.seams.desk import Outcome, Receipt
from carekit.seams.scope import EVERYTHING
from carekit.service import config, plugins
from carekit.service.desk import CareDesk
from carekit.service.service import Service
from carekit.testing.clock import FrozenClock

T = TypeVar("T")

MINIMAL = """
[service]
name = "Test desk"
timezone = "UTC"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.loop]
use = "loopback"
"""
"""The file of a desk with one loopback channel and no policy."""


class DeskKit:
    """A desk for tests. *toml* is the file; *extra* adds plugin modules that are not installed.

    ``clock`` is the frozen clock, ``desk`` the desk itself, ``service`` everything behind it.
    """

    def __init__(
        self,
        toml: str = MINIMAL,
        *,
        clock: FrozenClock | None = None,
        extra: Mapping[str, ModuleType] | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        discover: bool = True,
    ) -> None:
        self.clock = clock or FrozenClock()
        self._runner = asyncio.Runner()
        self._closed = False
        self._made = None if folder else tempfile.TemporaryDirectory(prefix="carekit-test-")
        home = folder or Path(self._made.name if self._made else ".")
        self._sent_ids = 0
        try:
            path = home / "carekit.toml"
            path.write_text(toml, "utf-8")
            installed = plugins.load(extra=extra, discover=discover)
            settings = config.load(path, installed, environment)
            self.service = Service(settings, installed, clock=self.clock, ids=SequentialIds(), random=Random(0))
            self.run(self._open())
        except BaseException:
            self._let_go()
            raise

    async def _open(self) -> None:
        self.service.open()

    @property
    def desk(self) -> CareDesk:
        """The desk as channels and apps see it."""
        return self.service.desk

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the desk's own loop."""
        return self._runner.run(step)

    def close(self) -> None:
        """Stop everything; may be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self.run(self.service.stop())
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._runner.close()
        if self._made:
            self._made.cleanup()

    def __enter__(self) -> DeskKit:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- steps

    def settle(self) -> None:
        """Do everything that is due: timers, jobs, the queue."""

        async def settle() -> None:
            await self.service.settle()
            await self.service.drain_queue()
            await self.service.settle()

        self.run(settle())

    def write(
        self,
        text: str,
        *,
        sender: str = "ana",
        channel: str = "loop",
        id: str = "",
        name: str = "",
        settle: bool = True,
        **fields: Any,
    ) -> Receipt:
        """Write as a contact; *id* is the far side's id of the message, a new one by default."""
        self._sent_ids += 1
        key = f"peer:{sender}"
        inbound = Inbound(
            channel=channel,
            external_id=id or f"test-{self._sent_ids}",
            sender=fields.pop("address", Address("loopback", sender, name)),
            text=text,
            thread=fields.pop("thread", (key,)),
            keys=fields.pop("keys", (key,)),
            **fields,
        )
        receipt = self.run(self.desk.receive(inbound))
        if settle:
            self.settle()
        return receipt

    def act(self, action: Action, actor: str, conversation: str = "", *, settle: bool = True, **kwargs: Any) -> Outcome:
        """Ask for any action; the newest conversation by default."""
        kwargs.setdefault("scope", EVERYTHING)
        outcome = self.run(self.desk.act(conversation or self.conversation().id, action, actor, **kwargs))
        if settle:
            self.settle()
        return outcome

    def reply(self, agent: str, text: str, conversation: str = "", **kwargs: Any) -> Outcome:
        """Answer as an agent."""
        return self.act(Send(text), f"agent:{agent}", conversation, **kwargs)

    def note(self, agent: str, text: str, conversation: str = "") -> Outcome:
        """Add a private note as an agent."""
        return self.act(AddNote(text), f"agent:{agent}", conversation)

    def resolve(self, agent: str, conversation: str = "") -> Outcome:
        """Resolve as an agent."""
        return self.act(Resolve(), f"agent:{agent}", conversation)

    def reopen(self, agent: str, conversation: str = "") -> Outcome:
        """Reopen as an agent."""
        return self.act(Reopen(), f"agent:{agent}", conversation)

    def add_agent(
        self, id: str, *, name: str = "", capacity: int = 5, presence: Presence = Presence.AVAILABLE, **fields: Any
    ) -> Agent:
        """Add an agent, available unless told otherwise, with the password ``password-of-<id>``."""
        password = fields.pop("password", f"password-of-{id}")
        email = fields.pop("email", f"{id}@desk.example")
        self.run(self.desk.add_agent(id, name or id.title(), email, password, capacity=capacity, **fields))
        agent = self.run(self.desk.set_presence(id, presence, f"agent:{id}"))
        self.settle()
        return agent

    def presence(self, agent: str, presence: Presence) -> Agent:
        """Make an agent available, away or off."""
        changed = self.run(self.desk.set_presence(agent, presence, f"agent:{agent}"))
        self.settle()
        return changed

    def advance(self, by: timedelta | str) -> datetime:
        """Let time pass; every timer on the way fires, and what waits to be tried again is tried."""
        total = parse_duration(by) if isinstance(by, str) else by
        until = self.clock.now() + total
        while (due := self._next_instant()) is not None and due <= until:
            self.clock.set(max(due, self.clock.now()))
            self.settle()
        self.clock.set(until)
        self.settle()
        return until

    def _next_instant(self) -> datetime | None:
        return self.service.store.next_due(self.clock.now())

    # --- what is

    def conversation(self, id: str = "") -> Conversation:
        """The conversation *id*, or the one that began last."""
        store = self.service.store
        if not id:
            started = [e for e in store.feed(0, 1_000_000, EVERYTHING) if e.kind == "conversation_started"]
            assert started, "no conversation has begun"
            id = started[-1].stream
        found = store.conversation(id, EVERYTHING)
        assert found is not None, f"there is no conversation {id!r}"
        return found

    def events(self, kind: type[Fact] | None = None, conversation: str = "") -> list[Event]:
        """The events of a conversation (the newest by default), of one class of fact if given."""
        events = self.service.store.events(conversation or self.conversation().id)
        return [event for event in events if kind is None or isinstance(event.fact, kind)]

    def facts(self, kind: type[T], conversation: str = "") -> list[T]:
        """The facts of one class of a conversation."""
        return [e.fact for e in self.events(conversation=conversation) if isinstance(e.fact, kind)]

    def thread(self, conversation: str = "") -> list[tuple[str, str]]:
        """The public messages as (author, text)."""
        lines = []
        for event in self.events(conversation=conversation):
            if isinstance(event.fact, MessageReceived):
                lines.append(("contact", event.fact.text))
            elif isinstance(event.fact, MessageSent):
                lines.append((event.fact.author, event.fact.text))
        return lines

    def channel(self, name: str = "loop") -> Channel:
        """The channel *name* itself."""
        channel: Channel = self.service.channels[name]
        return channel

    @property
    def sent(self) -> list[str]:
        """The texts that the loopback channel ``loop`` was given to send."""
        channel = self.channel()
        assert isinstance(channel, Loopback), "only the loopback channel remembers what it sent"
        return [outbound.message.text for outbound in channel.sent]
