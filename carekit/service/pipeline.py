"""The one way in: a batch of commands becomes one transaction.

Load everything the batch touches, let every command take its turn over it, write everything once. A command that is
refused leaves the others alone; a transaction that loses a race is taken again from the start, which is harmless
because deciding is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.codec import encode_memory
from carekit.facts.nouns import Address, Agent, Contact, Conversation, Inbound, Presence, Status
from carekit.ground.clock import Clock
from carekit.ground.errors import CarekitError, Conflict, KeyReused, NotFound, Refused, Stale
from carekit.ground.ids import Ids
from carekit.rules.evolve import evolve_agent
from carekit.rules.turn import Rulebook, Turn
from carekit.seams.store import Job, JobDone, Store
from carekit.service import commands as c
from carekit.service.world import World

ATTEMPTS = 6
"""How often a transaction that lost a race is taken again."""


@attrs.define
class Kept:
    """What one command led to, filled in as it goes. ``freed`` names agents who can take more than before."""

    conversation: Conversation | None = None
    events: Sequence[f.Event] = ()
    jobs: Sequence[Job] = ()
    repeated: bool = False
    seq: int = 0
    last: int = 0
    """For a repeated action, the first and the last step that it led to are ``seq`` and ``last``."""
    contact: str = ""
    stream: str = ""
    earlier: Conversation | None = None
    """The conversation that a timer closed just before, so that a new one began."""
    freed: frozenset[str] = frozenset()


class Pipeline:
    """Takes batches of commands through the rules into the store. Synchronous; call it from one thread at a time."""

    def __init__(
        self,
        store: Store,
        book: Rulebook,
        clock: Clock,
        ids: Ids,
        *,
        push: Mapping[str, bool] | None = None,
        lease: timedelta = timedelta(seconds=90),
    ) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._ids = ids
        self._push = push or {}
        self._lease = lease

    def handle(self, commands: Sequence[c.Command]) -> list[Kept | Exception]:
        """The result of each of *commands*, in order; durable when this returns. Raises `StoreError` for all."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(commands)
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _attempt(self, commands: Sequence[c.Command]) -> list[Kept | Exception]:
        now = self._clock.now()
        results: list[Kept | Exception] = []
        spans: list[tuple[int, int, int, int]] = []
        with self._store.transaction() as transaction:
            wants = c.Wants()
            for command in commands:
                command.want(wants)
            world = World(transaction.load(wants.wanted()))
            for command in commands:
                first_event, first_job = len(world.events), len(world.new_jobs)
                try:
                    results.append(_HANDLERS[type(command)](self, command, world, now))
                except Exception as error:  # noqa: BLE001 - one command must not take the others down; its asker gets the error
                    results.append(error)
                spans.append((first_event, len(world.events), first_job, len(world.new_jobs)))
            batch = world.batch(now + self._lease)
            if not (batch.events or batch.done or batch.marks or batch.credentials or batch.receipts):
                return results
            written = transaction.write(batch)
        for index, (e1, e2, j1, j2) in enumerate(spans):
            result = results[index]
            if e2 > e1 and isinstance(result, Kept):
                result.events = written.events[e1:e2]
                result.jobs = written.jobs[j1:j2]
        return results

    # --- one handler a command

    def _receive(self, command: c.Receive, world: World, now: datetime) -> Kept:
        inbound = command.inbound
        world.marks.update(command.marks)
        receipt = command.receipt
        known = world.receipts.get(receipt)
        if known is not None:
            stream, seq, contact_id = known.split("\t")
            return Kept(repeated=True, stream=stream, seq=int(seq), contact=contact_id)
        contact, is_new = self._contact_of(inbound.sender, world, now)
        conversation = _conversation_of(inbound, contact, world)
        turn = self._turn(conversation, contact, world, now)
        earlier: Conversation | None = None
        if conversation is not None:
            turn.fire_due()
            if turn.conversation.status is Status.CLOSED:
                earlier = self._finish(turn, world).conversation
                conversation, turn = None, self._turn(None, turn.contact, world, now)
        if conversation is None:
            turn.start(
                self._ids.new("c", now),
                f.ConversationStarted(
                    inbound.channel, command.inbox or inbound.channel, contact.id, inbound.subject, command.live
                ),
            )
        elif turn.conversation.status is Status.RESOLVED and not inbound.automatic:
            turn.record(f.Reopened(), "contact", reason="the contact wrote")
        event = turn.record(_message(inbound), "contact")
        turn.settle()
        id = turn.conversation.id
        for key in (*inbound.thread, *inbound.keys) if conversation is None else inbound.keys:
            _claim_key(f"{inbound.channel}|{key}", id, contact, world)
        world.put_receipt(receipt, f"{id}\t{event.seq}\t{contact.id}")
        if is_new:
            world.put_address(inbound.sender.key, contact.id)
            world.put_contact(contact)
        kept = self._finish(turn, world)
        kept.seq, kept.contact, kept.stream, kept.earlier = event.seq, contact.id, id, earlier
        return kept

    def _contact_of(self, sender: Address, world: World, now: datetime) -> tuple[Contact, bool]:
        id = world.addresses.get(sender.key)
        if id is not None:
            return world.contacts[id], False
        email = sender.value if sender.kind == "email" else ""
        new = Contact(self._ids.new("p", now), now, sender.name[:200], email, (sender.key,))
        return new, True

    def _act(self, command: c.Act, world: World, now: datetime) -> Kept:
        conversation = self._reach(command, world)
        receipt = command.receipt if command.key else ""
        if receipt and (known := world.receipts.get(receipt)) is not None:
            fingerprint, first, last = known.split("\t")
            if fingerprint != command.fingerprint:
                raise KeyReused("this idempotency key came before with a different request; use a new key")
            return Kept(conversation, repeated=True, seq=int(first), last=int(last))
        if command.expected_seq is not None and conversation.last_message > command.expected_seq:
            raise Stale("something new arrived that you have not seen", seq=conversation.last_message)
        if isinstance(command.action, a.Assign):
            agent = world.agents.get(command.action.agent)
            if agent is None or not agent.active:
                raise Refused(f"there is no active agent {command.action.agent!r}", field="agent")
        turn = self._turn(conversation, world.contacts[conversation.contact], world, now)
        turn.fire_due()
        begin = turn.conversation.seq + 1
        turn.ask(command.action, command.actor)
        turn.settle()
        if receipt:
            world.put_receipt(receipt, f"{command.fingerprint}\t{begin}\t{turn.conversation.seq}")
        return self._finish(turn, world)

    def _reach(self, command: c.Act, world: World) -> Conversation:
        conversation = world.conversations.get(command.conversation)
        if conversation is None or not command.scope.reaches(conversation):
            raise NotFound(f"there is no conversation {command.conversation!r}")
        return conversation

    def _wake(self, command: c.Wake, world: World, now: datetime) -> Kept:
        conversation = world.conversations.get(command.conversation)
        if conversation is None:
            return Kept()
        turn = self._turn(conversation, world.contacts[conversation.contact], world, now)
        turn.fire_reached()
        return self._finish(turn, world)

    def _offer(self, command: c.Offer, world: World, now: datetime) -> Kept:
        conversation = world.conversations.get(command.conversation)
        agent = world.agents.get(command.agent)
        if conversation is None or conversation.queued_at is None or conversation.assignee or agent is None:
            return Kept(conversation)
        if not agent.active or agent.presence is not Presence.AVAILABLE or agent.load >= agent.capacity:
            return Kept(conversation)
        turn = self._turn(conversation, world.contacts[conversation.contact], world, now)
        turn.fire_due()
        if turn.conversation.status is Status.OPEN and not turn.conversation.assignee:
            turn.record(f.CapacityFreed(agent.id), "service", reason=f"agent {agent.id!r} can take one more")
            turn.settle()
        return self._finish(turn, world)

    def _bot_done(self, command: c.BotDone, world: World, now: datetime) -> Kept:
        if not _still_held(command.job, world):
            return Kept()
        world.done.append(JobDone(command.job.id, command.job.token))
        conversation = world.conversations.get(command.job.stream)
        if conversation is None:
            return Kept()
        turn = self._turn(conversation, world.contacts[conversation.contact], world, now)
        turn.fire_due()
        if turn.conversation.bot == command.bot and not turn.conversation.assignee:  # else a person has it by now
            turn = self._say(command, turn)
        return self._finish(turn, world)

    def _say(self, command: c.BotDone, turn: Turn) -> Turn:
        """The turn after the bot's reply; a reply that cannot be said is a failed turn, and leaves nothing but that."""
        before = (turn.conversation, turn.contact, turn.agents, turn.now, list(turn.events))
        try:
            _say(command, turn)
        except CarekitError as error:
            turn = Turn(self._book, *before[:4])
            turn.events = before[4]
            turn.ask(a.HandOff("failed", reason=str(error)), f"bot:{command.bot}", cause=command.job.seq)
        turn.settle()
        return turn

    def _sent(self, command: c.Sent, world: World, now: datetime) -> Kept:
        if not _still_held(command.job, world):
            return Kept()
        world.done.append(command.done)
        conversation = world.conversations.get(command.job.stream)
        if conversation is None or command.status is None:
            return Kept(conversation)
        for key in command.keys:
            world.put_key(f"{conversation.channel}|{key}", conversation.id)
        turn = self._turn(conversation, world.contacts[conversation.contact], world, now)
        turn.record(
            f.DeliveryChanged(command.job.seq, command.status, command.external_id, command.detail[:500]),
            f"channel:{conversation.channel}",
            cause=command.job.seq,
        )
        turn.settle()
        return self._finish(turn, world)

    def _delivered(self, command: c.Delivered, world: World, now: datetime) -> Kept:
        conversation = world.conversations.get(command.conversation)
        if conversation is None:
            raise NotFound(f"there is no conversation {command.conversation!r}")
        world.marks.update(command.marks)
        turn = self._turn(conversation, world.contacts[conversation.contact], world, now)
        fact = f.DeliveryChanged(command.message, command.status, command.external_id, command.detail[:500])
        turn.record(fact, f"channel:{conversation.channel}", cause=command.message)
        turn.settle()
        return self._finish(turn, world)

    def _staff(self, command: c.Staff, world: World, now: datetime) -> Kept:
        agent = world.agents.get(command.agent)
        if isinstance(command.fact, f.AgentAdded):
            _check_new_agent(command.fact, world)
        elif agent is None:
            raise NotFound(f"there is no agent {command.agent!r}")
        facts = [command.fact] if command.fact else []
        if command.sessions_ended:
            facts.append(f.SessionsEnded())
        before = agent
        for fact in facts:
            seq = agent.seq + 1 if agent else 1
            event = f.Event(f"agent:{command.agent}", seq, now, command.actor, fact, config=self._book.config)
            agent = evolve_agent(agent, event)
            world.events.append(event)
        assert agent is not None
        world.agents = {**world.agents, agent.id: agent}
        if command.credential:
            world.credentials[agent.id] = command.credential
        freed = frozenset({agent.id}) if _spare(agent) > _spare(before) else frozenset()
        return Kept(stream=agent.stream, seq=agent.seq, freed=freed)

    def _set_aside(self, command: c.SetAside, world: World, now: datetime) -> Kept:
        world.marks.update(command.marks)
        receipt = command.receipt
        if receipt in world.receipts:
            return Kept(repeated=True)
        stream = command.stream
        seq = world.heads[stream] = world.heads.get(stream, 0) + 1
        fact = f.InboundQuarantined(command.channel, command.raw, command.error[:500])
        world.events.append(f.Event(stream, seq, now, stream, fact, config=self._book.config))
        world.put_receipt(receipt, str(seq))
        return Kept(stream=stream, seq=seq)

    def _turn(self, conversation: Conversation | None, contact: Contact, world: World, now: datetime) -> Turn:
        return Turn(self._book, conversation, contact, world.agents, now, world.queued)

    def _finish(self, turn: Turn, world: World) -> Kept:
        """Put a settled turn into the world, with the jobs its events ask for."""
        conversation = turn.conversation
        if not turn.events:
            return Kept(conversation)
        world.put(conversation, turn.events)
        world.put_contact(turn.contact)
        freed: set[str] = set()
        if turn.agents is not world.agents:
            for id, agent in turn.agents.items():
                before = world.agents.get(id)
                if agent is not before and _spare(agent) > _spare(before):
                    freed.add(id)
            world.agents = turn.agents
        if conversation.queued and conversation.queued_at == turn.now:
            # It took its place behind others: whoever is free must look at the head of the queue.
            freed.update(id for id, agent in world.agents.items() if _spare(agent))
        push = self._push.get(conversation.channel, True)
        id = conversation.id
        for event in turn.events:
            kind = type(event.fact)
            if kind is f.MessageSent and push:
                world.new_jobs.append(Job(f"{id}:send", "send", id, event.seq, turn.now))
            elif kind is f.BotAsked:
                world.new_jobs.append(Job(f"{id}:bot", "bot", id, event.seq, turn.now))
        return Kept(conversation, turn.events, freed=frozenset(freed))


