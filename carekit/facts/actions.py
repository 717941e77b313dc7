"""What may be asked of a conversation, by a policy, an agent, a bot or the contact: frozen values, each with a reason.

An action is a wish; `carekit.rules.decide` turns it into facts or refuses it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from carekit.facts.events import Decision
from carekit.facts.nouns import Address, Attachment, Source
from carekit.ground.values import Value


class Action(Value, frozen=True, kw_only=True):
    """Base of all actions; each says its reason."""

    reason: str = ""


class Send(Action, frozen=True):
    """Write to the contact. ``text`` is plain text; ``html`` must already be safe."""

    text: str
    purpose: str = "reply"
    html: str = ""
    subject: str = ""
    sources: tuple[Source, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    survey: str = ""


class Initiate(Action, frozen=True):
    """Write to *to* on *channel*: in the conversation that an answer would join, or in a new one."""

    channel: str
    to: Address
    text: str
    subject: str = ""
    purpose: str = "notice"


class Resend(Action, frozen=True):
    """Have the message at step ``message`` sent again, which failed or may not have arrived."""

    message: int


class AddNote(Action, frozen=True):
    """Leave a note that only agents see."""

    text: str


class Assign(Action, frozen=True):
    """Make *agent* responsible."""

    agent: str
    decision: Decision | None = None


class Unassign(Action, frozen=True):
    """Take the responsibility away from whoever has it."""


class Enqueue(Action, frozen=True):
    """Let it wait for an agent, in order of arrival."""

    decision: Decision | None = None


class AskBot(Action, frozen=True):
    """Let *bot* answer the message at step ``message``."""

    bot: str
    message: int


class HandOff(Action, frozen=True):
    """Let people take over from the bot; ``trigger`` says what led to it."""

    trigger: str


class SetTarget(Action, frozen=True):
    """Promise ``metric`` by ``due``; nothing if a target of that name runs already."""

    name: str
    metric: str
    due: datetime
    limit: timedelta
    calendar: str = ""


class MeetTarget(Action, frozen=True):
    """Note that the promise was fulfilled."""

    name: str


class CancelTarget(Action, frozen=True):
    """Take back a promise that no longer applies."""

    name: str


class BreachTarget(Action, frozen=True):
    """Note that the promise was missed."""

    name: str


class SetTimer(Action, frozen=True):
    """Ask to be woken at ``due``; a timer of that name moves."""

    name: str
    due: datetime


class CancelTimer(Action, frozen=True):
    """Drop the timer of that name, if it is set."""

    name: str


class Snooze(Action, frozen=True):
    """Set aside until a time."""

    until: datetime


class Wake(Action, frozen=True):
    """End a snooze now."""


class Resolve(Action, frozen=True):
    """Declare it done."""


class Reopen(Action, frozen=True):
    """Declare it not done after all."""


class Close(Action, frozen=True):
    """Archive it for good."""


class OfferSurvey(Action, frozen=True):
    """Put a survey, once in a conversation."""

    survey: str
    survey_kind: str
    question: str
    best: int


class WithholdSurvey(Action, frozen=True):
    """Note why a survey that was due is not put."""

    survey: str


class AnswerSurvey(Action, frozen=True):
    """The contact's answer; ``score`` of 1 to ``best``."""

    survey: str
    survey_kind: str
    score: int
    best: int
    positive: bool
    comment: str = ""


class Identify(Action, frozen=True):
    """Note the name or address the contact gave."""

    name: str = ""
    email: str = ""
