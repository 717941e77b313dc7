"""From a wish to facts: what an action means for a conversation as it stands, or why it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Conversation, DeliveryStatus, Status
from carekit.ground.addresses import email_fault
from carekit.ground.errors import IllegalMove, Refused
from carekit.rules.lifecycle import step

LIMIT = 100_000
"""Characters of one message."""


def decide(conversation: Conversation, action: a.Action, actor: str) -> tuple[f.Fact, ...]:
    """The facts that *action*, asked by *actor*, brings about; none if it is already so.

    Raises `IllegalMove` if the lifecycle has no such step, `Refused` if the action itself cannot be.
    """
    try:
        handler = _HANDLERS[type(action)]
    except KeyError:
        raise Refused(f"{type(action).__name__} is not an action carekit knows") from None
    return handler(conversation, action, actor)


def _check_text(text: str, what: str, field: str = "text") -> None:
    """Refuse what is too long to keep, and what cannot be written down at all."""
    if len(text) > LIMIT:
        raise Refused(f"the {what} has {len(text)} characters; {LIMIT} is the limit", field=field)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refused(
                f"the {what} holds half a character, which cannot be kept; send it whole", field=field
            ) from None


def _send(c: Conversation, action: a.Send, actor: str) -> tuple[f.Fact, ...]:
    if not action.text.strip() and not action.attachments:
        raise Refused("the message is empty; write something or attach a file", field="text")
    _check_text(action.text, "message")
    _check_text(action.html, "message")
    author = actor if actor.startswith(("agent:", "bot:")) else "service"
    if author.startswith("agent:"):
        step(c.status, f.MessageSent)
    elif c.status is Status.CLOSED:
        raise IllegalMove("a closed conversation cannot be written to: it is archived")
    return (
        f.MessageSent(
            author=author,
            text=action.text,
            purpose=action.purpose,
            html=action.html,
            subject=action.subject,
            sources=action.sources,
            attachments=action.attachments,
            status=DeliveryStatus.QUEUED,
            survey=action.survey,
        ),
    )


def _initiate(c: Conversation, action: a.Initiate, actor: str) -> tuple[f.Fact, ...]:
    _check_text(action.text, "message")
    return (f.InitiationAsked(action.channel, action.to, action.text, action.subject, action.purpose),)


def _resend(c: Conversation, action: a.Resend, actor: str) -> tuple[f.Fact, ...]:
    return (f.DeliveryChanged(action.message, DeliveryStatus.QUEUED),)


def _note(c: Conversation, action: a.AddNote, actor: str) -> tuple[f.Fact, ...]:
    if not action.text.strip():
        raise Refused("the note is empty; write something", field="text")
    _check_text(action.text, "note")
    return (f.NoteAdded(author=actor, text=action.text),)


def _assign(c: Conversation, action: a.Assign, actor: str) -> tuple[f.Fact, ...]:
    if c.assignee == action.agent:
        return ()
    if c.status is Status.CLOSED:
        raise IllegalMove("a closed conversation cannot be assigned: it is archived")
    return (f.Assigned(agent=action.agent, decision=action.decision),)


def _unassign(c: Conversation, action: a.Unassign, actor: str) -> tuple[f.Fact, ...]:
    return (f.Unassigned(agent=c.assignee),) if c.assignee else ()


def _enqueue(c: Conversation, action: a.Enqueue, actor: str) -> tuple[f.Fact, ...]:
    return () if c.queued_at else (f.QueueEntered(decision=action.decision),)


def _ask_bot(c: Conversation, action: a.AskBot, actor: str) -> tuple[f.Fact, ...]:
    return (f.BotAsked(bot=action.bot, message=action.message),)


def _hand_off(c: Conversation, action: a.HandOff, actor: str) -> tuple[f.Fact, ...]:
    if c.handed_off:
        return ()
    return (f.HandedOff(bot=c.bot, trigger=action.trigger),)


def _set_target(c: Conversation, action: a.SetTarget, actor: str) -> tuple[f.Fact, ...]:
    running = c.targets.get(action.name)
    if running is not None and running.state == "running":
        return ()
    return (f.TargetSet(action.name, action.metric, _instant(action.due, "due"), action.limit, action.calendar),)


def _meet_target(c: Conversation, action: a.MeetTarget, actor: str) -> tuple[f.Fact, ...]:
    target = c.targets.get(action.name)
    return (f.TargetMet(action.name),) if target and target.ended_at is None else ()


def _cancel_target(c: Conversation, action: a.CancelTarget, actor: str) -> tuple[f.Fact, ...]:
    target = c.targets.get(action.name)
    return (f.TargetCancelled(action.name),) if target and target.state == "running" else ()


def _breach_target(c: Conversation, action: a.BreachTarget, actor: str) -> tuple[f.Fact, ...]:
    target = c.targets.get(action.name)
    return (f.TargetBreached(action.name, target.metric),) if target and target.state == "running" else ()


def _set_timer(c: Conversation, action: a.SetTimer, actor: str) -> tuple[f.Fact, ...]:
    return (f.TimerSet(action.name, _instant(action.due, "due")),)


def _cancel_timer(c: Conversation, action: a.CancelTimer, actor: str) -> tuple[f.Fact, ...]:
    return (f.TimerCancelled(action.name),) if action.name in c.timers else ()


def _instant(at: datetime, field: str) -> datetime:
    if at.tzinfo is None:  # it could never be compared with now
        raise Refused(f"an instant needs its time zone, which {at} lacks", field=field)
    return at


def _snooze(c: Conversation, action: a.Snooze, actor: str) -> tuple[f.Fact, ...]:
    step(c.status, f.Snoozed)
    return (f.Snoozed(until=_instant(action.until, "until")),)


def _wake(c: Conversation, action: a.Wake, actor: str) -> tuple[f.Fact, ...]:
    return (f.Woken(),) if c.status is Status.SNOOZED else ()


def _resolve(c: Conversation, action: a.Resolve, actor: str) -> tuple[f.Fact, ...]:
    if c.status is Status.RESOLVED:
        return ()
    step(c.status, f.Resolved)
    return (f.Resolved(),)


def _reopen(c: Conversation, action: a.Reopen, actor: str) -> tuple[f.Fact, ...]:
    if c.status is Status.OPEN:
        return ()
    step(c.status, f.Reopened)
    return (f.Reopened(),)


def _close(c: Conversation, action: a.Close, actor: str) -> tuple[f.Fact, ...]:
    return () if c.status is Status.CLOSED else (f.Closed(),)


def _offer_survey(c: Conversation, action: a.OfferSurvey, actor: str) -> tuple[f.Fact, ...]:
    if action.survey in c.surveys:
        return ()
    return (f.SurveyOffered(action.survey, action.survey_kind, action.question, action.best),)


def _withhold_survey(c: Conversation, action: a.WithholdSurvey, actor: str) -> tuple[f.Fact, ...]:
    return (f.SurveyWithheld(action.survey),)


def _answer_survey(c: Conversation, action: a.AnswerSurvey, actor: str) -> tuple[f.Fact, ...]:
    offered = c.surveys.get(action.survey)
    if offered is None:
        raise Refused("this survey was not put to you", field="survey")
    if not 1 <= action.score <= action.best:
        raise Refused(f"the score must be a whole number from 1 to {action.best}", field="score")
    _check_text(action.comment, "comment", "comment")
    if offered.score == action.score and offered.comment == action.comment:
        return ()
    return (
        f.SurveyAnswered(action.survey, action.survey_kind, action.score, action.best, action.positive, action.comment),
    )


def _identify(c: Conversation, action: a.Identify, actor: str) -> tuple[f.Fact, ...]:
    if not action.name and not action.email:
        return ()
    _check_text(action.name, "name", "name")
    _check_text(action.email, "address", "email")
    if action.email and (fault := email_fault(action.email)):
        raise Refused(fault, field="email")
    return (f.ContactIdentified(name=action.name[:200], email=action.email),)


_HANDLERS: dict[type[a.Action], Callable[[Conversation, Any, str], tuple[f.Fact, ...]]] = {
    a.Send: _send,
    a.Initiate: _initiate,
    a.Resend: _resend,
    a.AddNote: _note,
    a.Assign: _assign,
    a.Unassign: _unassign,
    a.Enqueue: _enqueue,
    a.AskBot: _ask_bot,
    a.HandOff: _hand_off,
    a.SetTarget: _set_target,
    a.MeetTarget: _meet_target,
    a.CancelTarget: _cancel_target,
    a.BreachTarget: _breach_target,
    a.SetTimer: _set_timer,
    a.CancelTimer: _cancel_timer,
    a.Snooze: _snooze,
    a.Wake: _wake,
    a.Resolve: _resolve,
    a.Reopen: _reopen,
    a.Close: _close,
    a.OfferSurvey: _offer_survey,
    a.WithholdSurvey: _withhold_survey,
    a.AnswerSurvey: _answer_survey,
    a.Identify: _identify,
}
