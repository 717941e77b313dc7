"""The contract of a survey provider: a question, a scale, what counts as positive, and where it is answered."""

from __future__ import annotations

from carekit.facts.actions import AnswerSurvey
from carekit.ground.errors import Refused
from carekit.seams.component import Component


class SurveyProvider(Component):
    """Base of all survey providers. ``path`` under ``/surveys/<name>`` answers the signed link of a conversation."""

    kind: str = "csat"
    """``csat``, ``nps`` or ``ces``: which statistics its answers enter."""
    best: int = 5
    """The scale is 1 to ``best``."""
    positive_from: int = 4
    """The lowest score that counts as positive."""

    @property
    def question(self) -> str:
        """The question as the contact reads it."""
        raise NotImplementedError

    def answer(self, score: object, comment: object = "") -> AnswerSurvey:
        """The action for an answer from outside; raises `Refused` naming the field that cannot be read."""
        try:
            value = int(str(score))
        except ValueError:
            value = 0
        if not 1 <= value <= self.best:
            raise Refused(f"the score must be a whole number from 1 to {self.best}", field="score")
        if not isinstance(comment, str) or len(comment) > 2000:
            raise Refused("the comment must be a text of at most 2,000 characters", field="comment")
        return AnswerSurvey(
            survey=self.name,
            survey_kind=self.kind,
            score=value,
            best=self.best,
            positive=value >= self.positive_from,
            comment=comment.strip(),
        )
