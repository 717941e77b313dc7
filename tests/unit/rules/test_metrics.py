"""What each number means: the shared timelines and hand-worked conversations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carekit.facts import events as f
from carekit.rules.metrics import Measured, measure

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
CASES = Path(__file__).resolve().parents[4] / "shared" / "data" / "metrics.json"

IN = f.MessageReceived("hello", "x")
OUT = f.MessageSent("agent:ana", "hi")
BOT = f.MessageSent("bot:faq", "hi", "answer")


def _log(*steps: tuple[float, f.Fact], id: str = "c1", channel: str = "loop") -> list[f.Event]:
    facts = [(0.0, f.ConversationStarted(channel, "main", "p1")), *steps]
    return [
        f.Event(id, seq, START + timedelta(minutes=at), "service", fact, position=seq)
        for seq, (at, fact) in enumerate(facts, 1)
    ]


def _measured(*steps: tuple[float, f.Fact]) -> Measured:
    return measure(_log(*steps))["c1"]


def _minutes(spans: Iterable[Any]) -> list[float]:
    return [span.seconds() / 60 for span in spans]


# --- the shared timelines


def _shared_cases() -> list[Any]:
    if not CASES.is_file():
        reason = "the shared timelines are not there; put metrics.json into ../shared/data beside the repository"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case["name"]) for case in json.loads(CASES.read_text("utf-8"))["cases"]]


def _fact(step: dict[str, Any]) -> list[f.Fact]:
    if step["kind"] == "in":
        return [IN]
    if step["kind"] == "out":
        return [f.MessageSent(f"agent:{step['by']}", "hi")]
    if step["kind"] == "bot":
        return [f.BotAnswered("faq", 2), BOT]
    return [f.Resolved()] if step.get("to") == "resolved" else []


@pytest.mark.parametrize("case", _shared_cases())
def test_shared_timelines_give_the_expected_figures(case: dict[str, Any]) -> None:
    """Each shared timeline gives the figures that its definitions demand; undefined ones are none, never 0."""
    origin = datetime.fromisoformat(case["events"][0]["at"])
    steps = [
        ((datetime.fromisoformat(step["at"]) - origin).total_seconds() / 60, fact)
        for step in case["events"]
        for fact in _fact(step)
    ]
    found, expect = _measured(*steps), case["expect"]
    first = found.first_response
    assert (None if first is None else first.seconds() / 60) == expect["frt_carekit_min"]
    assert _minutes(found.next_responses) == expect["next_reply_min"]
    assert found.first_resolution is not None
    assert found.resolution is not None
    assert _minutes([found.first_resolution, found.resolution]) == [
        expect["first_resolution_min"],
        expect["full_resolution_min"],
    ]
    assert (found.reopens, found.replies) == (expect["reopens"], expect["public_human_replies"])
    assert found.contained == expect["bot_contained"]


# --- hand-worked


def test_first_response_is_from_the_first_message_to_the_first_person() -> None:
    """A second message does not move the start, and neither bot, acknowledgement nor note is the end."""
    acknowledged = f.MessageSent("service", "we have it", "acknowledgement")
    note = f.NoteAdded("agent:ana", "look")
    found = _measured((0, IN), (1, acknowledged), (2, BOT), (5, IN), (6, note), (9, OUT), (11, OUT))
    assert found.first_response is not None
    assert _minutes([found.first_response]) == [9]
    assert (found.first_response.start_seq, found.first_response.end_seq) == (2, 7)
    assert found.next_responses == []


def test_first_response_is_undefined_when_an_agent_began() -> None:
    """Where an agent wrote first there is no first response, and the clock of the resolution starts at the creation."""
    found = _measured((0, OUT), (30, IN), (50, OUT), (55, IN), (65, OUT), (70, f.Resolved()))
    assert found.first_response is None
    assert _minutes(found.next_responses) == [10]
    assert found.resolution is not None
    assert _minutes([found.resolution]) == [70]


def test_first_response_outlives_a_resolution_without_an_answer() -> None:
    """Resolved in silence and asked again: the first response still counts from the very first message."""
    found = _measured((0, IN), (10, f.Resolved()), (60, f.Reopened()), (60, IN), (75, OUT))
    assert found.first_response is not None
    assert _minutes([found.first_response]) == [75]
    assert (found.next_responses, found.reopens) == ([], 1)


def test_next_responses_count_from_the_oldest_of_a_row() -> None:
    """Several messages in a row are one wait, from the first of them; a second reply answers nothing."""
    found = _measured((0, IN), (5, OUT), (20, IN), (22, IN), (30, OUT), (31, OUT), (40, IN), (41, OUT))
    assert _minutes(found.next_responses) == [10, 1]


def test_automatic_mail_starts_no_clock() -> None:
    """An out-of-office answer neither starts the conversation's clock nor waits for a reply."""
    automatic = f.MessageReceived("away", "x", automatic=True)
    found = _measured((0, automatic), (5, IN), (8, OUT), (9, automatic), (20, OUT))
    assert found.first_response is not None
    assert (_minutes([found.first_response]), found.next_responses, found.inbound) == ([3], [], 3)


