"""What may be asked of a conversation, by a policy, an agent, a bot or the contact: frozen values, each with a reason.

An action is a wish; `carekit.rules.decide` turns it into facts or refuses it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from carekit.facts.events import Decision
from carekit.facts.nouns import Attachment, Source

action = attrs.frozen(slots=False, kw_only=False)


class Action:
    """Base of all actions."""

    reason: str


@action
class Send(Action):
    """Write to the contact. ``text`` is plain text; ``html`` must already be safe."""

    text: str
    purpose: str = "reply"
    html: str = ""
    subject: str = ""
    sources: tuple[Source, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    survey: str = ""
    reason: str = ""


@action
class AddNote(Action):
    text: str
    reason: str = ""


@action
class Assign(Action):
    agent: str
    decision: Decision | None = None
    reason: str = ""


@action
class Unassign(Action):
    reason: str = ""


@action
class Enqueue(Action):
    """Let it wait for an agent, in order of arrival."""

    decision: Decision | None = None
    reason: str = ""


@action
class AskBot(Action):
    """Let *bot* answer the message at step ``message``."""

    bot: str
    message: int
    reason: str = ""


@action
class HandOff(Action):
    trigger: str
    reason: str = ""


@action
class SetTarget(Action):
    name: str
    metric: str
    due: datetime
    limit: timedelta
    calendar: str = ""
    reason: str = ""


@action
class MeetTarget(Action):
    name: str
    reason: str = ""


@action
class CancelTarget(Action):
    name: str
    reason: str = ""


@action
class BreachTarget(Action):
    name: str
    reason: str = ""


@action
class SetTimer(Action):
    name: str
    due: datetime
    reason: str = ""


@action
class CancelTimer(Action):
    name: str
    reason: str = ""


@action
class Snooze(Action):
    until: datetime
    reason: str = ""


@action
class Wake(Action):
    """End a snooze now."""

    reason: str = ""


@action
class Resolve(Action):
    reason: str = ""


@action
class Reopen(Action):
    reason: str = ""


@action
class Close(Action):
    reason: str = ""


@action
class OfferSurvey(Action):
    survey: str
    survey_kind: str
    question: str
    best: int
    reason: str = ""


@action
class WithholdSurvey(Action):
    survey: str
    reason: str = ""


@action
class AnswerSurvey(Action):
    """The contact's answer; ``score`` of 1 to ``best``."""

    survey: str
    survey_kind: str
    score: int
    best: int
    positive: bool
    comment: str = ""
    reason: str = ""


@action
class Identify(Action):
    name: str = ""
    email: str = ""
    reason: str = ""
