"""Messages from outside: whose they are, which conversation they join, and what cannot be read."""

from __future__ import annotations

from carekit.facts import events as f
from carekit.facts.nouns import Address, Contact, Conversation, Inbound, Letter, Status
from carekit.ground.errors import NotFound
from carekit.rules.turn import Turn
from carekit.service.pipeline.commands import CloseLetter, Receive, SetAside, channel_stream
from carekit.service.pipeline.world import Kept, World, inbound_letter


def receive(command: Receive, world: World) -> Kept:
    """Keep a message, unless it is known already."""
    inbound = command.inbound
    if command.letter:
        _find_letter(command.letter, world)  # before anything is put: a letter that is gone must leave no half of it
    if command.marks:
        world.marks.update(command.marks)
    known = world.receipts.get(command.receipt)
    if known is not None:
        stream, seq, contact_id = known.split("\t")
        _release(command.letter, world)
        return Kept(repeated=True, stream=stream, seq=int(seq), contact=contact_id)
    contact, is_new = contact_of(inbound.sender, command.sender, world)
    conversation = _conversation_of(command, contact, world)
    turn = world.turn(conversation, contact)
    ended: Kept | None = None
    if conversation is not None:
        turn.fire_due()
        if turn.conversation.status is Status.CLOSED:
            ended = world.finish(turn)
            conversation, turn = None, world.turn(None, turn.contact)
    if conversation is None:
        fact = f.ConversationStarted(inbound.channel, command.inbox, contact.id, inbound.subject, command.live)
        turn.start(world.frame.ids.new("c", world.now), fact)
    elif turn.conversation.status is Status.RESOLVED and not inbound.automatic:
        turn.record(f.Reopened(), "contact", reason="the contact wrote")
    if inbound.consent is not None:
        _heed(command, turn)
    event = turn.record(_message(inbound, command.sender), "contact")
    turn.settle()
    id = turn.conversation.id
    for key in command.keys if conversation is not None else (*command.thread, *command.keys):
        if world.keys.get(key) != id:
            _claim_key(key, id, contact, world)
    world.put_receipt(command.receipt, f"{id}\t{event.seq}\t{contact.id}")
    if is_new:
        world.put_address(command.sender, contact.id)
        world.put_contact(contact)
    _release(command.letter, world)
    kept = world.finish(turn)
    kept.seq, kept.contact = event.seq, contact.id
    return kept if ended is None else after(ended, kept)


def _heed(command: Receive, turn: Turn) -> None:
    """Obey the contact's word about being written to before anything else happens; said again, it is no news."""
    allowed = bool(command.inbound.consent)
    if allowed == (command.sender in turn.contact.refused):
        turn.record(f.ConsentChanged(command.sender, allowed, command.inbound.text[:100]), "contact")


def after(ended: Kept, kept: Kept) -> Kept:
    """What led to a new conversation, together with the end of the one before it."""
    kept.earlier = ended.conversation
    kept.events = [*ended.events, *kept.events]
    kept.jobs = [*ended.jobs, *kept.jobs]
    kept.freed |= ended.freed
    return kept


def contact_of(sender: Address, key: str, world: World) -> tuple[Contact, bool]:
    """The contact whose address *sender* is, and whether they are new."""
    id = world.addresses.get(key)
    if id is not None:
        return world.contacts[id], False
    email = sender.value if sender.kind == "email" else ""
    new = Contact(world.frame.ids.new("p", world.now), world.now, sender.name[:200], email, (key,))
    return new, True


def _conversation_of(command: Receive, contact: Contact, world: World) -> Conversation | None:
    """The conversation it belongs to: named by a verified secret or known by a thread key, always the contact's own."""
    inbound = command.inbound
    if inbound.conversation and (found := _open(inbound.conversation, inbound, contact, world)) is not None:
        return found
    for key in command.thread:
        id = world.keys.get(key)
        if id is not None and (found := _open(id, inbound, contact, world)) is not None:
            return found
    return None


def _open(id: str, inbound: Inbound, contact: Contact, world: World) -> Conversation | None:
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


def _message(inbound: Inbound, sender: str) -> f.MessageReceived:
    return f.MessageReceived(
        inbound.text,
        inbound.external_id,
        sender,
        inbound.html,
        inbound.subject,
        inbound.attachments,
        inbound.automatic,
        inbound.intent,
        inbound.sent_at,
        inbound.raw,
        inbound.meta,
    )


# --- what cannot be read


def set_aside(command: SetAside, world: World) -> Kept:
    """Note a payload that could not be read, once."""
    world.marks.update(command.marks)
    if command.receipt in world.receipts:
        return Kept(repeated=True)
    stream, error = channel_stream(command.channel), command.error[:500]
    event = world.record(stream, f.InboundQuarantined(command.channel, command.raw, error, command.key), stream)
    letter = inbound_letter(command.channel, event.seq, event.at, error, command.raw, command.key)
    world.put_letter(letter.id, letter)
    world.put_receipt(command.receipt, str(event.seq))
    return Kept(events=(event,), stream=stream, seq=event.seq)


def _release(letter: str, world: World) -> None:
    """Note that what was set aside has been read after all."""
    if not letter:
        return
    found = _take_letter(letter, world)
    world.record(channel_stream(found.channel), f.InboundReleased(found.seq), "service")


def _find_letter(id: str, world: World) -> Letter:
    found = world.letters.get(id)
    if found is None:
        raise NotFound(f"there is no dead letter {id!r}; somebody may have handled it already")
    return found


def _take_letter(id: str, world: World) -> Letter:
    found = _find_letter(id, world)
    world.put_letter(id, None)
    return found


def close(command: CloseLetter, world: World) -> Kept:
    """Let go of a dead letter."""
    found = _take_letter(command.letter, world)
    fact = f.InboundReleased(found.seq) if command.read else f.LetterDropped(found.seq)
    conversation = world.conversations.get(command.stream)
    if conversation is None:
        event = world.record(command.stream, fact, command.actor)
        return Kept(events=(event,), stream=command.stream, seq=event.seq)
    turn = world.turn(conversation)
    turn.record(fact, command.actor)
    turn.settle()
    return world.finish(turn)
