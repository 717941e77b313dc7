"""What is asked of a conversation: by agents, timers, the queue and bots."""

from __future__ import annotations

from contextlib import suppress

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.codec import encode_memory
from carekit.facts.nouns import Conversation, DeliveryStatus, Presence, Status
from carekit.ground.errors import CarekitError, IllegalMove, KeyReused, NotFound, Refused, Stale
from carekit.rules.decide import LIMIT
from carekit.rules.delivery import AGAIN
from carekit.rules.turn import Turn
from carekit.seams.store import JobDone
from carekit.service.pipeline.commands import Act, BotDone, Offer, Wake
from carekit.service.pipeline.outbound import still_held
from carekit.service.pipeline.world import Kept, World, letter_id


def act(command: Act, world: World) -> Kept:
    """Ask for an action, unless the same was asked before under its key."""
    conversation = _reach(command, world)
    receipt = command.receipt if command.key else ""
    if receipt and (known := world.receipts.get(receipt)) is not None:
        fingerprint, *steps = known.split("\t")  # of another kind of request, more may follow
        if fingerprint != command.fingerprint:
            raise KeyReused("this idempotency key came before with a different request; use a new key")
        first, last = steps
        return Kept(conversation, repeated=True, seq=int(first), last=int(last))
    if command.expected_seq is not None and conversation.last_message > command.expected_seq:
        raise Stale("something new arrived that you have not seen", seq=conversation.last_message)
    action = command.action
    if isinstance(action, a.Assign):
        _check_agent(action.agent, world)
    if isinstance(action, a.Resend):
        _let_again(conversation, action.message, world)
    turn = world.turn(conversation)
    turn.fire_due()
    begin = turn.conversation.seq + 1
    turn.ask(action, command.actor)
    turn.settle()
    if receipt:
        world.put_receipt(receipt, f"{command.fingerprint}\t{begin}\t{turn.conversation.seq}")
    return world.finish(turn)


def _reach(command: Act, world: World) -> Conversation:
    conversation = world.conversations.get(command.conversation)
    if conversation is None or not command.scope.reaches(conversation):
        raise NotFound(f"there is no conversation {command.conversation!r}")
    return conversation


def _check_agent(id: str, world: World) -> None:
    agent = world.agents.get(id)
    if agent is None or not agent.active:
        raise Refused(f"there is no active agent {id!r}", field="agent")


def _let_again(conversation: Conversation, message: int, world: World) -> None:
    """Begin a message's delivery anew, if it may be."""
    status = world.deliveries.get((conversation.id, message))
    if status not in AGAIN:
        said = status.value if status else "not known as one of ours"
        raise IllegalMove(f"the message at step {message} is {said}; only what failed or is unsure can be sent again")
    world.put_delivery((conversation.id, message), DeliveryStatus.QUEUED)
    world.put_letter(letter_id(conversation.id, message), None)


def wake(command: Wake, world: World) -> Kept:
    """Let a conversation's timers fire that are due."""
    conversation = world.conversations.get(command.conversation)
    if conversation is None:
        return Kept()
    turn = world.turn(conversation)
    turn.fire_reached()
    return world.finish(turn)


def offer(command: Offer, world: World) -> Kept:
    """Look at a queued conversation again, if it still waits and the agent is still free."""
    conversation = world.conversations.get(command.conversation)
    agent = world.agents.get(command.agent)
    if conversation is None or conversation.queued_at is None or conversation.assignee or agent is None:
        return Kept(conversation)
    if not agent.active or agent.presence is not Presence.AVAILABLE or agent.load >= agent.capacity:
        return Kept(conversation)
    turn = world.turn(conversation)
    turn.fire_due()
    if turn.conversation.status is Status.OPEN and not turn.conversation.assignee:
        turn.record(f.CapacityFreed(agent.id), "service", reason=f"agent {agent.id!r} can take one more")
        turn.settle()
    return world.finish(turn)


def bot_done(command: BotDone, world: World) -> Kept:
    """Say what the bot answered, unless a person has the conversation by now."""
    job = command.job
    if not still_held(job, world):
        return Kept()
    world.done.append(JobDone(job.id, job.token))
    conversation = world.conversations.get(job.stream)
    if conversation is None:
        return Kept()
    turn = world.turn(conversation)
    turn.fire_due()
    if turn.conversation.bot == command.bot and not turn.conversation.assignee:
        _say_or_hand_over(command, turn)
    return world.finish(turn)


def _say_or_hand_over(command: BotDone, turn: Turn) -> None:
    """Say the bot's reply; if it cannot be said, the bot has failed, and people get the words."""
    before = turn.point()
    try:
        _say(command, turn)
    except CarekitError as error:
        turn.go_back(before)
        _hand_over_unsaid(command, turn, str(error))
    turn.settle()


def _hand_over_unsaid(command: BotDone, turn: Turn, why: str) -> None:
    actor, cause = f"bot:{command.bot}", command.job.seq
    turn.ask(a.HandOff("failed", reason=why), actor, cause=cause)
    if command.reply is not None and command.reply.text.strip():
        note = f"This answer was not sent: {why}.\n\n{command.reply.text}"
        with suppress(Refused):  # half a character cannot be noted either
            turn.ask(a.AddNote(note[:LIMIT], reason="for whoever answers now"), actor, cause=cause)


def _say(command: BotDone, turn: Turn) -> None:
    actor, cause, reply = f"bot:{command.bot}", command.job.seq, command.reply
    if reply is None:
        turn.ask(a.HandOff(command.trigger, reason=command.error), actor, cause=cause)
        return
    memory = turn.conversation.memory if reply.memory is None else encode_memory(reply.memory)
    fact = f.BotAnswered(
        command.bot, command.message, reply.missed, reply.confidence, reply.threshold, reply.sources, memory
    )
    answered = turn.record(fact, actor, cause=cause)
    if reply.text.strip():
        turn.ask(a.Send(reply.text, purpose="answer", sources=reply.sources), actor, cause=answered.seq)
    if reply.handoff:
        turn.ask(a.HandOff(reply.handoff, reason="the bot gave it to people"), actor, cause=answered.seq)
