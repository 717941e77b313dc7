"""The shared suite of survey providers."""

from __future__ import annotations

import pytest

from carekit import SurveyProvider
from carekit.testing import SurveyContract
from carekit_survey.provider import Ces, Csat, SurveySettings


class TestCsat(SurveyContract):
    """Satisfaction as it comes."""

    @pytest.fixture
    def survey(self) -> SurveyProvider:
        """Without any key."""
        return Csat("satisfaction", SurveySettings())


class TestCes(SurveyContract):
    """Effort as it comes."""

    @pytest.fixture
    def survey(self) -> SurveyProvider:
        """Without any key."""
        return Ces("effort", SurveySettings())


class TestOwnScale(SurveyContract):
    """Satisfaction on a scale of the file's."""

    @pytest.fixture
    def survey(self) -> SurveyProvider:
        """With a thumb up and a thumb down."""
        return Csat("thumbs", SurveySettings(labels=("No", "Yes"), positive_from=2))