def test_resolution_is_the_last_one_and_reopening_undoes_it() -> None:
    """Resolved twice: the first and the last are told apart; reopened at the end it is not resolved."""
    found = _measured((0, IN), (10, f.Resolved()), (30, f.Reopened()), (45, f.Resolved()))
    assert found.first_resolution is not None
    assert found.resolution is not None
    assert (_minutes([found.first_resolution, found.resolution]), found.reopens, found.resolved) == ([10, 45], 1, True)
    again = _measured((0, IN), (10, f.Resolved()), (30, f.Reopened()))
    assert (again.resolved, again.reopens) == (False, 1)


def test_reopening_what_was_not_resolved_is_no_reopening() -> None:
    """A snooze or a wait that an agent ends is no reopen."""
    assert _measured((0, IN), (1, OUT), (2, f.Reopened())).reopens == 0


def test_targets_fulfilled_late_are_breached() -> None:
    """A target met after its breach counts as breached; one met in time as met; one cancelled as neither."""
    found = _measured(
        (0, f.TargetMet("in time")),
        (1, f.TargetBreached("late", "first_response")),
        (2, f.TargetMet("late")),
        (3, f.TargetCancelled("gone")),
    )
    assert (found.targets_met, found.targets_breached) == (1, 1)


@pytest.mark.parametrize(
    ("steps", "contained"),
    [
        ([(0, IN), (1, f.BotAnswered("faq", 2)), (2, f.Resolved())], True),
        ([(0, IN), (1, f.BotAnswered("faq", 2))], False),
        ([(0, IN), (1, f.BotAnswered("faq", 2, missed=True)), (2, f.Resolved())], False),
        ([(0, IN), (1, f.BotAnswered("faq", 2)), (2, f.HandedOff("faq", "requested")), (3, f.Resolved())], False),
        ([(0, IN), (1, f.BotAnswered("faq", 2)), (2, OUT), (3, f.Resolved())], False),
    ],
)
def test_contained_means_the_bot_alone(steps: list[tuple[float, f.Fact]], contained: bool) -> None:
    """Contained is what a bot answered and nobody else, and what ended resolved."""
    assert _measured(*steps).contained is contained


def test_only_the_last_answer_of_a_survey_counts() -> None:
    """A contact who changes an answer has answered once."""
    bad, good = (f.SurveyAnswered("stars", "csat", score, 5, score > 3) for score in (1, 5))
    assert [answer.score for answer in _measured((0, bad), (1, good)).answers] == [5]


@pytest.mark.parametrize("cut", range(1, 8))
def test_measuring_can_go_on_where_it_was(cut: int) -> None:
    """In two parts the figures are those of the whole."""
    log = _log((0, IN), (1, BOT), (5, OUT), (9, f.Resolved()), (20, f.Reopened()), (20, IN), (30, OUT))
    assert measure(log[cut:], measure(log[:cut])) == measure(log)
