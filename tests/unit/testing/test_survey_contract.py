"""The suite for survey providers passes for a sound one and finds broken ones."""

from __future__ import annotations

import pytest

from carekit.seams.survey import SurveyProvider
from carekit.testing import SurveyContract


class Thumbs(SurveyProvider):
    """Down or up."""

    kind = "csat"
    best = 2
    positive_from = 2

    @property
    def question(self) -> str:
        return "Thumbs up?"


class TestThumbs(SurveyContract):
    @pytest.fixture
    def survey(self) -> SurveyProvider:
        return Thumbs("thumbs", None)


class _AlwaysGood(Thumbs):
    positive_from = 1


def test_a_survey_that_cannot_go_badly_is_found() -> None:
    """A cut-off at the lowest score, which would make every answer positive, does not pass."""
    with pytest.raises(AssertionError):
        SurveyContract().test_its_scale_makes_sense(_AlwaysGood("good", None))
