"""What happens some time after a conversation is resolved: follow up, ask how it was, archive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import attrs

from carekit.builtin.policies.texts import VARIABLES, faults, values
from carekit.facts.actions import Action, CancelTimer, Close, OfferSurvey, Send, SetTimer, WithholdSurvey
from carekit.facts.events import Event, Reopened, Resolved, TimerFired
from carekit.facts.nouns import Conversation, Status
from carekit.ground.durations import format_duration
from carekit.rules.context import Context
from carekit.rules.templates import Template
from carekit.seams.policy import Policy
from carekit.seams.settings import setting


class AfterResolution(Policy):
    """Base: a timer from the resolution, cancelled when the conversation is reopened."""

    listens = frozenset({Resolved, Reopened, TimerFired})

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        fact = event.fact
        if isinstance(fact, Resolved):
            return self.resolved(conversation, context)
        if isinstance(fact, Reopened):
            return (CancelTimer(self.timer(), reason="reopened"),)
        if isinstance(fact, TimerFired) and fact.name == self.timer() and conversation.status is Status.RESOLVED:
            return self.due(conversation, context)
        return ()

    def resolved(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        """What to do at the resolution itself: by default, wait for ``after``."""
        wait: timedelta = self.settings.after
        return (SetTimer(self.timer(), context.now + wait, reason=f"{format_duration(wait)} after resolution"),)

    def due(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        """What to do when the time has come and it is still resolved."""
        raise NotImplementedError


@attrs.frozen
class FollowUpSettings:
    """Its keys in the file."""

    after: timedelta = setting("how long after resolution", default=timedelta(days=3))
    text: str = setting(
        "what to write",
        default='Hello {{ contact.first_name | default:"there" }}, is everything still as it should be? '
        "Just answer this message if not, and we will take it up again.",
    )


class FollowUp(AfterResolution):
    """Ask once, some time after a person resolved it, whether everything is still as it should be.

    A contact who answers "yes, thank you" is not asked the same again when that is resolved.
    """

    Settings = FollowUpSettings

    def check(self) -> Iterable[str]:
        return faults({"text": self.settings.text})

    def resolved(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        last = context.contact.automatic.get(self.name)
        if not conversation.replies or (last is not None and last >= conversation.created_at):
            return ()
        return super().resolved(conversation, context)

    def due(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        text = Template.parse(self.settings.text, VARIABLES).render(values(conversation, context))
        reason = f"{format_duration(self.settings.after)} after resolution"
        return (Send(text, purpose="follow_up", reason=reason),)


@attrs.frozen
class AskSurveySettings:
    """Its keys in the file."""

    survey: str = setting("the survey to put", refers="surveys")
    after: timedelta = setting("how long after resolution; 0s for at once", default=timedelta(0))
    per_contact: timedelta = setting("at most one such survey to a contact in this time", default=timedelta(days=30))
    text: str = setting(
        "what to write where the survey is answered by a link",
        default='Hello {{ contact.first_name | default:"there" }},\n\n{{ survey.question }}\n\n{{ survey.link }}\n',
    )


_SURVEY_VARIABLES = (*VARIABLES, "survey.question", "survey.link")


class AskSurvey(AfterResolution):
    """Put a survey after a person resolved it: in place where both sides are present, by a signed link elsewhere.

    Not to the same contact again within ``per_contact``, and not for what a bot or nobody answered.
    """

    Settings = AskSurveySettings

    def check(self) -> Iterable[str]:
        return faults({"text": self.settings.text}, _SURVEY_VARIABLES)

    def resolved(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        name = self.settings.survey
        if name in conversation.surveys:
            return ()
        if not conversation.replies:
            return (WithholdSurvey(name, reason="no person answered in this conversation"),)
        if self.settings.after and not self._lately(context):
            return super().resolved(conversation, context)
        return self.due(conversation, context)

    def _lately(self, context: Context) -> bool:
        last = context.contact.automatic.get(self.name)
        return last is not None and context.now - last < self.settings.per_contact

    def due(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        if self._lately(context):  # also when the time has come: another conversation may have been first
            limit = format_duration(self.settings.per_contact)
            return (WithholdSurvey(self.settings.survey, reason=f"the contact was asked less than {limit} ago"),)
        offer = context.surveys[self.settings.survey]
        reason = "resolved by a person"
        offered = OfferSurvey(offer.name, offer.kind, offer.question, offer.best, reason=reason)
        if conversation.live:
            return (offered,)
        texts = values(conversation, context)
        texts |= {"survey.question": offer.question, "survey.link": offer.link(conversation.id)}
        text = Template.parse(self.settings.text, _SURVEY_VARIABLES).render(texts)
        return (offered, Send(text, purpose="survey", survey=offer.name, reason=reason))


@attrs.frozen
class ArchiveSettings:
    """Its keys in the file."""

    after: timedelta = setting("how long after resolution", default=timedelta(days=30))


class Archive(AfterResolution):
    """Close what has been resolved for a long time, so that a late message begins a new conversation."""

    Settings = ArchiveSettings

    def due(self, conversation: Conversation, context: Context) -> Iterable[Action]:
        return (Close(reason=f"resolved for {format_duration(self.settings.after)}"),)
