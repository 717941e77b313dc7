"""The desk itself: the one implementation of `carekit.seams.desk.Desk`, over a writer, a store and a hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from carekit.facts.actions import Action, Send, Unassign
from carekit.facts.codec import repaired
from carekit.facts.events import AgentAdded, Event, PresenceChanged
from carekit.facts.nouns import Address, Agent, Contact, Conversation, DeliveryStatus, Inbound, Letter, Presence, Status
from carekit.ground.calendars import Calendar
from carekit.ground.clock import Clock
from carekit.ground.errors import NotAllowed, NotFound, Refused
from carekit.rules.waits import estimate_wait
from carekit.seams.channel import Channel
from carekit.seams.desk import ChannelInfo, Erased, Glimpse, Live, Outcome, Receipt, SurveyInfo, Typing, Waiting
from carekit.seams.query import Hit, Page, Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Store
from carekit.seams.survey import SurveyProvider
from carekit.service.blobs import Keeper
from carekit.service.erasing import Eraser
from carekit.service.fitting import fingerprint_of, fitting, is_plain
from carekit.service.hub import Hub
from carekit.service.letters import Letters
from carekit.service.pipeline import commands as c
from carekit.service.pipeline.world import Kept
from carekit.service.signing import Passwords, Signer
from carekit.service.staff import Wish, change_of, check_agent
from carekit.service.typists import Typists
from carekit.service.views.readers import Views
from carekit.service.views.report import ReportView
from carekit.service.views.search import SearchView
from carekit.service.waits import HandleTimes
from carekit.service.writer import Writer

T = TypeVar("T")

READERS = 4
"""Threads that read from a store that may block."""


class CareDesk:
    """Awaits the commit of whatever it is told, and reads only through scopes."""

    def __init__(
        self,
        *,
        name: str,
        timezone: str,
        base_url: str,
        clock: Clock,
        store: Store,
        writer: Writer,
        hub: Hub,
        keeper: Keeper,
        signer: Signer,
        channels: Mapping[str, ChannelInfo],
        parts: Mapping[str, Channel],
        surveys: Mapping[str, SurveyProvider],
        hours: Mapping[str, Calendar],
        eraser: Eraser,
    ) -> None:
        self.name = name
        self.timezone = timezone
        self.channels = channels
        self._parts = parts
        self.surveys: Mapping[str, SurveyInfo] = {
            name: SurveyInfo(name, provider.kind, provider.question, provider.best)
            for name, provider in surveys.items()
        }
        self._providers = surveys
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._store = store
        self._writer = writer
        self._hub = hub
        self._typists = Typists()
        self._keeper = keeper
        self._signer = signer
        self._hours = hours
        self._eraser = eraser
        self._views = Views(store, self.read, writer.submit)
        self._report = ReportView(hours, timezone)
        self._search = SearchView()
        received = partial(self._received, {})
        self._letters = Letters(store, self.read, writer.submit, parts, received, keeper.head, name)
        self._passwords: Passwords | None = None
        self._readers = None if store.inline else ThreadPoolExecutor(READERS, thread_name_prefix="carekit-reader")
        self.handle_times = HandleTimes()

    def now(self) -> datetime:
        return self._clock.now()

    def url(self, path: str) -> str:
        return f"{self._base_url}/{path.lstrip('/')}"

    def sign(self, purpose: str, value: str) -> str:
        return self._signer.sign(purpose, value)

    def unsign(self, purpose: str, token: str, max_age: timedelta | None = None) -> str:
        return self._signer.unsign(purpose, token, max_age)

    def unseal(self, purpose: str, token: str) -> str:
        return self._signer.unseal(purpose, token)

    # --- tell

    async def receive(self, inbound: Inbound, *, marks: Mapping[str, str | None] | None = None) -> Receipt:
        return _receipt(await self._writer.submit(self._received(marks, inbound)))

    async def receive_all(
        self, inbounds: Sequence[Inbound], *, marks: Mapping[str, str | None] | None = None
    ) -> list[Receipt]:
        self._writer.admit()
        last = len(inbounds) - 1
        commands = [self._received(marks if index == last else None, one) for index, one in enumerate(inbounds)]
        waiting: asyncio.Future[list[Kept | Exception]] = asyncio.get_running_loop().create_future()
        results: list[Kept | Exception] = []

        def done(result: Kept | Exception) -> None:
            results.append(result)
            if len(results) == len(commands) and not waiting.done():
                waiting.set_result(results)

        for command in commands:
            self._writer.post(command, done)
        if not commands:
            return []
        kept = await waiting
        for result in kept:
            if isinstance(result, Exception):
                raise result
        return [_receipt(result) for result in kept if isinstance(result, Kept)]

    def _received(self, marks: Mapping[str, str | None] | None, inbound: Inbound, letter: str = "") -> c.Receive:
        channel = self.channels.get(inbound.channel)
        if channel is None:
            raise Refused(f"there is no channel {inbound.channel!r} in the file", field="channel")
        if not inbound.external_id:
            raise Refused(
                "a message needs the far side's own id, or repetitions could not be told", field="external_id"
            )
        return c.Receive.of(
            fitting(inbound, plain=is_plain(inbound)),
            channel.capabilities.live,
            channel.inbox,
            marks or _NO_MARKS,
            letter,
        )

    async def act(
        self,
        conversation: str,
        action: Action,
        actor: str,
        *,
        scope: Scope,
        expected_seq: int | None = None,
        key: str = "",
    ) -> Outcome:
        action = fitting(action)
        fingerprint = fingerprint_of(conversation, action) if key else ""
        command = c.Act(conversation, action, actor, scope, expected_seq, key, fingerprint)
        return await self._outcome(await self._writer.submit(command), conversation)

    async def begin(
        self, channel: str, to: Address, action: Send, actor: str, *, scope: Scope, key: str = ""
    ) -> Outcome:
        part = self._parts.get(channel)
        if part is None:
            raise Refused(f"there is no channel {channel!r} in the file", field="channel")
        if not part.capabilities.may_initiate:
            raise Refused(f"channel {channel!r} can only answer, not write first", field="channel")
        inbox = part.inbox or channel
        if scope.contact or (scope.inboxes is not None and inbox not in scope.inboxes):
            raise NotAllowed(f"inbox {inbox!r} is not yours to write from")
        action, to = fitting(action), fitting(to)
        fingerprint = fingerprint_of(f"begin {channel} {to.key}", action) if key else ""
        command = c.Begin.on(part, to, action, actor, key=key, fingerprint=fingerprint)
        kept = await self._writer.submit(command)
        return await self._outcome(kept, kept.stream)

    async def _outcome(self, kept: Kept, id: str) -> Outcome:
        if not kept.repeated:
            conversation = kept.conversation
            assert conversation is not None, "an action always has a conversation"
            return Outcome(conversation, kept.events)
        events = await self.read(lambda: self._store.events(id, kept.seq - 1, kept.last - kept.seq + 1))
        return Outcome(await self.conversation(id, EVERYTHING), events, repeated=True)

    async def answer_survey(
        self, conversation: str, survey: str, score: object, comment: object = "", *, scope: Scope
    ) -> Outcome:
        provider = self._providers.get(survey)
        if provider is None:
            raise Refused(f"there is no survey {survey!r}", field="survey")
        return await self.act(conversation, provider.answer(score, comment), "contact", scope=scope)

    async def report_delivery(
        self,
        conversation: str,
        message: int,
        status: DeliveryStatus,
        *,
        detail: str = "",
        external_id: str = "",
        marks: Mapping[str, str | None] | None = None,
    ) -> None:
        await self._writer.submit(c.Delivered(conversation, message, status, external_id, detail, marks or {}))

    async def quarantine(
        self, channel: str, raw: bytes, error: str, *, key: str, marks: Mapping[str, str | None] | None = None
    ) -> None:
        digest = await self.keep(raw)
        await self._writer.submit(c.SetAside(channel, digest, error, key, marks or {}))

    async def keep(self, data: bytes) -> str:
        return await self._keeper.keep(data)

    async def fetch(self, digest: str) -> bytes:
        return await self._keeper.get(digest)

    async def mark(self, marks: Mapping[str, str | None]) -> None:
        await self._writer.submit(c.Mark(marks))

    # --- ask

    async def conversation(self, id: str, scope: Scope) -> Conversation:
        found = await self.read(lambda: self._store.conversation(id, scope))
        if found is None:
            raise NotFound(f"there is no conversation {id!r}")
        return found

    async def conversations(self, query: Query, scope: Scope) -> Page:
        return await self.read(lambda: self._store.conversations(query, scope))

    async def count(self, query: Query, scope: Scope) -> int:
        return await self.read(lambda: self._store.count(query, scope))

    async def events(
        self, conversation: str, scope: Scope, *, after: int = 0, limit: int | None = None, last: bool = False
    ) -> list[Event]:
        found = await self.conversation(conversation, scope)
        if last and limit is not None and scope.contact:
            return await self.read(lambda: _last_shown(self._store, found, scope, after, limit))
        events = await self.read(lambda: self._store.events(conversation, after, limit, last=last))
        return [event for event in events if scope.shows(event)]

    async def find(self, channel: str, key: str) -> Conversation | None:
        def look() -> Conversation | None:
            id = self._store.find_key(f"{channel}|{key}")
            return self._store.conversation(id, Scope(channel=channel)) if id else None

        return await self.read(look)

    async def contact(self, id: str, scope: Scope) -> Contact:
        found = await self.read(lambda: self._store.contact(id, scope))
        if found is None:
            raise NotFound(f"there is no contact {id!r}")
        return found

    async def contacts(self, scope: Scope, *, cursor: str = "", limit: int = 50) -> tuple[list[Contact], str]:
        return await self.read(lambda: self._store.contacts(cursor, limit, scope))

    async def erase(self, contact: str, actor: str, *, scope: Scope) -> Erased:
        return await self._eraser.erase(contact, actor, scope, self.read)

    async def erase_again(self) -> None:
        """Erase those whom a restored backup brought back."""
        await self._eraser.erase_again(self.read)

    async def marks(self, names: Collection[str]) -> dict[str, str]:
        return await self.read(lambda: self._store.marks(names))

    async def feed(self, after: int, scope: Scope, *, limit: int = 200) -> list[Event]:
        return await self.read(lambda: self._store.feed(after, limit, scope))

    async def follow(self, scope: Scope, *, after: int | None = None) -> AsyncIterator[list[Live]]:
        position = await self.read(self._store.last_position) if after is None else after
        async for page in self._hub.follow(scope, position, self._live_page):
            yield page

    async def _live_page(self, after: int, scope: Scope, limit: int) -> list[Live]:
        def look() -> list[Live]:
            known: dict[str, Conversation | None] = {}
            page = []
            for event in self._store.feed(after, limit, scope):
                if event.stream not in known:
                    known[event.stream] = self._store.conversation(event.stream, EVERYTHING)
                page.append(Live(event, known[event.stream]))
            return page

        return await self.read(look)

    async def typing(self, conversation: str, actor: str, *, scope: Scope) -> None:
        notice = Typing(conversation, actor)
        if self._typists.is_news(notice, self.now()):
            self._typists.tell(notice, await self.conversation(conversation, scope))

    def hear_typing(self, scope: Scope, heard: Callable[[Typing], None]) -> Callable[[], None]:
        return self._typists.listen(scope, heard)

    async def waiting(self, channel: str, conversation: str = "") -> Waiting:
        now = self.now()
        calendar = self._hours.get(channel)
        is_open = calendar is None or calendar.is_open(now)
        opens_at = None if is_open or calendar is None else calendar.next_opening(now)
        inbox = self.channels[channel].inbox
        agents = [
            agent
            for agent in await self.agents()
            if agent.active and agent.presence is Presence.AVAILABLE and (not agent.inboxes or inbox in agent.inboxes)
        ]
        ahead = await self._ahead(conversation)
        slots = sum(agent.capacity for agent in agents)
        free = sum(max(0, agent.capacity - agent.load) for agent in agents)
        low = high = None
        times = self.handle_times
        if is_open and slots and free <= ahead and times.count(channel):
            estimate = estimate_wait(ahead, slots, times.mean(channel), times.count(channel))
            if estimate is not None:
                low, high = estimate.low, estimate.high
        return Waiting(is_open, opens_at, ahead, len(agents), low, high)

    async def _ahead(self, conversation: str) -> int:
        """How many entered the queue before *conversation* (all of the queue for one not in it)."""
        page = await self.conversations(Query(status=(Status.OPEN,), order="queued", limit=200), EVERYTHING)
        ids = [queued.id for queued in page.items]
        return ids.index(conversation) if conversation in ids else len(ids)

    async def search(self, words: str, scope: Scope, *, limit: int = 50) -> list[Hit]:
        await self._views.catch_up(self._search)
        return await self.read(lambda: self._store.search(words, limit, scope))

    async def report(
        self, scope: Scope, *, since: datetime | None = None, until: datetime | None = None
    ) -> dict[str, object]:
        if scope.contact:
            raise NotAllowed("a contact gets no report")
        await self._views.catch_up(self._report)
        return await self.read(lambda: self._report.read(self._store, scope, since, until, self.now()))

    async def read_on(self) -> int:
        """Let the views of the log catch up with it, so that nobody who asks has to wait; how many events were new."""
        return await self._views.catch_up(self._report) + await self._views.catch_up(self._search)

    # --- dead letters

    async def letters(self, scope: Scope, *, after: str = "", limit: int = 100) -> list[Letter]:
        return await self._letters.page(scope, after, limit)

    async def letter(self, id: str, scope: Scope) -> Letter:
        return await self._letters.get(id, scope)

    async def glimpses(self, letters: Sequence[Letter], scope: Scope) -> list[Glimpse]:
        return await self._letters.glimpses(letters, scope)

    async def retry(self, letter: str, actor: str, *, scope: Scope) -> None:
        await self._letters.retry(letter, actor, scope, self)

    async def drop(self, letter: str, actor: str, *, scope: Scope) -> None:
        await self._letters.drop(letter, actor, scope)

    # --- agents

    async def agents(self) -> list[Agent]:
        return await self.read(self._store.agents)

    async def agent(self, id: str) -> Agent | None:
        return next((agent for agent in await self.agents() if agent.id == id), None)

    async def authenticate(self, email: str, password: str) -> Agent | None:
        wanted = email.strip().lower()
        agents = await self.agents()
        agent = next((a for a in agents if a.active and wanted in (a.email.lower(), a.id.lower())), None)
        hashed = await self.read(lambda: self._store.credential(agent.id)) if agent else None
        fits = await asyncio.to_thread(lambda: self._hasher().matches(hashed, password))
        return agent if fits else None

    async def add_agent(
        self,
        id: str,
        name: str,
        email: str,
        password: str,
        *,
        role: str = "agent",
        capacity: int = 5,
        inboxes: Collection[str] = (),
    ) -> Agent:
        check_agent(id, name, email, role, capacity)
        credential = await asyncio.to_thread(lambda: self._hasher().hash(password))
        fact = AgentAdded(id, name.strip(), email.strip(), role, capacity, tuple(inboxes))
        await self._writer.submit(c.Staff(id, fact, "service", credential))
        return await self._get_agent(id)

    async def set_presence(self, agent: str, presence: Presence, actor: str) -> Agent:
        await self._writer.submit(c.Staff(agent, PresenceChanged(presence), actor))
        return await self._get_agent(agent)

    async def change_agent(
        self,
        id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        role: str | None = None,
        capacity: int | None = None,
        active: bool | None = None,
        inboxes: Collection[str] | None = None,
        actor: str,
    ) -> Agent:
        agents = await self.agents()
        agent = next((agent for agent in agents if agent.id == id), None)
        if agent is None:
            raise NotFound(f"there is no agent {id!r}")
        fact = change_of(agent, repaired(Wish(name, email, role, capacity, active, inboxes), plain=True), agents)
        if fact is not None:
            await self._writer.submit(c.Staff(id, fact, actor))
        if active is False:
            await self._free(id)
        return await self._get_agent(id)

    async def _free(self, agent: str) -> None:
        """Take the open conversations from a deactivated agent, so that routing decides on them anew.

        Those that wait or are resolved stay as they are: routing takes them away when their contact writes.
        """
        held: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = Query(status=(Status.OPEN,), assignee=agent, cursor=cursor, limit=100)
            page = await self.conversations(query, EVERYTHING)
            held += [conversation.id for conversation in page.items]
            cursor = page.cursor or None
        for conversation in held:
            action = Unassign(reason=f"agent {agent!r} is no longer active")
            await self._writer.submit(c.Act(conversation, action, "service"))

    async def set_password(self, agent: str, password: str, actor: str) -> None:
        credential = await asyncio.to_thread(lambda: self._hasher().hash(password))
        await self._writer.submit(c.Staff(agent, None, actor, credential, sessions_ended=True))

    async def _get_agent(self, id: str) -> Agent:
        agent = await self.agent(id)
        if agent is None:
            raise NotFound(f"there is no agent {id!r}")
        return agent

    def _hasher(self) -> Passwords:
        if self._passwords is None:  # making one costs a hash, which only those who log in should pay
            self._passwords = Passwords()
        return self._passwords

    async def read(self, look: Callable[[], T]) -> T:
        """The result of *look* at the store, taken where it may block."""
        if self._readers is None:
            return look()
        return await asyncio.get_running_loop().run_in_executor(self._readers, look)

    def close(self) -> None:
        """Let the reading threads go."""
        if self._readers is not None:
            self._readers.shutdown(wait=False, cancel_futures=True)


_NO_MARKS: Mapping[str, str | None] = {}


def _receipt(kept: Kept) -> Receipt:
    return Receipt(kept.stream, kept.seq, kept.contact, kept.repeated)


def _last_shown(store: Store, conversation: Conversation, scope: Scope, after: int, limit: int) -> list[Event]:
    """The newest *limit* events that *scope* shows, looked for backwards, page by page."""
    shown: list[Event] = []
    end = conversation.seq
    while end > after and len(shown) < limit:
        begin = max(after, end - 4 * limit)
        page = [event for event in store.events(conversation.id, begin, end - begin) if scope.shows(event)]
        shown = page + shown
        end = begin
    return shown[-limit:] if limit else []
