"""``carekit report`` and ``carekit explain`` over a log whose figures are known."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from carekit.builtin.loopback import Loopback
from carekit.facts.actions import AnswerSurvey
from carekit.seams.survey import SurveyProvider
from carekit.testing.clock import FrozenClock
from carekit.testing.desk import DeskKit
from tests.unit.cli.conftest import Run, Shared, install, module

FILE = """
[service]
name = "Known desk"
timezone = "Europe/Madrid"
secret = "a secret for tests only"

[store]
use = "shared"

[channels.mail]
use = "post"
calendar = "office"

[channels.other]
use = "post"

[surveys.stars]
use = "stars"

[calendars.office]
hours = { mon-fri = ["09:00-17:00"] }

[policies.routing]
use = "route"

[policies.first-reply]
use = "sla"
first_response = "1h"

[policies.how-was-it]
use = "survey"
survey = "stars"
"""


class Stars(SurveyProvider):
    """Five stars."""

    question = "How was it?"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On mail two conversations, answered after 10 minutes and 2 hours, one rated; on other one without answer."""
    Shared.state.clear()
    plugin = module(
        carekit_stores=lambda: {"shared": Shared},
        carekit_channels=lambda: {"post": Loopback},
        carekit_surveys=lambda: {"stars": Stars},
    )
    install(monkeypatch, {"known": plugin})
    with DeskKit(FILE, clock=FrozenClock(), folder=tmp_path) as kit:
        kit.add_agent("bo", name="Bo Lund")
        first = kit.write("My parcel?", sender="ana", channel="mail", name="Ana").conversation
        second = kit.write("My bill?", sender="eva", channel="mail").conversation
        kit.advance("10m")
        kit.reply("bo", "It comes tomorrow.", first)
        kit.note("bo", "spoke to the depot", first)
        kit.advance("20m")
        kit.resolve("bo", first)
        kit.act(AnswerSurvey("stars", "csat", 5, 5, True, "quick"), "contact", first)
        kit.advance("90m")
        kit.reply("bo", "Here it is.", second)
        kit.write("hello?", sender="max", channel="other")
    return tmp_path / "carekit.toml"


def test_the_text_shows_the_known_figures(cli: Run, log: Path) -> None:
    """Counts, times with their number, satisfaction with its interval and a warning that it is from few."""
    said = cli("report", log)
    assert said.exit_code == 0, said.output
    lines = [" ".join(line.split()) for line in said.stdout.splitlines()]
    assert lines[0].startswith("the beginning to ") and "(Europe/Madrid; " in lines[0]
    assert lines[1] == "Conversations 3 (3 messages in, 2 replies)"
    assert lines[2].startswith("First response calendar median ") and lines[2].endswith("; n 2")
    assert "Resolution rate 33% (1 of 3; 0 reopened)" in lines
    csat = next(line for line in lines if line.startswith("CSAT 100 %"))
    assert "n 1, 100 % of 1 answered; fewer than 20 answers" in csat.replace("100%", "100 %")
    assert "Targets 1 met, 1 breached" in " ".join(lines)
    assert "mail" in lines and "other" in lines


def test_json_holds_seconds(cli: Run, log: Path) -> None:
    """First responses of 600 and 7,200 seconds."""
    report = json.loads(cli("report", log, "--json").stdout)
    assert report["conversations"] == 3
    first = report["by_channel"]["mail"]["first_response"]["calendar"]
    assert first["n"] == 2
    assert 600 <= first["median_s"] <= 7200 and first["p90_s"] <= 7200
    assert report["by_channel"]["other"]["first_response"]["calendar"]["n"] == 0
    assert (report["csat"]["n"], report["csat"]["score"]) == (1, 100)


