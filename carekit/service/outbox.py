"""After the commit: let bots answer and channels send, one job of a lane at a time, many lanes at once.

A job that this process has just written comes here directly with all it needs; jobs whose time comes later, or whose
process died, are leased from the store. Whatever a bot or a channel does ends as a command; nothing is lost by a crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from carekit.facts.codec import decode_memory, repaired
from carekit.facts.events import BotAsked, Event, MessageReceived, MessageSent
from carekit.facts.nouns import Contact, Conversation, DeliveryStatus
from carekit.ground.clock import Clock
from carekit.ground.errors import CarekitError, Permanent, StoreError, Temporary, Unsure
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.seams.channel import Channel, Delivery, Outbound
from carekit.seams.store import Job, JobDone
from carekit.service.commands import BotDone, Command, Sent
from carekit.service.pipeline import Kept
from carekit.service.writer import Done

T = TypeVar("T")

log = logging.getLogger("carekit.outbox")

TRIES = 8
"""Attempts to send before a message counts as failed."""
LANES = 64
"""Lanes that may run at once."""
NOTE_AGAIN = 0.5
"""Seconds until an outcome that the store could not take is offered to it again."""
SEND_TIMEOUT = 60.0
"""Seconds one attempt to send may take."""

Load = Callable[[str, int], Awaitable[tuple[Conversation, Contact, list[Event]] | None]]
"""A conversation, its contact, and its events up to and including a step (the last 80 of them)."""
Look = Callable[[str, int], tuple[Conversation, Contact, list[Event]] | None]
"""The same from a store that never blocks."""


def backoff(attempts: int) -> timedelta:
    """Wait before the next attempt: 5 s, 10 s, 20 s … at most an hour."""
    return timedelta(seconds=min(3600, 5 * 2 ** (attempts - 1)))


class Outbox:
    """Runs jobs. ``post`` takes the commands that tell what became of them.

    A handful of workers share the lanes that have work: a lane is run by one worker at a time, and a worker that has
    finished a job goes on with the next lane, so that a job costs no task of its own.
    """

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        bots: Mapping[str, tuple[Bot, timedelta]],
        clock: Clock,
        post: Callable[[Command, Done], None],
        load: Load,
        look: Look | None = None,
        lease: timedelta,
    ) -> None:
        self._channels = channels
        self._bots = bots
        self._clock = clock
        self._post = post
        self._load = load
        self._look = look
        self._lease = lease
        self._lanes: dict[str, deque[tuple[Job, datetime]]] = {}
        self._ready: deque[str] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._resting: list[asyncio.Future[None]] = []
        self._done: list[asyncio.Future[None]] = []
        self._running: set[int] = set()
        self._taken: set[int] = set()
        self._held: dict[str, tuple[int, deque[tuple[Job, datetime]]]] = {}
        self._stopping = False

    @property
    def busy(self) -> int:
        """Lanes that run or wait."""
        return len(self._lanes)

    def take(self, *jobs: Job) -> None:
        """Run *jobs*, leased to this process, each when its lane is free."""
        until = self._clock.now() + self._lease
        for job in jobs:
            if self._stopping or job.id in self._taken:
                continue
            self._taken.add(job.id)
            lane = self._lanes.get(job.lane)
            if lane is not None:
                lane.append((job, until))
            elif job.lane in self._held:
                self._hold(job, until)
            else:
                self._begin(job.lane, deque(((job, until),)))

    def _hold(self, job: Job, until: datetime) -> None:
        """A job of a held lane: it waits too, unless it is the very one that the lane is held for."""
        first, waiting = self._held[job.lane]
        if job.id > first:
            waiting.append((job, until))
            return
        del self._held[job.lane]
        self._begin(job.lane, deque(((job, until), *waiting)))

    def _begin(self, name: str, lane: deque[tuple[Job, datetime]]) -> None:
        self._lanes[name] = lane
        self._ready.append(name)
        self._wake()

    def _wake(self) -> None:
        """Have somebody look at the lanes that are ready: a worker that rests in the running loop, else a new one."""
        loop = asyncio.get_running_loop()
        for index in range(len(self._resting) - 1, -1, -1):
            resting = self._resting[index]
            if resting.get_loop() is loop:
                del self._resting[index]
                if not resting.done():
                    resting.set_result(None)
                    return
        if len(self._workers) < LANES:
            worker = asyncio.create_task(self._work(), name="outbox")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def idle(self) -> None:
        """Wait until no lane has work."""
        while self._lanes:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._done.append(done)
            await done

    async def stop(self, patience: float) -> None:
        """Begin nothing new; give what runs *patience* seconds, then cancel it (its lease lets another finish it)."""
        self._stopping = True
        self._ready.clear()
        for name in [name for name, lane in self._lanes.items() if lane and lane[0][0].id not in self._running]:
            del self._lanes[name]
        for lane in self._lanes.values():
            while len(lane) > 1:
                lane.pop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.idle(), patience)
        for worker in self._workers:
            worker.cancel()
        if self._workers:  # one that will not be cancelled must not hold up the end
            await asyncio.wait(self._workers, timeout=patience)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._ready:
                await self._run_lane(self._ready.popleft())
            rest: asyncio.Future[None] = loop.create_future()
            self._resting.append(rest)
            await rest

    async def _run_lane(self, name: str) -> None:
        """Do the first job of a lane. The lane goes on when the outcome is durable; the worker goes on at once."""
        job, until = self._lanes[name][0]
        self._running.add(job.id)
        if self._clock.now() >= until:  # past its lease somebody else may have it
            self._end(name, job, None)
            return
        try:
            outcome = await self._run(job)
        except CarekitError as error:
            self._end(name, job, error)
        except BaseException:
            self._end(name, job, None)
            raise
        else:
            self._post(outcome, partial(self._noted, name, job, outcome))

    def _noted(self, name: str, job: Job, outcome: Command, result: Kept | Exception) -> None:
        """A job's outcome is durable, or could not be made so.

        Behind a job that is to be tried again the lane is held: what came later must not overtake it.
        """
        lane = self._lanes[name]
        if isinstance(result, StoreError) and not self._stopping and self._clock.now() < lane[0][1]:
            # It has happened, and doing it again would be twice: the store gets the chance to note it while it is ours.
            asyncio.get_running_loop().call_later(NOTE_AGAIN, self._note_again, name, job, outcome, result)
            return
        if isinstance(result, Exception):
            self._end(name, job, result)
            return
        lane.popleft()
        if isinstance(outcome, Sent) and outcome.done.retry_at is not None:
            self._held[name] = (job.id, lane.copy())
            lane.clear()
        self._leave(name, job)

    def _note_again(self, name: str, job: Job, outcome: Command, error: StoreError) -> None:
        if self._stopping:
            self._end(name, job, error)
        else:
            self._post(outcome, partial(self._noted, name, job, outcome))

    def _end(self, name: str, job: Job, error: Exception | None) -> None:
        """Forget a lane's jobs; when their leases run out, somebody takes them again in order."""
        if error is not None:
            log.warning("a job of %s is put off: %s", name, error)
        lane = self._lanes[name]
        self._taken.difference_update(waiting.id for waiting, _ in lane)
        lane.clear()
        self._leave(name, job)

    def _leave(self, name: str, job: Job) -> None:
        self._running.discard(job.id)
        self._taken.discard(job.id)
        if self._lanes[name] and not self._stopping:
            self._ready.append(name)  # at the end, so that a long lane does not hold up the others
            self._wake()
            return
        del self._lanes[name]
        if not self._lanes:
            self._tell_idle()

    def _tell_idle(self) -> None:
        for done in self._done:
            if not done.done():
                done.set_result(None)
        self._done.clear()

    async def _run(self, job: Job) -> Command:
        """Do a job; the command that tells what became of it."""
        look = self._look
        found = await self._load(job.stream, job.seq) if look is None else look(job.stream, job.seq)
        if found is not None:
            conversation, contact, events = found
            fact = events[-1].fact if events else None
            if type(fact) is BotAsked:
                return await self._ask(job, fact, conversation, contact, events)
            if type(fact) is MessageSent:
                return await self._send(job, fact, conversation, contact, events)
        log.warning("job %d of %s has nothing to do", job.id, job.stream)
        return Sent(job, JobDone(job.id, job.token), None)

    async def _ask(
        self, job: Job, asked: BotAsked, conversation: Conversation, contact: Contact, events: list[Event]
    ) -> BotDone:
        entry = self._bots.get(asked.bot)
        message = next((e.fact for e in reversed(events) if e.seq == asked.message), None)
        if entry is None or not isinstance(message, MessageReceived):
            return BotDone(job, asked.bot, asked.message, None, "failed", f"bot {asked.bot!r} is not configured")
        bot, timeout = entry
        turn = BotTurn(
            conversation=conversation,
            contact=contact,
            text=message.text,
            message=asked.message,
            now=self._clock.now(),
            memory=decode_memory(conversation.memory),
            events=events,
        )
        try:
            reply = await _within(bot.respond(turn), timeout.total_seconds(), TimeoutError())
            if not isinstance(reply, BotReply):
                raise TypeError(f"respond returned {type(reply).__name__}, not BotReply")
            reply = repaired(reply, plain=_is_plain(reply))
        except asyncio.CancelledError:
            if _being_cancelled():
                raise
            return BotDone(job, asked.bot, asked.message, None, "failed", "the bot failed: it cancelled itself")
        except TimeoutError:
            log.warning("bot %r took longer than %s", asked.bot, timeout)
            return BotDone(job, asked.bot, asked.message, None, "timeout", f"the bot took longer than {timeout}")
        except Exception as error:  # noqa: BLE001 - a bot is a stranger's code: its failure hands over, and nothing else
            log.warning("bot %r failed: %s: %s", asked.bot, type(error).__name__, error)
            return BotDone(job, asked.bot, asked.message, None, "failed", f"the bot failed: {type(error).__name__}")
        return BotDone(job, asked.bot, asked.message, reply)

    async def _send(
        self, job: Job, message: MessageSent, conversation: Conversation, contact: Contact, events: list[Event]
    ) -> Sent:
        finished = JobDone(job.id, job.token)
        channel = self._channels.get(conversation.channel)
        if channel is None:
            detail = f"channel {conversation.channel!r} is no longer in the file"
            return Sent(job, finished, DeliveryStatus.FAILED, detail=detail)
        outbound = Outbound(conversation, contact, job.seq, message, _address(events, contact), events)
        late = Unsure(f"sending took longer than {SEND_TIMEOUT:.0f} s, and the far side may have it")
        try:
            delivery = await _within(channel.send(outbound), SEND_TIMEOUT, late)
        except Permanent as error:
            return Sent(job, finished, DeliveryStatus.FAILED, detail=str(error))
        except Unsure as error:
            return Sent(job, finished, DeliveryStatus.UNSURE, detail=str(error))
        except asyncio.CancelledError as error:
            if _being_cancelled():
                raise
            return self._again(job, channel.name, error)
        except Exception as error:  # noqa: BLE001 - Temporary, or a stranger's fault that may pass
            return self._again(job, channel.name, error)
        if fault := _fault(delivery):  # it returned, so the far side probably has it: never send it again
            log.error("channel %r: %s", channel.name, fault)
            return Sent(job, finished, DeliveryStatus.UNSURE, detail=fault)
        return Sent(job, finished, delivery.status, delivery.external_id, delivery.detail, delivery.keys)

    def _again(self, job: Job, channel: str, error: BaseException) -> Sent:
        attempts = job.attempts + 1
        explained = isinstance(error, CarekitError)
        detail = str(error) if explained else f"{type(error).__name__}: {error}"
        log.warning("channel %r could not send (attempt %d of %d): %s", channel, attempts, TRIES, detail)
        if attempts >= TRIES:
            return Sent(job, JobDone(job.id, job.token), DeliveryStatus.FAILED, detail=f"given up: {detail}")
        wait = backoff(attempts)
        if isinstance(error, Temporary) and error.retry_after is not None:
            wait = timedelta(seconds=max(1.0, min(86_400.0, error.retry_after)))
        return Sent(job, JobDone(job.id, job.token, self._clock.now() + wait, attempts), None)


