"""Every policy that core offers keeps the contract of all policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import ModuleType

import pytest

from carekit.builtin.plugin import carekit_policies
from carekit.builtin.policies.acknowledge import Acknowledge, AcknowledgeSettings
from carekit.builtin.policies.after import (
    Archive,
    ArchiveSettings,
    AskSurvey,
    AskSurveySettings,
    FollowUp,
    FollowUpSettings,
)
from carekit.builtin.policies.ask_bot import AskBotFirst, AskBotSettings
from carekit.builtin.policies.hours import Hours, HoursSettings
from carekit.builtin.policies.route import Route
from carekit.builtin.policies.sla import Sla, SlaSettings
from carekit.seams.hookspecs import hookimpl
from carekit.seams.policy import Policy
from carekit.seams.survey import SurveyProvider
from carekit.testing import PolicyContract

OFFICE = """
[calendars.office]
hours = { mon-fri = ["09:00-13:00", "14:00-18:00"] }
timezone = "Europe/Madrid"
holidays = [2024-01-10]
"""

SURVEY = """
[surveys.stars]
use = "stars"
"""


class Stars(SurveyProvider):
    @property
    def question(self) -> str:
        return "How many stars?"


def carekit_surveys() -> Mapping[str, type[SurveyProvider]]:
    return {"stars": Stars}


def _stars() -> Mapping[str, ModuleType]:
    module = ModuleType("stars")
    module.carekit_surveys = hookimpl(carekit_surveys)  # type: ignore[attr-defined]
    return {"stars": module}


class TestAcknowledge(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        text = 'Hello {{ contact.first_name | default:"there" }}, {{ service.name }} is back on {{ hours.opens }}.'
        return Acknowledge("ack", AcknowledgeSettings(text="We have it.", closed_text=text, calendar="office"))

    @pytest.fixture
    def file(self) -> str:
        return OFFICE


class TestHours(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return Hours("hours", HoursSettings(calendar="office"))

    @pytest.fixture
    def file(self) -> str:
        return OFFICE


class TestAskBotFirst(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return AskBotFirst("bot", AskBotSettings(bot="faq"))


class TestRoute(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return Route("route", None)


class TestSla(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return Sla("sla", SlaSettings(first_response=timedelta(hours=4), calendar="office"))

    @pytest.fixture
    def file(self) -> str:
        return OFFICE


class TestSlaFromHandOff(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return Sla("sla", SlaSettings(first_response=timedelta(minutes=5), starts="handoff"))


class TestFollowUp(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return FollowUp("follow-up", FollowUpSettings())


class TestAskSurvey(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return AskSurvey("ask", AskSurveySettings(survey="stars"))

    @pytest.fixture
    def file(self) -> str:
        return SURVEY

    @pytest.fixture
    def extra(self) -> Mapping[str, ModuleType]:
        return _stars()


class TestAskSurveyLater(TestAskSurvey):
    @pytest.fixture
    def policy(self) -> Policy:
        return AskSurvey("ask", AskSurveySettings(survey="stars", after=timedelta(hours=2)))


class TestArchive(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return Archive("archive", ArchiveSettings())


def test_no_policy_is_left_out() -> None:
    """Each class that core registers has its suite above."""
    tested = {Acknowledge, Hours, AskBotFirst, Route, Sla, FollowUp, AskSurvey, Archive}
    assert set(carekit_policies().values()) == tested
