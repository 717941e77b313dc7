"""The contract of a survey provider, as tests. Subclass `SurveyContract` and override ``survey``::

class TestStars(SurveyContract):
    @pytest.fixture
    def survey(self):
        return Stars("stars", StarsSettings())
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carekit.facts.actions import AnswerSurvey
from carekit.facts.events import SurveyAnswered, SurveyOffered
from carekit.ground.errors import Refused
from carekit.seams.scope import Scope
from carekit.seams.survey import SurveyProvider
from carekit.testing.contracts.hosting import LOOP, host, staff
from carekit.testing.desk import DeskKit
from carekit.testing.strategies import texts

KINDS = ("csat", "nps", "ces")

HOSTILE: tuple[object, ...] = (
    "", " ", "x", "0", "-1", "1.5", "1e9", "9" * 5000, "NaN", "inf", "\x00", "'; --", "½", None, 2.5, float("nan"),
    float("inf"), [], {}, (), b"1", [1], {"score": 1}, object(),
)  # fmt: skip
"""What comes instead of a score from forms, scripts and scanners."""


class SurveyContract:
    """All that a survey provider promises. Only ``survey`` must be overridden."""

    @pytest.fixture
    def survey(self) -> SurveyProvider:
        """The survey under test, made as the file would make it."""
        raise NotImplementedError("override the fixture 'survey' with the survey to test")

    def test_its_kind_is_known(self, survey: SurveyProvider) -> None:
        """The kind says which statistics its answers enter."""
        assert survey.kind in KINDS

    def test_its_scale_makes_sense(self, survey: SurveyProvider) -> None:
        """There are at least two answers, and some but not all of them are positive."""
        assert isinstance(survey.best, int)
        assert survey.best >= 2
        assert 1 < survey.positive_from <= survey.best

    def test_it_asks_something(self, survey: SurveyProvider) -> None:
        """The question is a text that can be read."""
        assert isinstance(survey.question, str)
        assert survey.question.strip()

    def test_every_answer_of_the_scale_counts(self, survey: SurveyProvider) -> None:
        """Each score is taken, as number and as text, and is positive from the cut-off on."""
        for score in range(1, survey.best + 1):
            for given_as in (score, str(score)):
                answer = survey.answer(given_as, " well done ")
                assert isinstance(answer, AnswerSurvey)
                assert (answer.survey, answer.survey_kind) == (survey.name, survey.kind)
                assert (answer.score, answer.best) == (score, survey.best)
                assert answer.positive == (score >= survey.positive_from)
                assert answer.comment == "well done"

    @pytest.mark.parametrize("score", HOSTILE, ids=lambda value: repr(value)[:20])
    def test_what_is_no_score_is_refused(self, survey: SurveyProvider, score: object) -> None:
        """Anything but a whole number of the scale is refused, and the refusal names the field."""
        with pytest.raises(Refused) as caught:
            survey.answer(score)
        assert caught.value.field == "score"

    def test_scores_outside_of_the_scale_are_refused(self, survey: SurveyProvider) -> None:
        """One below and one above the scale are refused."""
        for score in (0, -1, survey.best + 1, 10**12):
            with pytest.raises(Refused):
                survey.answer(score)

    @pytest.mark.parametrize("comment", ["x" * 1_000_000, None, 1, b"x", ["x"]], ids=lambda value: repr(value)[:20])
    def test_what_is_no_comment_is_refused(self, survey: SurveyProvider, comment: object) -> None:
        """A comment that is no text, or too long a one, is refused, and the refusal names the field."""
        with pytest.raises(Refused) as caught:
            survey.answer(survey.best, comment)
        assert caught.value.field == "comment"

    def test_no_answer_breaks_it(self, survey: SurveyProvider) -> None:
        """Any texts at all are taken within the scale or refused."""

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(score=texts | st.integers().map(str), comment=texts)
        def any_answer(score: str, comment: str) -> None:
            with suppress(Refused):
                assert 1 <= survey.answer(score, comment).score <= survey.best

        any_answer()

    def test_it_keeps_its_name_and_is_sound(self, survey: SurveyProvider) -> None:
        """Two surveys of one class keep their own names, and sound settings have no faults."""
        name = survey.name
        assert type(survey)("another", survey.settings).name == "another"
        assert survey.name == name
        assert list(survey.check()) == []

    # --- on a real desk

    @pytest.fixture
    def kit(self, survey: SurveyProvider) -> Iterator[DeskKit]:
        """A desk in memory that puts the survey as soon as a conversation is resolved."""
        policy = f'\n[policies.ask]\nuse = "survey"\nsurvey = "{survey.name}"\n'
        with host(survey, more=LOOP + policy) as kit:
            yield kit

    def test_an_answer_is_kept_once_and_may_be_changed(self, kit: DeskKit, survey: SurveyProvider) -> None:
        """A resolved conversation is asked, its answer kept; the same again changes nothing, another replaces it."""
        kit.write("hello")
        kit.reply(agent := staff(kit), "done")
        kit.resolve(agent)
        offered = kit.facts(SurveyOffered)
        assert [(o.survey, o.question, o.best) for o in offered] == [(survey.name, survey.question, survey.best)]
        id = kit.conversation().id
        scope = Scope.of_contact(kit.conversation().contact, "loop")
        for score in (1, 1, survey.best):
            kit.run(kit.desk.answer_survey(id, survey.name, score, scope=scope))
        assert [answer.score for answer in kit.facts(SurveyAnswered)] == [1, survey.best]
        assert kit.conversation().surveys[survey.name].score == survey.best
