"""From the widget's rating to the desk's action."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import AnswerSurvey, Conversation, Refused, SurveyInfo
from carekit_chat.frames import Survey

_POSITIVE = {"nps": 0.9}
"""The share of the best score from which an answer is positive: 9 of 10 for a recommendation, 4 of 5 otherwise."""


def answer(surveys: Mapping[str, SurveyInfo], conversation: Conversation, frame: Survey) -> AnswerSurvey:
    """The action for *frame*; raises `Refused` if no such survey was put or the score is off its scale."""
    name = frame.survey or next(reversed(list(conversation.surveys)), "")
    info = surveys.get(name)
    if info is None or name not in conversation.surveys:
        raise Refused("this survey was not put to you", field="survey")
    if not 1 <= frame.score <= info.best:
        raise Refused(f"the score must be a whole number from 1 to {info.best}", field="score")
    positive = frame.score >= info.best * _POSITIVE.get(info.kind, 0.8)
    return AnswerSurvey(info.name, info.kind, frame.score, info.best, positive, frame.comment.strip())
