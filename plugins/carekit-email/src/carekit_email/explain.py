"""Why a mail belongs where it does: the same steps as its arrival takes, told one by one; changes nothing."""

from __future__ import annotations

from attrs import field, frozen

from carekit import Conversation, Desk, Ignored, Inbound, Malformed, NotFound, Scope, Status
from carekit_email.codec import InboundEmail, Limits
from carekit_email.intake import Rules, read
from carekit_email.loops import is_for_an_account
from carekit_email.mapping import Way
from carekit_email.threading import Clue, clues, reported_message


@frozen
class Verdict:
    """What would become of a mail now, and every step that led there."""

    what: str
    """``joins``, ``begins``, ``reports``, ``ignored``, ``restricted`` or ``set aside``."""
    conversation: str = ""
    steps: tuple[str, ...] = field(default=())

    def lines(self) -> list[str]:
        """Give it as text for people."""
        where = f" conversation {self.conversation}" if self.conversation else ""
        names = {"begins": "begins a new conversation", "ignored": "is left alone", "set aside": "is set aside"}
        return [f"this mail {names.get(self.what, self.what)}{where}", *(f"- {step}" for step in self.steps)]


async def explain(desk: Desk, way: Way, limits: Limits, rules: Rules, raw: bytes) -> Verdict:
    """Say what would become of *raw* if it arrived now, and why."""
    try:
        mail, inbound = read(raw, way, limits)
    except Ignored as error:
        return Verdict("ignored", steps=(str(error),))
    except Malformed as error:
        return Verdict("set aside", steps=(str(error),))
    steps = [f"from {mail.from_address or 'nobody'}, subject {mail.subject!r}, Message-ID {mail.message_id}"]
    if mail.bounce is not None:
        return _report(mail, way, steps)
    if is_for_an_account(mail):
        return _account(rules, steps)
    return await _thread(desk, way, mail, inbound, steps)


def _report(mail: InboundEmail, way: Way, steps: list[str]) -> Verdict:
    assert mail.bounce is not None
    about = ", ".join(mail.bounce.addresses) or "nobody by name"
    kind = "failed" if mail.bounce.failed else "late"
    steps.append(f"it reports a delivery to {about} that {kind if kind == 'failed' else 'is late'}")
    sent = reported_message(mail, mail.bounce, way.secret)
    if sent is None:
        steps.append("no token in it is ours; an id that was stored for one of our messages would still lead there")
        return Verdict("reports", steps=tuple(steps))
    steps.append(f"its token is genuine: it is about message {sent.seq}")
    return Verdict("reports", sent.conversation, tuple(steps))


def _account(rules: Rules, steps: list[str]) -> Verdict:
    steps.append("it looks like another service's sign-up, verification or password mail")
    if rules.restricted:
        steps.append(f"`restricted` sends such mail to the inbox {rules.restricted}")
    return Verdict("restricted" if rules.restricted else "set aside", steps=tuple(steps))


async def _thread(desk: Desk, way: Way, mail: InboundEmail, inbound: Inbound, steps: list[str]) -> Verdict:
    if inbound.automatic:
        steps.append("a machine sent it: it is kept, moves no status, and is never answered automatically")
    if mail.authentication.failed:
        steps.append("our mail server found that this sender is not who they claim to be (DMARC): it joins nothing")
        return Verdict("begins", steps=tuple(steps))
    if await desk.find(way.channel, mail.message_id) is not None:
        steps.append("a mail of this Message-ID was seen before: if its body is the same, this one adds nothing")
    results = ", ".join(f"{method}={result}" for method, result in mail.authentication.results.items())
    steps.append(f"authentication: {results or 'no result of our own mail server'}")
    found = clues(mail, way.secret)
    if not found:
        steps.append("it refers to nothing: no reply address, no In-Reply-To, no References")
    for clue in found:
        conversation = await _look(desk, way, clue)
        joined, why = await _judge(desk, way, inbound, clue, conversation)
        steps.append(f"{clue.where} {clue.value}: {clue.note}; {why}")
        if joined:
            return Verdict("joins", joined, tuple(steps))
    steps.append("numbers and names in the subject are not read: anybody can write them")
    return Verdict("begins", steps=tuple(steps))


async def _look(desk: Desk, way: Way, clue: Clue) -> Conversation | None:
    if clue.verified:
        try:
            return await desk.conversation(clue.conversation, Scope.everything())
        except NotFound:
            return None
    if clue.where == "recipient":
        return None  # an address is not an id that was stored
    return await desk.find(way.channel, clue.value)


async def _judge(
    desk: Desk, way: Way, inbound: Inbound, clue: Clue, conversation: Conversation | None
) -> tuple[str, str]:
    """Give the conversation that a clue leads to, "" for none, and why."""
    if conversation is None:
        return "", "no conversation is known by it"
    contact = await desk.contact(conversation.contact, Scope.everything())
    if inbound.sender.key not in contact.addresses:
        return "", f"it leads to {conversation.id}, but that is with somebody else: a copy of a mail gives no access"
    if conversation.channel != way.channel:
        return "", f"it leads to {conversation.id}, but that is on another channel"
    if conversation.status is Status.CLOSED:
        return "", f"it leads to {conversation.id}, but that is closed for good: a new one begins"
    return conversation.id, f"it leads to {conversation.id}, and the contact is the same"
