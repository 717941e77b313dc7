"""One visitor's view of the desk: the history after a cursor, then what is committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial

from carekit import (
    CarekitError,
    Conversation,
    ConversationStarted,
    DeliveryChanged,
    DeliveryStatus,
    Desk,
    Event,
    Live,
    MessageSent,
    Scope,
    Typing,
)
from carekit_chat import frames, view
from carekit_chat.company import Company
from carekit_chat.line import Line
from carekit_chat.session import Visitor

log = logging.getLogger(__name__)

HISTORY = 300
"""Steps of a conversation that a widget is given at most."""
REFRESH = 15.0
"""Seconds between two looks at the queue."""

_ORDER = list(DeliveryStatus)


class Follower:
    """What one socket has been shown, and the tasks that show it more."""

    def __init__(self, desk: Desk, channel: str, line: Line) -> None:
        self._desk = desk
        self._channel = channel
        self._line = line
        self._tasks: set[asyncio.Task[None]] = set()
        self._names: dict[str, str] = {}
        self._company = Company()
        self._seen: dict[str, int] = {}
        self._shown: dict[str, view.View] = {}
        self._messages: dict[tuple[str, int], DeliveryStatus] = {}
        self._reports: asyncio.Queue[tuple[str, int, DeliveryStatus]] = asyncio.Queue()
        self._typists: asyncio.Queue[str] = asyncio.Queue()
        self._deafen: Callable[[], None] = lambda: None
        self._contact = ""
        self.scope = Scope.of_contact("", channel)
        self.conversation: Conversation | None = None

    async def begin(self, visitor: Visitor, known: str, after: int) -> None:
        """Send the ``state`` frame for a visitor who has seen the conversation *known* up to step *after*."""
        self.conversation = await self._desk.find(self._channel, visitor.key) if visitor.known else None
        events: list[Event] = []
        if self.conversation is not None:
            self._reach(self.conversation.contact)
            events = await self._history(self.conversation.id)
        reset = not self._continues(events, known, after)
        shown = [e for e in events if reset or e.seq > after]
        for event in events[: len(events) - len(shown)]:
            self._company.changes(event)
        state: view.View = {
            "type": "state",
            "token": visitor.token,
            "conversation": self.conversation.id if self.conversation else None,
            "reset": reset,
            "events": [f async for f in self._frames(shown)],
            "now": await self._now(),
            "waiting": view.waiting(await self._desk.waiting(self._channel, self._stream)),
        }
        self._shown = {"now": state["now"], "waiting": state["waiting"]}
        self._line.put(state, self._note(shown))
        self._start(events)

    async def attach(self, contact: str, conversation: str) -> None:
        """Begin to follow *contact* once the first message has made one; harmless after that."""
        if contact == self._contact:
            return
        self.stop()
        self._reach(contact)
        events = await self._history(conversation)
        self.conversation = await self._desk.conversation(conversation, self.scope)
        for event in events:
            await self._show_event(event)
        await self._show_now()
        self._start(events)

    def mark_read(self, seq: int) -> None:
        """The visitor has seen our messages up to step *seq*."""
        ours = [key for key in self._messages if key[0] == self._stream and key[1] <= seq]
        self._mark(ours, DeliveryStatus.READ)

    def stop(self) -> None:
        """End the tasks."""
        self._deafen()
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    # --- following

    @property
    def _stream(self) -> str:
        return self.conversation.id if self.conversation else ""

    def _reach(self, contact: str) -> None:
        self._contact = contact
        self.scope = Scope.of_contact(contact, self._channel)

    def _start(self, events: list[Event]) -> None:
        after = max((event.position for event in events), default=None)
        self._deafen = self._desk.hear_typing(self.scope, self._hear)
        for work in (self._follow(after), self._look_at_queue(), self._deliver_reports(), self._show_typists()):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, CarekitError):  # the store is away: it says so itself
                log.warning("chat %s: a widget lost its feed and is asked to come again: %s", self._channel, error)
            else:
                log.error("chat %s: a widget lost its feed", self._channel, exc_info=error)
            self._line.close(frames.LATER, "not now; come back with the last step you have seen")

    async def _follow(self, after: int | None) -> None:
        async for batch in self._desk.follow(self.scope, after=after):
            for live in batch:
                await self._show(live)
        self._line.put({"type": "bye", "code": frames.RESTART})
        self._line.close(frames.RESTART, "the service restarts")

    async def _look_at_queue(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            now = self._shown.get("now")
            if now and (now["queued"] or now["handler"] == "team"):
                await self._show_waiting()

    async def _deliver_reports(self) -> None:
        while True:
            stream, message, status = await self._reports.get()
            try:
                await self._desk.report_delivery(stream, message, status)
            except CarekitError as error:
                log.info("chat %s: a receipt was not kept: %s", self._channel, error)

    def _hear(self, typing: Typing) -> None:
        if typing.conversation == self._stream:
            self._typists.put_nowait(typing.actor.partition(":")[2])

    async def _show_typists(self) -> None:
        while True:
            self._line.put({"type": "typing", "name": await self._name(await self._typists.get())})

    # --- showing

    async def _show(self, live: Live) -> None:
        await self._show_event(live.event)
        after = live.conversation
        if after is None or (self.conversation and after.created_at < self.conversation.created_at):
            return
        if after.id != self._stream or self.conversation is None or after.seq >= self.conversation.seq:
            self.conversation = after
            await self._show_now()

    async def _show_event(self, event: Event) -> None:
        if event.seq <= self._seen.get(event.stream, 0):
            return
        left = self._note([event])
        async for frame in self._frames([event]):
            self._line.put(frame, left)

    async def _frames(self, events: Iterable[Event]) -> AsyncIterator[view.View]:
        for event in events:
            self._seen[event.stream] = max(event.seq, self._seen.get(event.stream, 0))
            for agent in view.agents_in(event):
                await self._name(agent)
            frame = view.frame(event, self._names, self._company.changes(event))
            if frame is not None:
                yield frame

    async def _name(self, agent: str) -> str:
        if agent and agent not in self._names:
            found = await self._desk.agent(agent)
            self._names[agent] = found.name if found else ""
        return self._names.get(agent, "")

    async def _now(self) -> view.View | None:
        if self.conversation is None:
            return None
        assignee = self.conversation.assignee
        here = self._company.has(self.conversation.id, assignee)
        return view.now(self.conversation, await self._name(assignee), here)

    async def _show_now(self) -> None:
        now = await self._now()
        if now is None or now == self._shown.get("now"):
            return
        self._shown["now"] = now
        self._line.put(now)
        if now["queued"] or now["handler"] == "team":
            await self._show_waiting()

    async def _show_waiting(self) -> None:
        waiting = view.waiting(await self._desk.waiting(self._channel, self._stream))
        if waiting != self._shown.get("waiting"):
            self._shown["waiting"] = waiting
            self._line.put(waiting)

    # --- history and receipts

    async def _history(self, conversation: str) -> list[Event]:
        return await self._desk.events(conversation, self.scope, limit=HISTORY, last=True)

    def _continues(self, events: list[Event], known: str, after: int) -> bool:
        """Whether what the browser has goes on where *events* begin, without a gap."""
        if self.conversation is None or not events:
            return not known
        if known != self.conversation.id or after > self.conversation.seq:
            return False
        return isinstance(events[0].fact, ConversationStarted) or after >= events[0].seq - 1

    def _note(self, events: Iterable[Event]) -> Callable[[], None]:
        """Remember how far our messages among *events* have got; the answer is to be called when they have left."""
        ours: list[tuple[str, int]] = []
        for event in events:
            if isinstance(event.fact, MessageSent):
                ours.append((event.stream, event.seq))
                self._messages[ours[-1]] = event.fact.status
            elif isinstance(event.fact, DeliveryChanged):
                self._messages[event.stream, event.fact.message] = event.fact.status
        return partial(self._mark, ours, DeliveryStatus.DELIVERED)

    def _mark(self, messages: Iterable[tuple[str, int]], status: DeliveryStatus) -> None:
        for key in messages:
            if _ORDER.index(self._messages[key]) < _ORDER.index(status):
                self._messages[key] = status
                self._reports.put_nowait((*key, status))