def _conversation_of(inbound: Inbound, contact: Contact, world: World) -> Conversation | None:
    """The conversation it belongs to: named by a verified secret or known by a thread key, always the contact's own."""
    candidates = [inbound.conversation] if inbound.conversation else []
    for key in inbound.thread:
        id = world.keys.get(f"{inbound.channel}|{key}")
        if id is not None:
            candidates.append(id)
    for id in candidates:
        conversation = world.conversations.get(id)
        if (
            conversation is not None
            and conversation.contact == contact.id
            and conversation.channel == inbound.channel
            and conversation.status is not Status.CLOSED
        ):
            return conversation
    return None


def _claim_key(key: str, conversation: str, contact: Contact, world: World) -> None:
    """Let *key* lead to *conversation*, unless it leads to somebody else's: a stranger must not move it."""
    holder = world.conversations.get(world.keys.get(key, ""))
    if holder is None or holder.contact == contact.id:
        world.put_key(key, conversation)


def _message(inbound: Inbound) -> f.MessageReceived:
    return f.MessageReceived(
        text=inbound.text,
        external_id=inbound.external_id,
        sender=inbound.sender.key,
        html=inbound.html,
        subject=inbound.subject,
        attachments=inbound.attachments,
        automatic=inbound.automatic,
        intent=inbound.intent,
        sent_at=inbound.sent_at,
        raw=inbound.raw,
        meta=inbound.meta,
    )


