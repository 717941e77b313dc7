"""The report of a desk: by day, within a scope, and always that of the conversations as they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from carekit.facts import events as f
from carekit.ground.errors import NotAllowed
from carekit.rules.metrics import measure
from carekit.rules.rollups import Sums, report
from carekit.seams.hookspecs import hookimpl
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.survey import SurveyProvider
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import staff

TOML = """
[service]
name = "Test desk"
timezone = "Europe/Madrid"
secret = "a secret for tests only"

[store]
use = "memory"

[calendars.office]
timezone = "Europe/Madrid"
hours = { mon-fri = ["09:00-17:00"] }

[channels.loop]
use = "loopback"
calendar = "office"

[channels.post]
use = "loopback"
inbox = "post"

[policies.stars]
use = "survey"
survey = "stars"

[surveys.stars]
use = "stars"
"""


class Stars(SurveyProvider):
    """Five stars."""

    question = "How was it?"


def desk(toml: str = TOML) -> DeskKit:
    """A desk on core alone."""

    @hookimpl
    def carekit_surveys() -> Mapping[str, type[SurveyProvider]]:
        return {"stars": Stars}

    plugin = ModuleType("stars")
    plugin.carekit_surveys = carekit_surveys  # type: ignore[attr-defined]
    return DeskKit(toml, extra={"stars": plugin}, discover=False)


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    with desk() as kit:
        staff(kit, "lena")
        yield kit


def told(kit: DeskKit, scope: Scope = EVERYTHING, **period: Any) -> dict[str, Any]:
    return dict(kit.run(kit.desk.report(scope, **period)))


def test_the_report_follows_a_conversation(kit: DeskKit) -> None:
    """Asked again after each step, it has what happened since, and nothing that was undone."""
    kit.write("hello")
    assert (told(kit)["conversations"], told(kit)["first_response"]["calendar"]["n"]) == (1, 0)
    kit.clock.advance("10m")
    kit.reply("lena", "hi")
    assert told(kit)["first_response"]["calendar"]["median_s"] == 600
    kit.resolve("lena")
    assert (told(kit)["resolved"], told(kit)["resolution_rate"]) == (1, 1.0)
    kit.write("still there?")
    assert (told(kit)["resolved"], told(kit)["reopens"], told(kit)["conversations"]) == (0, 1, 1)


def test_the_report_is_that_of_the_whole_log(kit: DeskKit) -> None:
    """What was kept up step by step is what one gets from all events at once."""
    for sender in ("ana", "ben", "eva"):
        id = kit.write("hello", sender=sender).conversation
        kit.clock.advance("7m")
        kit.reply("lena", "hi", conversation=id)
        told(kit)
        kit.resolve("lena", id)
    kit.write("again", sender="ben")
    events = kit.service.store.feed(0, 10_000, EVERYTHING)
    days = [(m.channel, _sums(kit, m)) for m in measure(events).values()]
    assert {**told(kit), "period": None} == {**report(days), "period": None}


def _sums(kit: DeskKit, measured: Any) -> Sums:
    sums = Sums()
    sums.add(measured, kit.desk._hours.get(measured.channel))
    return sums


def test_an_answer_after_the_end_still_counts(kit: DeskKit) -> None:
    """A survey that is answered when the conversation is archived belongs to it."""
    id = kit.write("hello").conversation
    kit.reply("lena", "hi")
    kit.resolve("lena", id)
    told(kit)
    [offered] = kit.facts(f.SurveyOffered)
    kit.run(kit.desk.answer_survey(id, offered.survey, 5, scope=EVERYTHING))
    assert told(kit)["csat"]["n"] == 1


def test_a_day_is_one_of_the_desks_zone(kit: DeskKit) -> None:
    """A conversation of 23:30 UTC began on the next day in Madrid."""
    now = kit.clock.now()
    kit.clock.advance(now.replace(hour=23, minute=30) - now)
    kit.write("late")
    midnight = kit.clock.now().replace(hour=23, minute=0)  # in Madrid
    assert told(kit, since=midnight)["conversations"] == 1
    assert told(kit, until=midnight)["conversations"] == 0
    assert told(kit, since=midnight + timedelta(days=1))["conversations"] == 0


def test_the_period_says_what_it_covers(kit: DeskKit) -> None:
    """Whole days: from the first instant of the first to that after the last."""
    now = kit.clock.now()
    period = told(kit, since=now, until=now + timedelta(days=1))["period"]
    day = now.date()
    assert period["since"] == f"{day}T00:00:00+01:00"
    assert period["until"] == f"{day + timedelta(days=2)}T00:00:00+01:00"
    assert period["timezone"] == "Europe/Madrid"


def test_a_scope_counts_its_inboxes_alone(kit: DeskKit) -> None:
    """Neither figures nor names of other inboxes are in it."""
    kit.write("hello")
    kit.write("hello", channel="post")
    assert (told(kit)["conversations"], set(told(kit)["by_channel"])) == (2, {"loop", "post"})
    within = told(kit, Scope(inboxes=frozenset({"post"})))
    assert (within["conversations"], set(within["by_channel"])) == (1, {"post"})


def test_a_contact_gets_no_report(kit: DeskKit) -> None:
    """The figures are the desk's."""
    with pytest.raises(NotAllowed):
        told(kit, Scope.of_contact("p1", "loop"))


def test_other_hours_measure_anew() -> None:
    """A desk whose hours have changed reports by the new ones, also what happened before."""
    with desk() as kit:
        staff(kit, "lena")
        kit.write("hello")
        kit.clock.advance("1h")
        kit.reply("lena", "hi")
        before = kit.desk._report.name
        assert told(kit)["first_response"]["business"]["median_s"] == 3600
    with desk(TOML.replace("09:00-17:00", "09:00-09:30")) as kit:
        assert kit.desk._report.name != before
