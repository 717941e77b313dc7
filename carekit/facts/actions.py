"""What may be asked of a conversation, by a policy, an agent, a bot or the contact: frozen values, each with a reason.

An action is a wish; `carekit.rules.decide` turns it into facts or refuses it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from carekit.facts.events import Decision
from carekit.facts.nouns import Attachment, Source


class Action:
    """Base of all actions."""

    reason: str


@attrs.frozen(slots=False)
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


@attrs.frozen(slots=False)
class AddNote(Action):
    """Leave a note that only agents see."""

    text: str
    reason: str = ""


@attrs.frozen(slots=False)
class Assign(Action):
    """Make *agent* responsible."""

    agent: str
    decision: Decision | None = None
    reason: str = ""


@attrs.frozen(slots=False)
class Unassign(Action):
    """Take the responsibility away from whoever has it."""

    reason: str = ""


@attrs.frozen(slots=False)
class Enqueue(Action):
    """Let it wait for an agent, in order of arrival."""

    decision: Decision | None = None
    reason: str = ""


@attrs.frozen(slots=False)
class AskBot(Action):
    """Let *bot* answer the message at step ``message``."""

    bot: str
    message: int
    reason: str = ""


@attrs.frozen(slots=False)
class HandOff(Action):
    """Let people take over from the bot; ``trigger`` says what led to it."""

    trigger: str
    reason: str = ""


@attrs.frozen(slots=False)
class SetTarget(Action):
    """Promise ``metric`` by ``due``; nothing if a target of that name runs already."""

    name: str
    metric: str
    due: datetime
    limit: timedelta
    calendar: str = ""
    reason: str = ""


@attrs.frozen(slots=False)
class MeetTarget(Action):
    """Note that the promise was fulfilled."""

    name: str
    reason: str = ""


@attrs.frozen(slots=False)
class CancelTarget(Action):
    """Take back a promise that no longer applies."""

    name: str
    reason: str = ""


@attrs.frozen(slots=False)
class BreachTarget(Action):
    """Note that the promise was missed."""

    name: str
    reason: str = ""


@attrs.frozen(slots=False)
class SetTimer(Action):
    """Ask to be woken at ``due``; a timer of that name moves."""

    name: str
    due: datetime
    reason: str = ""


@attrs.frozen(slots=False)
class CancelTimer(Action):
    """Drop the timer of that name, if it is set."""

    name: str
    reason: str = ""


@attrs.frozen(slots=False)
class Snooze(Action):
    """Set aside until a time."""

    until: datetime
    reason: str = ""


@attrs.frozen(slots=False)
class Wake(Action):
    """End a snooze now."""

    reason: str = ""


@attrs.frozen(slots=False)
class Resolve(Action):
    """Declare it done."""

    reason: str = ""


@attrs.frozen(slots=False)
class Reopen(Action):
    """Declare it not done after all."""

    reason: str = ""


@attrs.frozen(slots=False)
class Close(Action):
    """Archive it for good."""

    reason: str = ""


@attrs.frozen(slots=False)
class OfferSurvey(Action):
    """Put a survey, once in a conversation."""

    survey: str
    survey_kind: str
    question: str
    best: int
    reason: str = ""


@attrs.frozen(slots=False)
class WithholdSurvey(Action):
    """Note why a survey that was due is not put."""

    survey: str
    reason: str = ""


@attrs.frozen(slots=False)
class AnswerSurvey(Action):
    """The contact's answer; ``score`` of 1 to ``best``."""

    survey: str
    survey_kind: str
    score: int
    best: int
    positive: bool
    comment: str = ""
    reason: str = ""


@attrs.frozen(slots=False)
class Identify(Action):
    """Note the name or address the contact gave."""

    name: str = ""
    email: str = ""
    reason: str = ""
