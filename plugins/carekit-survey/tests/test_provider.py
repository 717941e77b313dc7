"""The settings of the surveys and what is said of wrong ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from carekit.testing import DeskKit
from carekit.testing.desk import MINIMAL
from carekit_survey import plugin
from carekit_survey.provider import Ces, Csat, SurveySettings
from carekit_survey.words import WORDS, direction


@pytest.mark.parametrize(("cls", "best", "negative", "positive"), [(Csat, 5, 3, 4), (Ces, 7, 4, 5)])
def test_the_usual_scales(cls: Any, best: int, negative: int, positive: int) -> None:
    """Satisfaction counts 4 and 5 of 5 as positive, effort 5 to 7 of 7."""
    survey = cls("s", SurveySettings())
    assert survey.best == best and list(survey.check()) == []
    assert not survey.answer(negative).positive and survey.answer(positive).positive
    assert survey.answer(positive).survey_kind == cls.kind


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"labels": ("one",)}, "labels: must be 2 to 10 texts, from worst to best, none empty"),
        ({"labels": ("a", " ")}, "labels: must be 2 to 10 texts, from worst to best, none empty"),
        ({"labels": ("a", "b", "c")}, "positive_from: must be from 2 to 3, the number of labels, not 4"),
        ({"positive_from": 1}, "positive_from: must be from 2 to 5, the number of labels, not 1"),
        ({"valid_for": timedelta(0)}, "valid_for: must be longer than zero, such as 30d"),
        ({"language": "English"}, 'language: must be a tag such as "en" or "pt-BR", not \'English\''),
        ({"words": {"sned": "x"}}, f"words.sned: is not one of the texts; they are {', '.join(WORDS)}"),
    ],
)
def test_a_wrong_setting_is_found_before_anything_starts(keys: dict[str, Any], fault: str) -> None:
    """The check names the key, what is wrong and what is possible."""
    assert list(Csat("s", SurveySettings(**keys)).check()) == [fault]


def test_every_message_has_its_title() -> None:
    """Each page that only says something has two texts."""
    titles = {key.removesuffix("_title") for key in WORDS if key.endswith("_title")}
    assert titles and titles <= set(WORDS)


@pytest.mark.parametrize(("language", "expected"), [("en", "ltr"), ("ar-EG", "rtl"), ("HE", "rtl"), ("arn", "ltr")])
def test_the_direction_follows_the_language(language: str, expected: str) -> None:
    """Only the language itself decides, not its region."""
    assert direction(language) == expected


def test_the_beginning_it_suggests_works() -> None:
    """What `carekit init` writes for it makes a desk with this survey."""
    with DeskKit(MINIMAL + Csat.starter, extra={"survey": plugin}, discover=False) as kit:
        assert kit.desk.surveys["satisfaction"].best == 5


def test_carekit_surveys_offers_both_by_name() -> None:
    """The names that `use` gives."""
    assert plugin.carekit_surveys() == {"csat": Csat, "ces": Ces}
