"""What a conversation, a contact and an agent become after an event: the fold that turns the log into the present."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from carekit.facts import events as f
from carekit.facts.nouns import Agent, Contact, Conversation, Presence, Status, Survey, Target
from carekit.rules.lifecycle import step

PREVIEW = 140
"""Characters of the newest message kept for lists."""


def evolve(conversation: Conversation, event: f.Event) -> Conversation:
    """The conversation after *event*; raises `IllegalMove` if the lifecycle has no such step."""
    fact = event.fact
    changes = _CHANGES[type(fact)](conversation, fact, event)
    changes["seq"] = event.seq
    changes["updated_at"] = event.at
    return replace(conversation, **changes)


def begin(event: f.Event) -> Conversation:
    """The conversation that a `ConversationStarted` event begins."""
    fact = event.fact
    assert isinstance(fact, f.ConversationStarted)
    return Conversation(
        id=event.stream,
        channel=fact.channel,
        inbox=fact.inbox,
        contact=fact.contact,
        created_at=event.at,
        updated_at=event.at,
        subject=fact.subject,
        live=fact.live,
        sender=fact.to,
        status=Status.WAITING if fact.to else Status.OPEN,  # what we begin is the contact's turn
        seq=event.seq,
    )


def fold(events: list[f.Event]) -> Conversation:
    """A conversation from its whole history; the first event must be its start."""
    conversation = begin(events[0])
    for event in events[1:]:
        conversation = evolve(conversation, event)
    return conversation


CHANGES_CONTACT: frozenset[type[f.Fact]] = frozenset(
    {f.ContactIdentified, f.MessageSent, f.SurveyOffered, f.ConsentChanged}
)
"""The facts of a conversation that `evolve_contact` looks at."""


def evolve_contact(contact: Contact, event: f.Event) -> Contact:
    """The contact after an *event* of one of its conversations (the same object when nothing changed)."""
    fact = event.fact
    if isinstance(fact, f.ContactIdentified):
        return replace(contact, name=fact.name or contact.name, email=fact.email or contact.email)
    if isinstance(fact, f.ConsentChanged):
        others = tuple(key for key in contact.refused if key != fact.address)
        return replace(contact, refused=others if fact.allowed else (*others, fact.address))
    if event.policy and isinstance(fact, f.MessageSent | f.SurveyOffered):
        return replace(contact, automatic={**contact.automatic, event.policy: event.at})
    return contact


def evolve_agent(agent: Agent | None, event: f.Event) -> Agent:
    """The agent after an *event* of their own stream."""
    fact = event.fact
    if isinstance(fact, f.AgentAdded):
        return Agent(
            id=fact.id,
            name=fact.name,
            email=fact.email,
            role=fact.role,
            capacity=fact.capacity,
            inboxes=fact.inboxes,
            seq=event.seq,
        )
    assert agent is not None, "an agent's stream begins with AgentAdded"
    changes: dict[str, Any] = {"seq": event.seq}
    if isinstance(fact, f.PresenceChanged):
        changes["presence"] = fact.presence
    elif isinstance(fact, f.SessionsEnded):
        changes["session_epoch"] = agent.session_epoch + 1
    elif isinstance(fact, f.AgentChanged):
        for name in ("name", "email", "role", "capacity", "active", "inboxes"):
            if (value := getattr(fact, name)) is not None:
                changes[name] = value
        if fact.active is False:
            changes |= {"presence": Presence.OFF, "session_epoch": agent.session_epoch + 1}
    return replace(agent, **changes)


def _received(c: Conversation, fact: f.MessageReceived, e: f.Event) -> dict[str, Any]:
    status = step(c.status, f.MessageReceived)
    changes: dict[str, Any] = {
        "status": c.status if fact.automatic else status,  # an out-of-office notice is nobody's turn
        "inbound": c.inbound + 1,
        "sender": fact.sender or c.sender,
        "last_author": "contact",
        "last_message": e.seq,
        "preview": fact.text[:PREVIEW],
    }
    if not fact.automatic:
        if c.waiting_since is None:
            changes["waiting_since"] = e.at
        if c.first_message_at is None:
            changes["first_message_at"] = e.at
        if c.snoozed_until is not None:
            changes["snoozed_until"] = None
            changes["timers"] = _without(c.timers, SNOOZE)
    if fact.subject and not c.subject:
        changes["subject"] = fact.subject
    return changes


def _sent(c: Conversation, fact: f.MessageSent, e: f.Event) -> dict[str, Any]:
    changes: dict[str, Any] = {"last_author": fact.author, "last_message": e.seq, "preview": fact.text[:PREVIEW]}
    if fact.automatic:
        return changes
    changes["status"] = step(c.status, f.MessageSent)
    changes["waiting_since"] = None
    changes["replies"] = c.replies + 1
    changes["bot"] = ""
    changes["handed_off"] = True
    if c.first_reply_at is None and c.first_message_at is not None:
        changes["first_reply_at"] = e.at
    if c.snoozed_until is not None:
        changes["snoozed_until"] = None
        changes["timers"] = _without(c.timers, SNOOZE)
    return changes


SNOOZE = "snooze"
"""Name of the timer that ends a snooze."""


def _assigned(c: Conversation, fact: f.Assigned, e: f.Event) -> dict[str, Any]:
    return {"assignee": fact.agent, "queued_at": None, "bot": "", "handed_off": True}


def _unassigned(c: Conversation, fact: f.Unassigned, e: f.Event) -> dict[str, Any]:
    return {"assignee": ""}


def _queued(c: Conversation, fact: f.QueueEntered, e: f.Event) -> dict[str, Any]:
    return {"queued_at": c.queued_at or e.at}  # a second look keeps the original place


def _bot_asked(c: Conversation, fact: f.BotAsked, e: f.Event) -> dict[str, Any]:
    return {"bot": fact.bot}


def _bot_answered(c: Conversation, fact: f.BotAnswered, e: f.Event) -> dict[str, Any]:
    return {"misses": c.misses + 1 if fact.missed else 0, "memory": fact.memory}


def _handed_off(c: Conversation, fact: f.HandedOff, e: f.Event) -> dict[str, Any]:
    return {"bot": "", "handed_off": True, "misses": 0}


def _target_set(c: Conversation, fact: f.TargetSet, e: f.Event) -> dict[str, Any]:
    target = Target(fact.name, fact.metric, e.at, fact.due, fact.limit, fact.calendar)
    return {
        "targets": {**c.targets, fact.name: target},
        "timers": {**c.timers, target_timer(fact.name): fact.due},
    }


def target_timer(name: str) -> str:
    """Name of the timer that breaches the target *name*."""
    return f"target:{name}"


def _target_met(c: Conversation, fact: f.TargetMet, e: f.Event) -> dict[str, Any]:
    target = c.targets[fact.name]
    ended = replace(target, state="met" if target.state == "running" else "late", ended_at=e.at)
    return {
        "targets": {**c.targets, fact.name: ended},
        "timers": _without(c.timers, target_timer(fact.name)),
    }


def _target_cancelled(c: Conversation, fact: f.TargetCancelled, e: f.Event) -> dict[str, Any]:
    return {
        "targets": {name: target for name, target in c.targets.items() if name != fact.name},
        "timers": _without(c.timers, target_timer(fact.name)),
    }


def _target_breached(c: Conversation, fact: f.TargetBreached, e: f.Event) -> dict[str, Any]:
    breached = replace(c.targets[fact.name], state="breached")
    return {
        "targets": {**c.targets, fact.name: breached},
        "timers": _without(c.timers, target_timer(fact.name)),
    }


def _timer_set(c: Conversation, fact: f.TimerSet, e: f.Event) -> dict[str, Any]:
    return {"timers": {**c.timers, fact.name: fact.due}}


def _timer_gone(c: Conversation, fact: f.TimerCancelled | f.TimerFired, e: f.Event) -> dict[str, Any]:
    return {"timers": _without(c.timers, fact.name)}


def _snoozed(c: Conversation, fact: f.Snoozed, e: f.Event) -> dict[str, Any]:
    return {
        "status": step(c.status, f.Snoozed),
        "snoozed_until": fact.until,
        "timers": {**c.timers, SNOOZE: fact.until},
    }


def _woken(c: Conversation, fact: f.Woken, e: f.Event) -> dict[str, Any]:
    return {"status": step(c.status, f.Woken), "snoozed_until": None, "timers": _without(c.timers, SNOOZE)}


def _resolved(c: Conversation, fact: f.Resolved, e: f.Event) -> dict[str, Any]:
    return {
        "status": step(c.status, f.Resolved),
        "resolved_at": e.at,
        "waiting_since": None,
        "queued_at": None,
        "snoozed_until": None,
        "bot": "",
        "handed_off": False,
        "misses": 0,
        "timers": _without(c.timers, SNOOZE),
    }


def _reopened(c: Conversation, fact: f.Reopened, e: f.Event) -> dict[str, Any]:
    was_resolved = c.status is Status.RESOLVED
    return {
        "status": step(c.status, f.Reopened),
        "reopens": c.reopens + was_resolved,
        "snoozed_until": None,
        "timers": _without(c.timers, SNOOZE),
    }


def _closed(c: Conversation, fact: f.Closed, e: f.Event) -> dict[str, Any]:
    return {
        "status": step(c.status, f.Closed),
        "waiting_since": None,
        "queued_at": None,
        "bot": "",
        "snoozed_until": None,
        "timers": {},
    }


def _survey_offered(c: Conversation, fact: f.SurveyOffered, e: f.Event) -> dict[str, Any]:
    return {"surveys": {**c.surveys, fact.survey: Survey(fact.survey, fact.survey_kind, e.at)}}


def _survey_answered(c: Conversation, fact: f.SurveyAnswered, e: f.Event) -> dict[str, Any]:
    offered = c.surveys.get(fact.survey) or Survey(fact.survey, fact.survey_kind, e.at)
    answered = replace(offered, answered_at=e.at, score=fact.score, comment=fact.comment)
    return {"surveys": {**c.surveys, fact.survey: answered}}


def _unchanged(c: Conversation, fact: f.Fact, e: f.Event) -> dict[str, Any]:
    return {}


def _without(timers: Mapping[str, datetime], name: str) -> Mapping[str, datetime]:
    return {key: due for key, due in timers.items() if key != name} if name in timers else timers


_CHANGES: dict[type[f.Fact], Callable[[Conversation, Any, f.Event], dict[str, Any]]] = {
    f.MessageReceived: _received,
    f.MessageSent: _sent,
    f.DeliveryChanged: _unchanged,
    f.NoteAdded: _unchanged,
    f.ContactIdentified: _unchanged,
    f.Assigned: _assigned,
    f.Unassigned: _unassigned,
    f.QueueEntered: _queued,
    f.CapacityFreed: _unchanged,
    f.BotAsked: _bot_asked,
    f.BotAnswered: _bot_answered,
    f.HandedOff: _handed_off,
    f.TargetSet: _target_set,
    f.TargetMet: _target_met,
    f.TargetCancelled: _target_cancelled,
    f.TargetBreached: _target_breached,
    f.TimerSet: _timer_set,
    f.TimerCancelled: _timer_gone,
    f.TimerFired: _timer_gone,
    f.Snoozed: _snoozed,
    f.Woken: _woken,
    f.Resolved: _resolved,
    f.Reopened: _reopened,
    f.Closed: _closed,
    f.SurveyOffered: _survey_offered,
    f.SurveyWithheld: _unchanged,
    f.SurveyAnswered: _survey_answered,
    f.PolicyFailed: _unchanged,
    f.LetterDropped: _unchanged,
    f.ConsentChanged: _unchanged,
    f.MessageWithheld: _unchanged,
    f.InitiationAsked: _unchanged,
}
