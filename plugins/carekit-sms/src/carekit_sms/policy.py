"""The policy that answers HELP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import attrs

from carekit import (
    Action,
    Context,
    Conversation,
    Event,
    MessageReceived,
    Policy,
    Send,
    Template,
    TemplateError,
    setting,
)

VARIABLES = ("service.name",)


@attrs.frozen
class HelpSettings:
    """The keys of ``[policies.<name>]`` with ``use = "sms-help"``."""

    text: str = setting(
        "what to answer; may use {{ service.name }}",
        default="{{ service.name }}: write here and a person will answer. Rates of your operator may apply. "
        "STOP ends all texts.",
    )
    per_contact: timedelta = setting("at most one such answer to a contact in this time", default=timedelta(minutes=2))


class AnswerHelp(Policy):
    """Answer a text that says HELP and nothing else, in the languages of the channel."""

    Settings = HelpSettings
    listens = frozenset({MessageReceived})

    def check(self) -> Iterable[str]:
        try:
            Template.parse(self.settings.text, VARIABLES)
        except TemplateError as error:
            yield f"text: {error}"

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        fact = event.fact
        assert isinstance(fact, MessageReceived)
        if fact.meta.get("keyword") != "help":
            return ()
        last = context.contact.automatic.get(self.name)
        if last is not None and context.now - last < self.settings.per_contact:
            return ()  # two machines could ask each other for help all day
        values: Mapping[str, str] = {"service.name": context.service}
        text = Template.parse(self.settings.text, VARIABLES).render(values)
        return (Send(text, purpose="help", reason="the contact asked for help by its keyword"),)
