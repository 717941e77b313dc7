"""The story of a conversation in plain words: what happened, who did it, which policy caused it and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec

from carekit.facts import events as f
from carekit.ground.dates import iso
from carekit.ground.durations import format_duration


@attrs.frozen
class Line:
    """One event, told. ``quote`` is what was said; ``why`` names the policy and its reason; ``details`` more lines."""

    seq: int
    at: datetime
    who: str
    what: str
    quote: str = ""
    why: str = ""
    details: tuple[str, ...] = ()
    cause: int | None = None


def tell(events: Sequence[f.Event], names: Mapping[str, str] | None = None) -> list[Line]:
    """The story of *events*; *names* gives agents' names by id."""
    names = names or {}
    return [_line(event, names) for event in events]


def _line(event: f.Event, names: Mapping[str, str]) -> Line:
    what, quote, details = _SAY[type(event.fact)](event.fact, names)
    why = event.reason
    if event.policy:
        why = f"policy {event.policy!r}: {event.reason}" if event.reason else f"policy {event.policy!r}"
    return Line(event.seq, event.at, who(event.actor, names), what, quote, why, tuple(details), event.cause)


def who(actor: str, names: Mapping[str, str]) -> str:
    """An actor in words: ``Lena``, ``bot assistant``, ``policy first-reply``, ``contact``."""
    kind, _, id = actor.partition(":")
    if kind == "agent":
        return names.get(id, id)
    return f"{kind} {id}" if id else kind


def _agent(id: str, names: Mapping[str, str]) -> str:
    return names.get(id, id)


Told = tuple[str, str, list[str]]


def _started(fact: f.ConversationStarted, names: Mapping[str, str]) -> Told:
    subject = f": {fact.subject}" if fact.subject else ""
    return f"a conversation began on {fact.channel} (inbox {fact.inbox}){subject}", "", []


def _received(fact: f.MessageReceived, names: Mapping[str, str]) -> Told:
    words = "wrote automatically" if fact.automatic else "wrote"
    details = [f"attached: {a.name} ({a.size} bytes)" for a in fact.attachments]
    if fact.intent:
        details.append(f"asked for: {fact.intent}")
    return words, fact.text, details


def _sent(fact: f.MessageSent, names: Mapping[str, str]) -> Told:
    author = who(fact.author, names)
    details = [f"source: {source.title} {source.url}".rstrip() for source in fact.sources]
    return f"{author} wrote ({fact.purpose})", fact.text, details


def _delivery(fact: f.DeliveryChanged, names: Mapping[str, str]) -> Told:
    return f"message {fact.message} is {fact.status.value}", "", [fact.detail] if fact.detail else []


def _note(fact: f.NoteAdded, names: Mapping[str, str]) -> Told:
    return f"{who(fact.author, names)} added a private note", fact.text, []


def _identified(fact: f.ContactIdentified, names: Mapping[str, str]) -> Told:
    return f"the contact gave: {' '.join(filter(None, (fact.name, fact.email)))}", "", []


def _assigned(fact: f.Assigned, names: Mapping[str, str]) -> Told:
    return f"assigned to {_agent(fact.agent, names)}", "", _decision(fact.decision, names)


def _unassigned(fact: f.Unassigned, names: Mapping[str, str]) -> Told:
    return f"taken from {_agent(fact.agent, names)}", "", []


def _queued(fact: f.QueueEntered, names: Mapping[str, str]) -> Told:
    return "entered the queue", "", _decision(fact.decision, names)


def _decision(decision: f.Decision | None, names: Mapping[str, str]) -> list[str]:
    if decision is None:
        return []
    lines = []
    for candidate in decision.candidates:
        verdict = f"left out: {candidate.excluded}" if candidate.excluded else f"{candidate.score:.0%} free"
        chosen = ", chosen" if candidate.agent == decision.chosen else ""
        lines.append(f"{_agent(candidate.agent, names)}: {verdict}{chosen}")
    return lines


def _freed(fact: f.CapacityFreed, names: Mapping[str, str]) -> Told:
    return f"looked at again: {_agent(fact.agent, names)} can take one more", "", []


def _bot_asked(fact: f.BotAsked, names: Mapping[str, str]) -> Told:
    return f"bot {fact.bot} was asked about message {fact.message}", "", []


def _bot_answered(fact: f.BotAnswered, names: Mapping[str, str]) -> Told:
    verdict = "had no answer" if fact.missed else "answered"
    details = [f"confidence {fact.confidence:.2f}, threshold {fact.threshold:.2f}"] if fact.threshold else []
    details += [f"found: {source.title} ({source.score:.2f})" for source in fact.sources]
    return f"bot {fact.bot} {verdict}", "", details


def _handed_off(fact: f.HandedOff, names: Mapping[str, str]) -> Told:
    return f"handed over to people ({fact.trigger})", "", []


def _target_set(fact: f.TargetSet, names: Mapping[str, str]) -> Told:
    metric = fact.metric.replace("_", " ")
    return (
        f"target {fact.name}: {metric} within {format_duration(fact.limit)}, due {iso(fact.due, 'seconds')} UTC",
        "",
        [],
    )


