"""What this distribution offers to carekit."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import SurveyProvider, hookimpl
from carekit_survey.provider import Ces, Csat


@hookimpl
def carekit_surveys() -> Mapping[str, type[SurveyProvider]]:
    """Satisfaction (``csat``) and effort (``ces``)."""
    return {"csat": Csat, "ces": Ces}
