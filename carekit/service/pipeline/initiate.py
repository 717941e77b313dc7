"""Writing first: a conversation that we begin, or the one in which an answer would come anyway."""

from __future__ import annotations

from carekit.facts import events as f
from carekit.facts.nouns import Contact, Status
from carekit.ground.errors import KeyReused
from carekit.rules.turn import Turn
from carekit.seams.store import JobDone
from carekit.service.pipeline.commands import Begin
from carekit.service.pipeline.inbound import after, contact_of
from carekit.service.pipeline.outbound import still_held
from carekit.service.pipeline.world import Kept, World


def begin(command: Begin, world: World) -> Kept:
    """Write to somebody, unless the same was asked before under its key."""
    if command.job is not None:
        if not still_held(command.job, world):
            return Kept()
        world.done.append(JobDone(command.job.id, command.job.token))
    receipt = command.receipt if command.key else ""
    if receipt and (known := world.receipts.get(receipt)) is not None:
        return _repeated(command, known, world)
    contact, is_new = contact_of(command.to, command.to.key, world)
    turn, ended = _turn(command, contact, world)
    first = turn.conversation.seq + 1 - len(turn.events)
    turn.ask(command.action, command.actor, policy=command.policy)
    turn.settle()
    conversation = turn.conversation
    for key in command.keys:
        world.put_key(key, conversation.id)
    if is_new:
        world.put_address(command.to.key, contact.id)
        world.put_contact(contact)
    if receipt:
        world.put_receipt(receipt, f"{command.fingerprint}\t{conversation.id}\t{first}\t{conversation.seq}")
    kept = world.finish(turn)
    return kept if ended is None else after(ended, kept)


def _turn(command: Begin, contact: Contact, world: World) -> tuple[Turn, Kept | None]:
    """A turn of the conversation that an answer would join, or of a new one; and the one that ended on the way."""
    ended: Kept | None = None
    for key in command.keys:
        found = world.conversations.get(world.keys.get(key, ""))
        if found is not None and found.contact == contact.id and found.status is not Status.CLOSED:
            turn = world.turn(found, contact)
            turn.fire_due()
            if turn.conversation.status is not Status.CLOSED:
                return turn, None
            ended, contact = world.finish(turn), turn.contact
            break
    turn = world.turn(None, contact)
    fact = f.ConversationStarted(
        command.channel, command.inbox, contact.id, command.action.subject, command.live, command.to.key
    )
    turn.start(world.frame.ids.new("c", world.now), fact, command.actor)
    return turn, ended


def _repeated(command: Begin, known: str, world: World) -> Kept:
    fingerprint, *found = known.split("\t")  # of another kind of request, less may follow
    if fingerprint != command.fingerprint:
        raise KeyReused("this idempotency key came before with a different request; use a new key")
    stream, first, last = found
    return Kept(repeated=True, stream=stream, seq=int(first), last=int(last))
