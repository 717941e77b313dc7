"""The service: settings and plugins composed into a running desk."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from carekit.facts.events import Event
from carekit.facts.nouns import Contact, Conversation, Status
from carekit.ground.clock import Clock, SystemClock
from carekit.ground.errors import CarekitError, ConfigError
from carekit.ground.ids import Ids, RandomIds
from carekit.ground.values import replace
from carekit.rules.context import SurveyOffer
from carekit.rules.turn import Rulebook
from carekit.seams.component import Component, Health
from carekit.seams.desk import ChannelInfo, Live
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Store
from carekit.service.alarms import Alarms
from carekit.service.blobs import Blobs, FolderBlobs, MemoryBlobs
from carekit.service.commands import Command, Offer
from carekit.service.config import Settings
from carekit.service.desk import CareDesk
from carekit.service.hub import Hub
from carekit.service.measured import MeasuredOutbox, MeasuredPipeline
from carekit.service.notify import Notifier
from carekit.service.outbox import Outbox
from carekit.service.pipeline import Kept, Pipeline
from carekit.service.plugins import Plugins
from carekit.service.signing import Signer
from carekit.service.writer import Writer

log = logging.getLogger("carekit.service")

LEASE = timedelta(seconds=120)
"""How long a job belongs to this process before another may take it."""
DRAIN = 1.5
"""Seconds that running jobs get when the service stops."""


class Service:
    """Everything of one file, built but not yet running. Use ``open``, ``start``, ``stop`` in this order."""

    def __init__(
        self, settings: Settings, plugins: Plugins, *, clock: Clock | None = None, ids: Ids | None = None
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.clock = clock or SystemClock()
        self.store: Store = settings.store.component
        self.hub = Hub()
        self.notifier = Notifier(plugins.on_event, plugins.on_measured)
        self.channels = {name: part.component for name, part in settings.channels.items()}
        self.signer = Signer(self._secret())
        for component in self.components():
            component.secret = self.signer.derive(f"component:{component.name}")
        push = {name: channel.capabilities.push for name, channel in self.channels.items()}
        book = self._rulebook()
        new_pipeline: Callable[..., Pipeline] = Pipeline
        new_outbox: Callable[..., Outbox] = Outbox
        if self.notifier.measures:  # the plain ones pay nothing for it
            new_pipeline = partial(MeasuredPipeline, tell=self.notifier.measured)
            new_outbox = partial(MeasuredOutbox, tell=self.notifier.measured)
        self.pipeline = new_pipeline(self.store, book, self.clock, ids or RandomIds(), push=push, lease=LEASE)
        self.writer = Writer(self.pipeline, self._committed, inline=self.store.inline)
        self.desk = self._desk()
        bots = {name: (part.component, part.reserved.timeout) for name, part in settings.bots.items()}
        self.outbox = new_outbox(
            channels=self.channels,
            bots=bots,
            clock=self.clock,
            post=self.writer.post,
            load=self._load,
            look=self._look if self.store.inline else None,
            lease=LEASE,
        )
        self.alarms = Alarms(
            self.store, self.clock, submit=self.submit, take=self.outbox.take, sweep=self.drain_queue, lease=LEASE
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._failed: dict[str, str] = {}
        self._draining = False
        self._drain_again = False

    # --- life

    def open(self) -> None:
        """Open the store; raises `StoreError`."""
        self.store.open()

    async def start(self) -> None:
        """Begin to work in the background: timers, jobs, and every component that runs."""
        await self.desk.read(self.store.reclaim)
        page = await self.desk.conversations(Query(status=(Status.RESOLVED,), limit=100), EVERYTHING)
        for conversation in reversed(page.items):
            self.desk.handle_times.note(conversation)
        self._tasks.append(asyncio.create_task(self.alarms.run(), name="alarms"))
        for component in self.components():
            if type(component).run is not Component.run:
                self._tasks.append(asyncio.create_task(self._supervise(component), name=component.name))

    async def stop(self) -> None:
        """End everything, within seconds; what is not finished is taken up at the next start."""
        self.hub.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN)
        await self.outbox.stop(DRAIN)
        await self.writer.close()
        self.desk.close()
        self.notifier.close()
        self.store.close()

    def components(self) -> list[Component]:
        """Every channel, bot, survey and app of the file."""
        settings = self.settings
        sections = (settings.channels, settings.bots, settings.surveys, settings.apps)
        return [part.component for section in sections for part in section.values()]

    async def health(self) -> list[Health]:
        """How the store and every component are, broken plugins included."""
        found = [await self._health_of_store()]
        found += [await _health_of(component) for component in self.components()]
        found += [Health(name, "failed", error) for name, error in self._failed.items()]
        found += [Health(f"plugin {info.name}", "degraded", info.error) for info in self.plugins.broken]
        found += [
            Health(f"plugin {name}", "degraded", f"failed {count} times in a hook")
            for name, count in self.notifier.failures.items()
        ]
        return found + [aside for name in self.channels if (aside := await self._set_aside(name))]

    async def _health_of_store(self) -> Health:
        try:
            jobs = await self.desk.read(self.store.pending_jobs)
        except CarekitError as error:
            return Health("store", "failed", str(error))
        return Health("store", "ok", f"{jobs} job(s) waiting")

    async def _set_aside(self, channel: str) -> Health | None:
        """The channel's payloads that could not be read, if there are any."""
        events = await self.desk.read(lambda: self.store.events(f"channel:{channel}"))
        if not events:
            return None
        last = f"{events[-1].at:%Y-%m-%d %H:%M} UTC"
        text = f"{len(events)} message(s) could not be read and are set aside, the last at {last}"
        return Health(f"channel {channel}", "degraded", text)

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
        while True:
            await self.outbox.idle()
            if queue := [task for task in self._tasks if task.get_name() == "queue" and not task.done()]:
                await asyncio.wait(queue)
                continue
            if not await self.alarms.look() and not self.outbox.busy:
                return

    def _committed(self, kept: Sequence[Kept]) -> None:
        """Right after a commit: followers, jobs, timers, capacity, plugins."""
        freed = False
        heard = self.hub.followers or self.notifier.listens
        live: list[Live] = []
        for result in kept:
            conversation = result.conversation
            if heard:
                live.extend(_live(event, result) for event in result.events)
            if conversation is not None and result.events:
                if conversation.timers:
                    self.alarms.set(min(conversation.timers.values()))
                if conversation.status is Status.RESOLVED:
                    self.desk.handle_times.note(conversation)
            if result.jobs:
                self.outbox.take(*result.jobs)
            freed = freed or bool(result.freed)
        if live:
            self.hub.publish(live)
            self.notifier.events(live)
        if freed:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(asyncio.create_task(self._drain_soon(), name="queue"))

    async def _drain_soon(self) -> None:
        try:
            await self.drain_queue()
        except CarekitError as error:
            log.warning("the queue is looked at again later: %s", error)

    async def _supervise(self, component: Component) -> None:
        """Run a component; when it fails, say so in the health, wait and begin again."""
        wait = 1.0
        while True:
            try:
                await component.run(self.desk)
                self._failed.pop(component.name, None)
                return
            except Exception as error:  # noqa: BLE001 - a stranger's code in the background; the service goes on
                explained = isinstance(error, CarekitError)
                text = str(error) if explained else f"{type(error).__name__}: {error}"
                self._failed[component.name] = text
                log.error("%s stopped: %s; it begins again in %.0f s", component.name, text, wait)
            await asyncio.sleep(wait)
            wait = min(60.0, wait * 2)

    async def _load(self, stream: str, seq: int) -> tuple[Conversation, Contact, list[Event]] | None:
        return await self.desk.read(partial(self._look, stream, seq))

    def _look(self, stream: str, seq: int) -> tuple[Conversation, Contact, list[Event]] | None:
        conversation = self.store.conversation(stream, EVERYTHING)
        contact = self.store.contact(conversation.contact, EVERYTHING) if conversation else None
        if conversation is None or contact is None:
            return None
        after = max(0, seq - 80)
        return conversation, contact, self.store.events(stream, after, seq - after)

    # --- building

    def _rulebook(self) -> Rulebook:
        settings = self.settings
        rules = [(part.component, part.component.listens) for part in settings.policies.values()]
        surveys = {
            name: SurveyOffer(name, p.component.kind, p.component.question, p.component.best, self._survey_link(name))
            for name, p in settings.surveys.items()
        }
        return Rulebook.of(
            rules,
            settings.channels,
            service=settings.service.name,
            config=settings.fingerprint,
            calendars=settings.calendars,
            surveys=surveys,
        )

    def _survey_link(self, name: str) -> Callable[[str], str]:
        base = self.settings.service.url.rstrip("/")
        return lambda conversation: f"{base}/surveys/{name}/{self.signer.seal(f'survey:{name}', conversation)}"

    def _desk(self) -> CareDesk:
        settings = self.settings
        channels = {
            name: ChannelInfo(
                name,
                part.offer.name,
                part.reserved.inbox or name,
                part.component.capabilities,
                part.reserved.title or name,
            )
            for name, part in settings.channels.items()
        }
        surveys = {name: part.component for name, part in settings.surveys.items()}
        hours = {
            name: settings.calendars[part.reserved.calendar]
            for name, part in settings.channels.items()
            if part.reserved.calendar
        }
        return CareDesk(
            name=settings.service.name,
            timezone=settings.service.timezone,
            base_url=settings.service.url,
            clock=self.clock,
            store=self.store,
            writer=self.writer,
            hub=self.hub,
            blobs=self._blobs(),
            signer=self.signer,
            channels=channels,
            surveys=surveys,
            hours=hours,
        )

    def _blobs(self) -> Blobs:
        return MemoryBlobs() if self.store.inline else FolderBlobs(self.settings.service.data / "blobs")

    def _secret(self) -> str:
        given = self.settings.service.secret
        if given is not None:
            return given.reveal()
        if self.store.inline:
            return secrets.token_hex(32)
        return _kept_secret(self.settings.service.data / "secret")


def _live(event: Event, kept: Kept) -> Live:
    """An event with its own conversation: the one the command led to, or the one that ended on the way."""
    for conversation in (kept.conversation, kept.earlier):
        if conversation is not None and conversation.id == event.stream:
            return Live(event, conversation)
    return Live(event, None)


async def _health_of(component: Component) -> Health:
    try:
        return await component.health()
    except Exception as error:  # noqa: BLE001 - a stranger's code; one that cannot tell is not well
        return Health(component.name, "failed", f"it cannot tell its health: {type(error).__name__}")


def _kept_secret(path: Path) -> str:
    """The secret in *path*, made at the first start and readable by its owner alone."""
    try:
        if path.exists() and (kept := path.read_text("ascii").strip()):
            return kept
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and moved into place: a start that dies half-way must not leave an empty secret to sign with.
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        new.touch(mode=0o600)
        new.write_text(secret := secrets.token_hex(32), "ascii")
        new.replace(path)
        return secret
    except (OSError, UnicodeDecodeError) as error:
        text = error.strerror if isinstance(error, OSError) else "it is not a secret of ours"
        raise ConfigError(
            f"[service] data: cannot keep a secret in {path}: {text}; make the folder writable or set [service] secret"
        ) from None