def _is_plain(reply: BotReply) -> bool:
    """Whether it surely holds what its class says: a quick look, which most replies pass."""
    try:
        "".join((reply.text, reply.handoff))
    except TypeError:
        return False
    if reply.sources or reply.memory is not None or type(reply.missed) is not bool:
        return False
    return all(type(share) is float and 0.0 <= share <= 1.0 for share in (reply.confidence, reply.threshold))


def _fault(delivery: object) -> str:
    """What is wrong with what a channel returned, if anything is."""
    if not isinstance(delivery, Delivery):
        return f"send returned {type(delivery).__name__}, not Delivery"
    try:
        repaired(delivery)
    except TypeError as error:
        return f"send returned what cannot be kept: {error}"
    return ""


def _being_cancelled() -> bool:
    """Whether a cancellation is meant for us, and does not merely come out of a stranger's code."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _within(answer: Coroutine[Any, Any, T], seconds: float, late: Exception) -> T:
    """The result of *answer*; raises *late* when the time is up.

    Most answers come without waiting for anything, and arming a timer would cost several times what they do: so the
    first step is taken at once, and only an answer that really waits is put under the clock.
    """
    try:
        waited_for = answer.send(None)
    except StopIteration as done:
        result: T = done.value
    else:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                result = await _Rest(answer, waited_for)
        except TimeoutError as error:
            if limit.expired():
                raise late from error
            raise
    return result


class _Rest:
    """Goes on with a coroutine whose first step has been taken."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waited_for: Any) -> None:
        self._coroutine = coroutine
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, waited_for = self._coroutine, self._waited_for
        while True:
            try:
                try:
                    sent = yield waited_for
                except BaseException as error:  # noqa: BLE001 - a cancellation must reach the coroutine where it waits
                    waited_for = coroutine.throw(error)
                else:
                    waited_for = coroutine.send(sent)
            except StopIteration as done:
                return done.value


def _address(events: list[Event], contact: Contact) -> str:
    """Where the contact last wrote from; before they wrote, the first address they are known by."""
    for event in reversed(events):
        if isinstance(event.fact, MessageReceived) and event.fact.sender:
            return event.fact.sender.split(":", 1)[1]
    if contact.addresses:
        return contact.addresses[0].split(":", 1)[1]
    return contact.email
