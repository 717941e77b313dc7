"""The two surveys: what is asked, on which scale, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import attrs
from starlette.routing import BaseRoute

from carekit import Conversation, Desk, SurveyProvider, setting
from carekit_survey.pages import Pages
from carekit_survey.words import WORDS

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
MOST = 10
"""Answers that still fit on one page of a telephone."""


@attrs.frozen
class SurveySettings:
    """What both surveys can be told."""

    question: str = setting("the question as the contact reads it", default="")
    labels: tuple[str, ...] = setting("the answers from worst to best; their number is the scale", default=())
    positive_from: int = setting("the lowest answer that counts as positive; 0 for the usual one", default=0)
    thanks: str = setting("what the contact reads after answering", default="Thank you. Your answer has reached us.")
    valid_for: timedelta = setting("how long after it was put a survey can be answered", default=timedelta(days=30))
    language: str = setting('language of the pages, such as "en" or "ar"', default="en")
    words: dict[str, str] = setting("the other texts of the pages, by key, for another language", factory=dict)


class Survey(SurveyProvider):
    """Base of the surveys of this distribution: settings, self-check and pages."""

    Settings = SurveySettings
    usual_question: ClassVar[str]
    usual_labels: ClassVar[tuple[str, ...]]
    usual_positive: ClassVar[int]

    def __init__(self, name: str, settings: Any) -> None:
        super().__init__(name, settings)
        self.labels: tuple[str, ...] = settings.labels or self.usual_labels
        self.best = len(self.labels)
        self.positive_from = settings.positive_from or self.usual_positive
        self.words = WORDS | settings.words

    @property
    def question(self) -> str:
        return self.settings.question or self.usual_question

    def until(self, conversation: Conversation) -> datetime:
        """The instant from which the survey of *conversation* can no longer be answered."""
        offered: datetime = conversation.surveys[self.name].offered_at
        valid_for: timedelta = self.settings.valid_for
        return offered + valid_for

    def check(self) -> Iterable[str]:
        if not 2 <= self.best <= MOST or not all(label.strip() for label in self.labels):
            yield f"labels: must be 2 to {MOST} texts, from worst to best, none empty"
        elif not 2 <= self.positive_from <= self.best:
            yield f"positive_from: must be from 2 to {self.best}, the number of labels, not {self.positive_from}"
        if self.settings.valid_for <= timedelta(0):
            yield "valid_for: must be longer than zero, such as 30d"
        if not _LANGUAGE.fullmatch(self.settings.language):
            yield f'language: must be a tag such as "en" or "pt-BR", not {self.settings.language!r}'
        for key in sorted(set(self.settings.words) - set(WORDS)):
            yield f"words.{key}: is not one of the texts; they are {', '.join(WORDS)}"

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        return Pages(self, desk).routes()


class Csat(Survey):
    """Satisfaction, from 1 to 5 unless the labels say otherwise; 4 and 5 are positive."""

    kind = "csat"
    usual_question = "How satisfied are you with the help you received?"
    usual_labels = ("Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied")
    usual_positive = 4
    starter = """\
# Asks how satisfied the contact is: in the chat itself where there is one, by a link elsewhere.
[surveys.satisfaction]
use = "csat"
question = "How satisfied are you with the help you received?"
valid_for = "30d"                  # a link can be answered, and the answer changed, for this long
"""


class Ces(Survey):
    """Effort, from 1 to 7: how far the contact agrees that it was easy; 5 to 7 are positive."""

    kind = "ces"
    usual_question = "How much do you agree: it was easy to get my problem solved."
    usual_labels = (
        "Strongly disagree",
        "Disagree",
        "Somewhat disagree",
        "Neither",
        "Somewhat agree",
        "Agree",
        "Strongly agree",
    )
    usual_positive = 5