def test_csv_is_rows_of_five(cli: Run, log: Path) -> None:
    """A spreadsheet reads channel, metric, clock, statistic and value."""
    rows = list(csv.reader(io.StringIO(cli("report", log, "--csv").stdout)))
    assert rows[0] == ["channel", "metric", "clock", "statistic", "value"]
    assert {len(row) for row in rows} == {5}
    assert ["", "conversations", "", "", "3"] in rows
    assert ["mail", "conversations", "", "", "2"] in rows
    assert ["mail", "first_response", "calendar", "n", "2"] in rows


def test_a_period_leaves_out_what_began_before(cli: Run, log: Path) -> None:
    """--since and --until are days in the zone of the desk."""
    assert json.loads(cli("report", log, "--json", "--since", "2100-01-01").stdout)["conversations"] == 0
    assert json.loads(cli("report", log, "--json", "--until", "2001-01-01").stdout)["conversations"] == 0


def test_what_is_no_date_is_refused(cli: Run, log: Path) -> None:
    """The message shows how a date looks."""
    said = cli("report", log, "--since", "yesterday")
    assert said.exit_code == 2
    assert "'yesterday' is not a date such as 2026-11-22 or 2026-11-22T09:00" in said.stderr


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", "0001-01-01"), ("America/New_York", "9999-12-31")])
def test_a_day_outside_of_time_is_refused(cli: Run, lasting: Path, zone: str, day: str) -> None:
    """In some zones the first and the last day begin before or end after all time."""
    lasting.write_text(lasting.read_text("utf-8").replace("[service]", f'[service]\ntimezone = "{zone}"'), "utf-8")
    said = cli("report", lasting, "--until", f"{day}T23:00" if day > "2" else day)
    assert (said.exit_code, "is not a date such as" in said.stderr) == (2, True)


def test_a_year_has_four_digits(cli: Run, lasting: Path) -> None:
    """Also the first one."""
    assert cli("report", lasting, "--since", "0001-01-01").stdout.startswith("0001-01-01 00:00 to 20")


def test_an_empty_desk_has_a_report(cli: Run, lasting: Path) -> None:
    """Nothing divides by zero."""
    said = cli("report", lasting)
    assert said.exit_code == 0, said.output
    assert "Resolution rate   –" in said.stdout and "no answers yet" in said.stdout


def test_the_story_names_who_policy_and_reason(cli: Run, log: Path) -> None:
    """Each event with its actor in words, the policy that caused it, why, and what was said."""
    id = next(iter(Shared.state["_conversations"]))
    said = cli("explain", log, id)
    assert said.exit_code == 0, said.output
    text = " ".join(said.stdout.split())
    assert said.stdout.startswith(f"{id}  (") and "times in Europe/Madrid" in text
    assert "│ My parcel?" in text and "Bo Lund" in text
    assert "because policy 'routing': least loaded of 1 available: 100% free" in text
    assert "because policy 'first-reply': first response within 1 h" in text
    assert "because policy 'how-was-it': resolved by a person" in text
    assert "(after " in text


def test_the_story_as_json_is_the_events(cli: Run, log: Path) -> None:
    """Programs read the log itself."""
    id = next(iter(Shared.state["_conversations"]))
    events = json.loads(cli("explain", log, id, "--json").stdout)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_a_conversation_that_does_not_exist_is_said_so(cli: Run, log: Path) -> None:
    """One sentence, exit code 1."""
    said = cli("explain", log, "nothing")
    assert said.exit_code == 1
    assert said.stderr == "carekit: there is no conversation 'nothing'\n"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            ("--since", "2026-12-01", "--until", "2026-01-01"),
            "the period ends (2026-01-01) before it begins (2026-12-01)",
        ),
        (("--json", "--csv"), "choose one"),
    ],
)
def test_a_question_without_an_answer_is_refused(cli: Run, log: Path, options: tuple[str, ...], error: str) -> None:
    """An empty report would look like a quiet month."""
    said = cli("report", log, *options)
    assert (said.exit_code, error in said.stderr) == (2, True)
