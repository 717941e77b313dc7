"""One job done: a bot asked or a message handed over, and the command that tells what became of it.

Whatever a stranger's code does here ends as a command, and nothing it raises goes further.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random

from carekit.facts.actions import Send
from carekit.facts.codec import decode_memory, repaired
from carekit.facts.events import BotAsked, Event, InitiationAsked, MessageReceived, MessageSent
from carekit.facts.nouns import Contact, Conversation, DeliveryStatus
from carekit.ground.clock import Clock
from carekit.ground.errors import CarekitError, Permanent, Temporary, Unsure
from carekit.rules.delivery import address_of
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.seams.channel import Channel, Delivery, Outbound
from carekit.seams.store import Job, JobDone
from carekit.service.outbox.breaker import Breaker
from carekit.service.outbox.lanes import WIDTH, Found
from carekit.service.outbox.patience import being_cancelled, within
from carekit.service.pipeline.commands import Begin, BotDone, Sent

log = logging.getLogger("carekit.outbox")

TRIES = 8
"""Attempts to send before a message counts as failed."""
SEND_TIMEOUT = 60.0
"""Seconds one attempt to send may take."""

Earlier = Callable[[str, int, int], Awaitable[Sequence[Event]]]
"""Reads events of a conversation: those before a step, at most so many of the last."""
Done = BotDone | Sent | Begin


def backoff(attempts: int, random: Random) -> timedelta:
    """Wait before the next attempt: about 5 s, 10 s, 20 s … at most an hour.

    A quarter less or more by chance, so that what failed together does not come back together.
    """
    return timedelta(seconds=min(3600, 5 * 2 ** (attempts - 1)) * random.uniform(0.75, 1.25))


class Errands:
    """Does jobs. ``mark`` notes durably that an attempt begins whose outcome may stay unknown; it raises if the job
    has gone to another node."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        bots: Mapping[str, tuple[Bot, timedelta]],
        clock: Clock,
        random: Random,
        earlier: Earlier,
        mark: Callable[[Job], Awaitable[None]],
    ) -> None:
        self.channels = channels
        self.bots = bots
        self._clock = clock
        self._random = random
        self._earlier = earlier
        self._mark = mark
        self.waits: Callable[[], None] = lambda: None
        """Called when a job begins to wait for something, so that others may go on meanwhile."""

    def patience(self, job: Job) -> float:
        """Seconds after which whoever still does *job* will not end by itself."""
        entry = self.bots.get(job.destination.removeprefix("bot:")) if job.kind == "bot" else None
        return entry[1].total_seconds() if entry else SEND_TIMEOUT

    def width(self, destination: str) -> int:
        """How many jobs of *destination* may run at once."""
        channel = self.channels.get(destination.removeprefix("channel:"))
        return max(1, channel.at_once) if channel is not None else WIDTH

    async def run(self, job: Job, found: Found | None, breaker: Breaker) -> Done:
        """Do *job*; the command that tells what became of it."""
        fact = found.event.fact if found is not None else None
        if found is not None and type(fact) is BotAsked:
            return await self.ask(job, fact, found, breaker)
        if found is not None and type(fact) is MessageSent:
            # What a far side says is text of any kind, and must not keep its outcome from being noted.
            return repaired(await self.send(job, fact, found, breaker), plain=True)
        if found is not None and type(fact) is InitiationAsked:
            return self._initiate(job, fact, found.event)
        log.warning("job %d of %s has nothing to do", job.id, job.stream)
        return Sent(job, JobDone(job.id, job.token), None)

    def _initiate(self, job: Job, asked: InitiationAsked, event: Event) -> Done:
        """Write to whom a policy wants written to; a channel that cannot is a fault of the file, and told."""
        channel = self.channels.get(asked.channel)
        if channel is None or not channel.capabilities.may_initiate:
            log.error("policy %r wants somebody written to on %r, which cannot begin", event.policy, asked.channel)
            return Sent(job, JobDone(job.id, job.token), None)
        action = Send(asked.text, asked.purpose, subject=asked.subject, reason=event.reason)
        try:
            return Begin.on(channel, asked.to, action, event.actor, policy=event.policy, job=job)
        except Exception as error:  # noqa: BLE001 - a channel may refuse an address, and its code is a stranger's
            log.error("policy %r wants %r written to, but %s", event.policy, asked.to.key, error)
            return Sent(job, JobDone(job.id, job.token), None)

    # --- bots

    async def ask(self, job: Job, asked: BotAsked, found: Found, breaker: Breaker) -> BotDone:
        """Let the bot answer; if it fails, people take over."""
        entry = self.bots.get(asked.bot)
        message = found.message.fact if found.message else None
        if entry is None or not isinstance(message, MessageReceived):
            return BotDone(job, asked.bot, asked.message, None, "failed", f"bot {asked.bot!r} is not configured")
        bot, timeout = entry
        now = self._clock.now()
        if not breaker.closed and breaker.wait(now) is not None:
            error = f"the bot failed {breaker.failures} times in a row and is left alone for a while"
            return BotDone(job, asked.bot, asked.message, None, "failed", error)
        conversation = found.conversation
        turn = BotTurn(
            conversation,
            found.contact,
            message.text,
            asked.message,
            now,
            decode_memory(conversation.memory),
            partial(self._earlier, job.stream),
        )
        trigger, error = "failed", "the bot failed: it cancelled itself"
        try:
            reply = await within(bot.respond(turn), timeout.total_seconds(), TimeoutError(), self.waits)
            if not isinstance(reply, BotReply):
                raise TypeError(f"respond returned {type(reply).__name__}, not BotReply")
            reply = repaired(reply, plain=_is_plain(reply))
        except asyncio.CancelledError:
            if being_cancelled():
                raise
        except TimeoutError:
            log.warning("bot %r took longer than %s", asked.bot, timeout)
            trigger, error = "timeout", f"the bot took longer than {timeout}"
        except Exception as raised:  # noqa: BLE001 - a bot is a stranger's code: its failure hands over, and nothing else
            log.warning("bot %r failed: %s: %s", asked.bot, type(raised).__name__, raised)
            error = f"the bot failed: {type(raised).__name__}"
        else:
            if breaker.failures:
                breaker.succeeded()
            return BotDone(job, asked.bot, asked.message, reply)
        breaker.failed(self._clock.now())
        return BotDone(job, asked.bot, asked.message, None, trigger, error)

    # --- channels

    async def send(self, job: Job, message: MessageSent, found: Found, breaker: Breaker) -> Sent:
        """Hand a message over, once."""
        conversation, finished = found.conversation, JobDone(job.id, job.token)
        channel = self.channels.get(conversation.channel)
        if channel is None:
            detail = f"channel {conversation.channel!r} is no longer in the file"
            return Sent(job, finished, DeliveryStatus.FAILED, detail=detail)
        if job.begun:
            detail = "the service stopped while it was being sent, and the far side may have it"
            return Sent(job, finished, DeliveryStatus.UNSURE, detail=detail)
        to = address_of(conversation, found.contact)
        earlier = partial(self._earlier, job.stream)
        outbound = Outbound(conversation, found.contact, job.seq, message, to, found.event.at, earlier)
        if (later := self._not_yet(channel, outbound, breaker)) is not None:
            return Sent(job, JobDone(job.id, job.token, later, job.attempts), None)
        if not channel.capabilities.idempotent:
            self.waits()
            await self._mark(job)
        late = Unsure(f"sending took longer than {SEND_TIMEOUT:.0f} s, and the far side may have it")
        try:
            delivery = await within(channel.send(outbound), SEND_TIMEOUT, late, self.waits)
        except Permanent as error:
            breaker.succeeded()  # a refusal is an answer
            return Sent(job, finished, DeliveryStatus.FAILED, detail=str(error))
        except Unsure as error:
            breaker.failed(self._clock.now())
            return Sent(job, finished, DeliveryStatus.UNSURE, detail=str(error))
        except asyncio.CancelledError as error:
            if being_cancelled():
                raise
            return self._again(job, channel.name, error, breaker)
        except Exception as error:  # noqa: BLE001 - Temporary, or a stranger's fault that may pass
            return self._again(job, channel.name, error, breaker)
        if breaker.failures:
            breaker.succeeded()
        if fault := _fault(delivery):  # it returned, so the far side probably has it: never send it again
            log.error("channel %r: %s", channel.name, fault)
            return Sent(job, finished, DeliveryStatus.UNSURE, detail=fault)
        return Sent(job, finished, delivery.status, delivery.external_id, delivery.detail, delivery.keys)

    def _not_yet(self, channel: Channel, outbound: Outbound, breaker: Breaker) -> datetime | None:
        """When to come back with a message that must wait, by the channel's own rule or because it is down."""
        now = self._clock.now()
        if type(channel).hold is not Channel.hold:
            try:
                held = channel.hold(outbound, now)
            except Exception as error:  # noqa: BLE001 - a stranger's code: a rule that breaks must not keep a message for ever
                log.error("channel %r cannot tell whether a message must wait: %s", channel.name, error)
                held = None
            if held is not None and held > now:
                return held
        return None if breaker.closed else breaker.wait(now)

    def _again(self, job: Job, channel: str, error: BaseException, breaker: Breaker) -> Sent:
        attempts, now = job.attempts + 1, self._clock.now()
        detail = str(error) if isinstance(error, CarekitError) else f"{type(error).__name__}: {error}"
        log.warning("channel %r could not send (attempt %d of %d): %s", channel, attempts, TRIES, detail)
        told = error.retry_after if isinstance(error, Temporary) else None
        if told is None:
            breaker.failed(now)
        else:
            breaker.succeeded()  # it answered: only not now
        if attempts >= TRIES:
            return Sent(job, JobDone(job.id, job.token), DeliveryStatus.FAILED, detail=f"given up: {detail}")
        wait = backoff(attempts, self._random)
        if told is not None:
            wait = timedelta(seconds=max(1.0, min(86_400.0, told)))
        return Sent(job, JobDone(job.id, job.token, now + wait, attempts), None)


def given_up(job: Job, found: Found | None, seconds: float) -> Done:
    """The command for a job whose code does not end although it was told to."""
    fact = found.event.fact if found is not None else None
    if type(fact) is BotAsked:
        return BotDone(job, fact.bot, fact.message, None, "timeout", f"the bot does not end, after {seconds:.0f} s")
    detail = f"sending does not end, after {seconds:.0f} s, and the far side may have it"
    return Sent(job, JobDone(job.id, job.token), DeliveryStatus.UNSURE, detail=detail)


def found_in(job: Job, conversation: Conversation, contact: Contact | None, events: Sequence[Event]) -> Found | None:
    """What *job* needs, if *events* hold it: those of the transaction that made it."""
    if contact is None:
        return None
    asked = _step(events, job.seq)
    if asked is None:
        return None
    fact = asked.fact
    if type(fact) is not BotAsked:
        return Found(conversation, contact, asked)
    message = _step(events, fact.message)
    return Found(conversation, contact, asked, message) if message is not None else None


def _step(events: Sequence[Event], seq: int) -> Event | None:
    for event in events:
        if event.seq == seq:
            return event
    return None


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
