"""How far our messages got: attempts, their outcomes, and what the far side reports."""

from __future__ import annotations

from carekit.facts import events as f
from carekit.facts.nouns import DeliveryStatus, Letter
from carekit.ground.errors import NotFound
from carekit.rules.delivery import AGAIN, moves
from carekit.rules.turn import Turn
from carekit.seams.store import Job, JobBegun
from carekit.service.pipeline.commands import Begun, Delivered, Sent
from carekit.service.pipeline.world import Kept, World, letter_id


def begun(command: Begun, world: World) -> Kept:
    """Note that an attempt begins. Raises `NotFound` if the job is no longer this node's: then it must not begin."""
    job = command.job
    if not still_held(job, world):
        raise NotFound(f"job {job.id} is no longer this node's")
    world.begun.append(JobBegun(job.id, job.token))
    conversation = world.conversations.get(job.stream)
    if conversation is None:
        return Kept()
    turn = world.turn(conversation)
    note(turn, world, job.seq, DeliveryStatus.SENDING)
    turn.settle()
    return world.finish(turn)


def sent(command: Sent, world: World) -> Kept:
    """Note the outcome of an attempt, unless the job has gone to another node."""
    job = command.job
    if not still_held(job, world):
        return Kept()
    world.done.append(command.done)
    conversation = world.conversations.get(job.stream)
    if conversation is None or command.status is None:
        return Kept(conversation)
    for key in command.keys:
        world.put_key(f"{conversation.channel}|{key}", conversation.id)
    turn = world.turn(conversation)
    note(turn, world, job.seq, command.status, command.external_id, command.detail, job.attempts + 1)
    turn.settle()
    return world.finish(turn)


def delivered(command: Delivered, world: World) -> Kept:
    """Note what the far side reports; what says nothing new is passed over."""
    conversation = world.conversations.get(command.conversation)
    if conversation is None:
        raise NotFound(f"there is no conversation {command.conversation!r}")
    if not 1 < command.message <= conversation.seq:
        raise NotFound(f"conversation {command.conversation!r} has no message at step {command.message}")
    world.marks.update(command.marks)
    turn = world.turn(conversation)
    note(turn, world, command.message, command.status, command.external_id, command.detail)
    turn.settle()
    return world.finish(turn)


def note(
    turn: Turn,
    world: World,
    message: int,
    status: DeliveryStatus,
    external_id: str = "",
    detail: str = "",
    attempts: int = 0,
) -> None:
    """Record *status* if it is news, and keep the dead letters right: they hold what failed or may not have arrived."""
    conversation = turn.conversation
    key = (conversation.id, message)
    before = world.deliveries.get(key, DeliveryStatus.QUEUED)
    if not moves(before, status):
        return
    fact = f.DeliveryChanged(message, status, external_id, detail[:500])
    event = turn.record(fact, f"channel:{conversation.channel}", cause=message)
    world.put_delivery(key, status)
    if status in AGAIN or before in AGAIN:
        id = letter_id(conversation.id, message)
        letter = None
        if status in AGAIN:
            about, kind = (conversation.id, message), status.value
            letter = Letter(id, kind, conversation.channel, event.at, fact.detail, *about, attempts=attempts)
        world.put_letter(id, letter)


def still_held(job: Job, world: World) -> bool:
    """Whether the job is still under the token it was taken with."""
    stored = world.jobs.get(job.id)
    return stored is not None and stored.token == job.token