def _say(command: c.BotDone, turn: Turn) -> None:
    actor, cause, reply = f"bot:{command.bot}", command.job.seq, command.reply
    if reply is None:
        turn.ask(a.HandOff(command.trigger, reason=command.error), actor, cause=cause)
        return
    answered = turn.record(
        f.BotAnswered(
            bot=command.bot,
            message=command.message,
            missed=reply.missed,
            confidence=reply.confidence,
            threshold=reply.threshold,
            sources=reply.sources,
            memory=turn.conversation.memory if reply.memory is None else encode_memory(reply.memory),
        ),
        actor,
        cause=cause,
    )
    if reply.text.strip():
        turn.ask(a.Send(reply.text, purpose="answer", sources=reply.sources), actor, cause=answered.seq)
    if reply.handoff:
        turn.ask(a.HandOff(reply.handoff, reason="the bot gave it to people"), actor, cause=answered.seq)


def _still_held(job: Job, world: World) -> bool:
    stored = world.jobs.get(job.id)
    return stored is not None and stored.token == job.token


def _check_new_agent(fact: f.AgentAdded, world: World) -> None:
    if fact.id in world.agents:
        raise Refused(f"there is an agent {fact.id!r} already", field="id")
    if any(agent.email.lower() == fact.email.lower() for agent in world.agents.values()):
        raise Refused(f"an agent has the address {fact.email!r} already", field="email")


def _spare(agent: Agent | None) -> int:
    if agent is None or not agent.active or agent.presence is not Presence.AVAILABLE:
        return 0
    return max(0, agent.capacity - agent.load)


_HANDLERS: dict[type[c.Command], Callable[[Pipeline, Any, World, datetime], Kept]] = {
    c.Receive: Pipeline._receive,
    c.Act: Pipeline._act,
    c.Wake: Pipeline._wake,
    c.Offer: Pipeline._offer,
    c.BotDone: Pipeline._bot_done,
    c.Sent: Pipeline._sent,
    c.Delivered: Pipeline._delivered,
    c.Staff: Pipeline._staff,
    c.SetAside: Pipeline._set_aside,
}
