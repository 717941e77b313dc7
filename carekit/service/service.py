"""The service: settings and plugins composed into a running desk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from carekit.facts.events import BotAsked, Event
from carekit.facts.nouns import Status
from carekit.ground.clock import Clock, SystemClock
from carekit.ground.errors import CarekitError
from carekit.ground.ids import Ids, RandomIds
from carekit.ground.values import replace
from carekit.seams.component import Component, Health
from carekit.seams.desk import Desk, Live
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Job, Store
from carekit.service import compose
from carekit.service.alarms import Alarms
from carekit.service.blobs import FolderBlobs
from carekit.service.config import Settings
from carekit.service.hub import Hub
from carekit.service.node import BEAT, Node
from carekit.service.notify import Notifier
from carekit.service.outbox.lanes import Found
from carekit.service.outbox.outbox import Outbox
from carekit.service.pipeline.commands import Begun, Command, Offer
from carekit.service.pipeline.world import Kept
from carekit.service.plugins import Plugins
from carekit.service.pulse import Pulse
from carekit.service.tidy import TIDIED, is_due, tidy
from carekit.service.writer import Writer

log = logging.getLogger("carekit.service")

DRAIN = 1.5
"""Seconds that running jobs get when the service stops."""
TIDY = 600.0
"""Seconds between looks whether bytes that nothing refers to are to be removed: soon after a start, or a fault."""
READ_ON = 5.0
"""Seconds between the times that the views of the log catch up by themselves."""


class Role(StrEnum):
    """What a process of the service does."""

    ALL = "all"
    WEB = "web"
    """Answers requests and live connections, and leaves bots, sending, timers and fetching to others."""
    WORKER = "worker"
    """Does these, and answers no requests but those for its health."""


class Service:
    """Everything of one file, built but not yet running. Use ``open``, ``start``, ``stop`` in this order."""

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        random: Random | None = None,
        role: Role = Role.ALL,
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.role = role
        self.clock = clock or SystemClock()
        self.store: Store = settings.store.component
        self.blobs = compose.blobs(settings)
        self.hub = Hub()
        self.notifier = Notifier(plugins.on_event, plugins.on_measured)
        self.channels = {name: part.component for name, part in settings.channels.items()}
        self.signer = compose.signer(settings)
        for component in self.components():
            component.several = self.store.shared
            component.secret = self.signer.derive(f"component:{component.name}")
        self.pipeline = compose.pipeline(
            settings, self.signer, self.notifier, self.clock, ids or RandomIds(), self._node_for_jobs
        )
        self.writer = Writer(self.pipeline, self._committed, inline=self.store.inline, doubted=self._doubt)
        self.desk = compose.desk(
            settings, self.signer, self.clock, self.writer, self.hub, self.blobs, committed=self._committed
        )
        self.node = Node(self.store, self.clock, self.desk.read)
        self.outbox = Outbox(
            compose.errands(settings, self.notifier, self.clock, random or Random(), self._earlier, self._mark),
            self.node,
            post=self.writer.post,
            load=self._load,
            look=self._look if self.store.inline else None,
        )
        self.node.lost, self.node.doubted = self._lost, self._doubted
        self.alarms = Alarms(
            self.store, self.clock, submit=self.submit, outbox=self.outbox, node=self.node, sweep=self.drain_queue
        )
        self.pulse = self._make_pulse() if self.store.shared else None
        self._tasks: list[asyncio.Task[None]] = []
        self._claimed: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[tuple[str, str], str] = {}
        """What stopped: the component, and which work of it."""
        self._draining = False
        self._drain_again = False

    def _make_pulse(self) -> Pulse:
        bus = self.settings.bus.component if self.settings.bus else None
        return Pulse(self.store, self.hub, bus, self.desk.read, self.alarms.hasten)

    @property
    def data(self) -> Path:
        """The folder in which the service keeps files of its own."""
        return self.settings.service.data

    @property
    def remote(self) -> str:
        """The URL at which attachments are kept, empty where they are in the folder ``blobs`` of `data`."""
        return self.settings.service.blobs

    # --- life

    def open(self) -> None:
        """Open the store; raises `StoreError`."""
        self.store.open()
        self.hub.hint(self.store.last_position())
        if self.store.inline:
            self.node.begin_alone()

    async def start(self) -> None:
        """Begin to work in the background: timers, jobs, and every component that runs."""
        page = await self.desk.conversations(Query(status=(Status.RESOLVED,), limit=100), EVERYTHING)
        for conversation in reversed(page.items):
            self.desk.handle_times.note(conversation)
        if self.pulse is not None:
            self._begin(self.pulse.run(), "pulse")
        if self.role is Role.WEB:
            return
        await self.node.beat()
        self._begin(self.node.run(self.outbox.watch), "node")
        self._begin(self.alarms.run(), "alarms")
        self._begin(self.desk.erase_again(), "erasures")
        self._begin(self._each(READ_ON, "views", self.desk.read_on, "the report and the search are behind"), "views")
        if isinstance(self.blobs, FolderBlobs):
            self._begin(self._each(TIDY, "blobs", self._tidy, "bytes that nothing refers to stay for now"), "blobs")
        for component in self.components():
            if type(component).run is not Component.run:
                self._begin(self._supervise(component.name, component.run), component.name)
            if type(component).run_alone is not Component.run_alone:
                self._begin(self._claiming(component), f"{component.name} alone")

    def _begin(self, work: compose.Work, name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def stop(self) -> None:
        """End everything, within seconds; what is not finished is taken up at the next start, or by another node."""
        self.hub.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN)
        await self.outbox.stop(DRAIN)
        await self._finish_components()
        await self.writer.close()
        try:
            await self.node.leave()
        except CarekitError as error:
            log.warning("others will have to wait until this process counts as dead: %s", error)
        self.desk.close()
        self.notifier.close()
        self.store.close()

    async def _finish_components(self) -> None:
        closing = {
            asyncio.create_task(component.finish(), name=component.name)
            for component in self.components()
            if type(component).finish is not Component.finish
        }
        if not closing:
            return
        done, late = await asyncio.wait(closing, timeout=DRAIN)
        for task in done:
            if error := task.exception():
                log.warning("%s could not be closed: %s: %s", task.get_name(), type(error).__name__, error)
        for task in late:
            task.cancel()

    def components(self) -> list[Component]:
        """Every channel, bot, survey and app of the file."""
        settings = self.settings
        sections = (settings.channels, settings.bots, settings.surveys, settings.apps)
        return [part.component for section in sections for part in section.values()]

    # --- work

    async def submit(self, command: Command) -> Kept:
        """Take one command through the pipeline."""
        return await self.writer.submit(command)

    async def drain_queue(self) -> None:
        """Offer the queue's head to agents with spare capacity, in order, until one of the two is exhausted."""
        self._drain_again = True  # capacity that frees for somebody already passed needs another look
        if self._draining:
            return
        self._draining = True
        try:
            while self._drain_again:
                self._drain_again = False
                await self._drain()
        finally:
            self._draining = False

    async def _drain(self) -> None:
        query = Query(status=(Status.OPEN,), order="queued", limit=50)
        while True:
            page = await self.desk.conversations(query, EVERYTHING)
            for conversation in page.items:
                everyone = await self.desk.agents()
                agents = [a for a in everyone if a.active and a.presence == "available" and a.load < a.capacity]
                if not agents:
                    return
                fitting = [a for a in agents if not a.inboxes or conversation.inbox in a.inboxes]
                if fitting:
                    await self.submit(Offer(conversation.id, fitting[0].id))
            if not page.cursor:
                return
            query = replace(query, cursor=page.cursor)

    async def settle(self) -> None:
        """Wait until no job runs and nothing is due: for tests and one-shot commands."""
        await self.node.beat()
        while True:
            await self.outbox.idle()
            if queue := [task for task in self._tasks if task.get_name() == "queue" and not task.done()]:
                await asyncio.wait(queue)
                continue
            if not await self.alarms.look() and not self.outbox.busy:
                return

    def _node_for_jobs(self) -> int:
        """The node that new jobs belong to: this one, if it works and has room."""
        return self.node.number if self.outbox.room else 0

    def _committed(self, kept: Sequence[Kept]) -> None:
        """Right after a commit: followers, jobs, timers, capacity, plugins."""
        freed = False
        heard = self.hub.followers or self.notifier.listens
        live: list[Live] = []
        for result in kept:
            conversation = result.conversation
            if heard:
                live += [_live(event, result) for event in result.events]
            if conversation is not None:
                if result.timed:
                    self.alarms.set(min(conversation.timers.values()))
                if conversation.status is Status.RESOLVED and result.events:
                    self.desk.handle_times.note(conversation)
            if result.jobs:
                self.outbox.take_kept(result)
            if result.freed:
                freed = True
        if live:
            self.hub.publish(live)
            self.notifier.events(live)
        if self.pulse is not None:
            self.pulse.committed()
        if freed:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._begin(self._drain_soon(), "queue")

    async def _drain_soon(self) -> None:
        try:
            await self.drain_queue()
        except CarekitError as error:
            log.warning("the queue is looked at again later: %s", error)

    async def _each(self, seconds: float, name: str, work: Callable[[], Awaitable[object]], late: str) -> None:
        """Do *work* every so many seconds, in one process at a time, which is enough; *late* is told if it fails."""
        while True:
            await asyncio.sleep(seconds)
            try:
                if not self.store.shared or await self._claim(name):
                    await work()
            except Exception as error:  # noqa: BLE001 - whatever a store raises, it may be well again the next time
                log.warning("%s: %s: %s", late, type(error).__name__, error)

    async def _tidy(self) -> None:
        """Once a day, whoever did it the last time and however often the service was restarted since."""
        now = self.clock.now()
        last = (await self.desk.marks([TIDIED])).get(TIDIED)
        if is_due(last, now):
            await self.desk.read(partial(tidy, self.blobs, self.store, now))
            await self.desk.mark({TIDIED: now.isoformat()})

    async def _claiming(self, component: Component) -> None:
        """Do a component's work that is for one process at a time, while it is this one's turn."""
        name = f"{type(component).__name__} {component.name}"
        while True:
            if await self._claim(name):
                work = self._claimed[name] = asyncio.create_task(self._supervise(component.name, component.run_alone))
                await asyncio.wait([work])
                if not work.cancelled():
                    return  # it has nothing to do
            await asyncio.sleep(BEAT)

    async def _claim(self, name: str) -> bool:
        number, now = self.node.number, self.clock.now()
        try:
            return bool(number) and await self.desk.read(lambda: self.store.claim(name, number, now))
        except CarekitError as error:
            log.warning("cannot tell whose turn it is for %s: %s", name, error)
            return False

    def _lost(self) -> None:
        """What this process had is others' by now."""
        self.outbox.drop()
        self._let_go()

    def _doubt(self) -> None:
        self.node.doubt()

    def _doubted(self) -> None:
        """What this process has is its own for a while, and then whoever's comes first."""
        self.outbox.drop_waiting()
        self._let_go()

    def _let_go(self) -> None:
        for work in self._claimed.values():
            work.cancel()

    async def _supervise(self, name: str, run: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
        """Run a component's work; when it fails, say so in the health, wait and begin again."""
        wait, work = 1.0, (name, run.__name__)
        while True:
            try:
                await run(self.desk)
                self._failed.pop(work, None)
                return
            except Exception as error:  # noqa: BLE001 - a stranger's code in the background; the service goes on
                explained = isinstance(error, CarekitError)
                text = str(error) if explained else f"{type(error).__name__}: {error}"
                self._failed[work] = text
                log.error("%s stopped: %s; it begins again in %.0f s", name, text, wait)
            await asyncio.sleep(wait)
            wait = min(60.0, wait * 2)

    # --- what jobs need

    async def _mark(self, job: Job) -> None:
        await self.writer.submit(Begun(job))

    async def _earlier(self, stream: str, step: int, last: int) -> Sequence[Event]:
        after = max(0, step - 1 - last)
        return await self.desk.read(partial(self.store.events, stream, after, step - 1 - after))

    async def _load(self, job: Job) -> Found | None:
        return await self.desk.read(partial(self._look, job))

    def _look(self, job: Job) -> Found | None:
        conversation = self.store.conversation(job.stream, EVERYTHING)
        contact = self.store.contact(conversation.contact, EVERYTHING) if conversation else None
        asked = self.store.events(job.stream, job.seq - 1, 1)
        if conversation is None or contact is None or not asked:
            return None
        fact = asked[0].fact
        message = self.store.events(job.stream, fact.message - 1, 1) if isinstance(fact, BotAsked) else []
        return Found(conversation, contact, asked[0], message[0] if message else None)

    # --- health

    async def health(self) -> list[Health]:
        """How the store and every component are, broken plugins included."""
        found = [await self._health_of_store(), *self.outbox.health()]
        if self.pulse is not None:
            found += self.pulse.health()
        for component in self.components():
            found += await _health_of(component)
        found += [Health(name, "failed", error) for (name, _), error in self._failed.items()]
        found += [Health(f"plugin {info.name}", "degraded", info.error) for info in self.plugins.broken]
        found += [
            Health(f"plugin {name}", "degraded", f"failed {count} times in a hook")
            for name, count in self.notifier.failures.items()
        ]
        return found + await self._dead_letters()

    async def _health_of_store(self) -> Health:
        try:
            jobs = await self.desk.read(self.store.pending_jobs)
        except CarekitError as error:
            return Health("store", "failed", str(error))
        return Health("store", "ok", f"{jobs} job(s) waiting")

    async def _dead_letters(self) -> list[Health]:
        try:
            counts = await self.desk.read(self.store.count_letters)
        except CarekitError:
            return []  # the store's own health says so
        text = "{} dead letter(s) need somebody to look at them: carekit dead list"
        return [Health(f"channel {name}", "degraded", text.format(count)) for name, count in sorted(counts.items())]


def _live(event: Event, kept: Kept) -> Live:
    """An event with its own conversation: the one the command led to, or the one that ended on the way."""
    for conversation in (kept.conversation, kept.earlier):
        if conversation is not None and conversation.id == event.stream:
            return Live(event, conversation)
    return Live(event, None)


async def _health_of(component: Component) -> Sequence[Health]:
    try:
        told = await component.health()
    except Exception as error:  # noqa: BLE001 - a stranger's code; one that cannot tell is not well
        return [Health(component.name, "failed", f"it cannot tell its health: {type(error).__name__}")]
    return [told] if isinstance(told, Health) else list(told)