def _named(text: str) -> Callable[[Any, Mapping[str, str]], Told]:
    return lambda fact, names: (text.format(fact.name), "", [])


def _plain(text: str) -> Callable[[Any, Mapping[str, str]], Told]:
    return lambda fact, names: (text, "", [])


def _timer_set(fact: f.TimerSet, names: Mapping[str, str]) -> Told:
    return f"timer {fact.name} set for {iso(fact.due, 'seconds')} UTC", "", []


def _snoozed(fact: f.Snoozed, names: Mapping[str, str]) -> Told:
    return f"snoozed until {iso(fact.until, 'seconds')} UTC", "", []


def _survey_offered(fact: f.SurveyOffered, names: Mapping[str, str]) -> Told:
    return f"survey {fact.survey} was put: {fact.question}", "", []


def _survey_withheld(fact: f.SurveyWithheld, names: Mapping[str, str]) -> Told:
    return f"survey {fact.survey} was not put", "", []


def _survey_answered(fact: f.SurveyAnswered, names: Mapping[str, str]) -> Told:
    return f"survey {fact.survey}: {fact.score} of {fact.best}", fact.comment, []


def _policy_failed(fact: f.PolicyFailed, names: Mapping[str, str]) -> Told:
    return f"policy {fact.name} failed and was passed over", "", [fact.error]


def _quarantined(fact: f.InboundQuarantined, names: Mapping[str, str]) -> Told:
    return f"a message on {fact.channel} could not be read and was set aside", "", [fact.error, f"raw: {fact.raw}"]


def _consent(fact: f.ConsentChanged, names: Mapping[str, str]) -> Told:
    what = "allowed to be written to again" if fact.allowed else "does not want to be written to any more"
    return f"the contact {what}", fact.word, [f"address: {fact.address}"]


def _withheld(fact: f.MessageWithheld, names: Mapping[str, str]) -> Told:
    return f"a message ({fact.purpose}) was withheld, because the contact does not want to be written to", "", []


def _initiation(fact: f.InitiationAsked, names: Mapping[str, str]) -> Told:
    return f"{fact.to.key} is to be written to on {fact.channel} ({fact.purpose})", fact.text, []


def _released(fact: f.InboundReleased, names: Mapping[str, str]) -> Told:
    return f"what was set aside at step {fact.letter} was read after all", "", []


def _letter_dropped(fact: f.LetterDropped, names: Mapping[str, str]) -> Told:
    return f"the dead letter of step {fact.letter} was dropped", "", []


def _contact_erased(fact: f.ContactErased, names: Mapping[str, str]) -> Told:
    said = "1 conversation" if fact.conversations == 1 else f"{fact.conversations} conversations"
    return f"contact {fact.contact} was erased with {said}", "", []


def _agent_added(fact: f.AgentAdded, names: Mapping[str, str]) -> Told:
    return f"agent {fact.name} ({fact.id}) was added, capacity {fact.capacity}", "", []


def _agent_changed(fact: f.AgentChanged, names: Mapping[str, str]) -> Told:
    changes = {name: value for name, value in msgspec.structs.asdict(fact).items() if value is not None}
    return "the agent was changed", "", [f"{name}: {value}" for name, value in changes.items()]


def _presence(fact: f.PresenceChanged, names: Mapping[str, str]) -> Told:
    return f"became {fact.presence.value}", "", []


_SAY: Mapping[type[f.Fact], Callable[[Any, Mapping[str, str]], Told]] = {
    f.ConversationStarted: _started,
    f.MessageReceived: _received,
    f.MessageSent: _sent,
    f.DeliveryChanged: _delivery,
    f.NoteAdded: _note,
    f.ContactIdentified: _identified,
    f.Assigned: _assigned,
    f.Unassigned: _unassigned,
    f.QueueEntered: _queued,
    f.CapacityFreed: _freed,
    f.BotAsked: _bot_asked,
    f.BotAnswered: _bot_answered,
    f.HandedOff: _handed_off,
    f.TargetSet: _target_set,
    f.TargetMet: _named("target {} met"),
    f.TargetCancelled: _named("target {} no longer applies"),
    f.TargetBreached: _named("target {} breached"),
    f.TimerSet: _timer_set,
    f.TimerCancelled: _named("timer {} cancelled"),
    f.TimerFired: _named("timer {} fired"),
    f.Snoozed: _snoozed,
    f.Woken: _plain("the snooze ended"),
    f.Resolved: _plain("resolved"),
    f.Reopened: _plain("reopened"),
    f.Closed: _plain("archived"),
    f.SurveyOffered: _survey_offered,
    f.SurveyWithheld: _survey_withheld,
    f.SurveyAnswered: _survey_answered,
    f.PolicyFailed: _policy_failed,
    f.InboundQuarantined: _quarantined,
    f.InboundReleased: _released,
    f.ConsentChanged: _consent,
    f.MessageWithheld: _withheld,
    f.InitiationAsked: _initiation,
    f.LetterDropped: _letter_dropped,
    f.ContactErased: _contact_erased,
    f.AgentAdded: _agent_added,
    f.AgentChanged: _agent_changed,
    f.PresenceChanged: _presence,
    f.SessionsEnded: _plain("all sessions were ended"),
}
