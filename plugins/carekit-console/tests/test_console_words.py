"""The pure parts: words, promises, reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit import Conversation, DeliveryStatus, Target
from carekit_console.report import summary
from carekit_console.targets import chip
from carekit_console.words import DELIVERY, bare, initials, pieces, size

NOW = datetime(2024, 1, 8, 9, tzinfo=UTC)


@given(st.text() | st.text(alphabet="htps:/.a?&= \n<>\"'"))
def test_cutting_a_text_loses_nothing(text: str) -> None:
    """The pieces put together are the text, and every link is http or https and part of it."""
    found = pieces(text)
    assert "".join(piece.text for piece in found) == text
    assert all(piece.href in ("", piece.text) for piece in found)
    assert all(piece.href.lower().startswith(("http://", "https://")) for piece in found if piece.href)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://a.example/b.", "https://a.example/b"),
        ("(https://a.example/b)", "https://a.example/b"),
        ("<https://a.example/b?c=1&d=2>", "https://a.example/b?c=1&d=2"),
    ],
)
def test_a_link_ends_before_the_sentence_does(text: str, link: str) -> None:
    """Punctuation around an address is not part of it."""
    assert [piece.href for piece in pieces(text) if piece.href] == [link]


@pytest.mark.parametrize(
    ("name", "short"), [("Ana Petrova", "AP"), ("ana", "A"), ("", "?"), ("Ana Maria de la Cruz", "AC")]
)
def test_initials(name: str, short: str) -> None:
    """The first letters of the first and the last word."""
    assert initials(name) == short


def test_every_delivery_has_a_word() -> None:
    """However far a message got, its thread can be shown."""
    assert set(DELIVERY) == set(DeliveryStatus)


def test_marks_before_a_subject_are_dropped() -> None:
    """An answer's subject compares equal to the original's."""
    assert bare("Re: AW: Fwd[2]: Broken lamp") == bare("broken lamp")


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (14_200, "14 KB"), (3_200_000, "3.2 MB")])
def test_sizes(count: int, text: str) -> None:
    """Bytes as people say them."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("passed", "tone", "short"),
    [
        (timedelta(0), "due", "Due in 4 h"),
        (timedelta(hours=2, minutes=59), "due", "Due in 1 h 1 min"),
        (timedelta(hours=3), "risk", "At risk: 1 h"),
        (timedelta(hours=4), "risk", "At risk: 1 min"),
        (timedelta(hours=5), "overdue", "Overdue by 1 h"),
    ],
)
def test_a_promise_by_its_time(passed: timedelta, tone: str, short: str) -> None:
    """Due, at risk from the last quarter on, overdue after the due instant."""
    target = Target("first", "first_response", NOW, NOW + timedelta(hours=4), timedelta(hours=4), "")
    conversation = Conversation("c", "x", "x", "p", NOW, NOW, targets={"first": target})
    found = chip(conversation, NOW + passed)
    assert found is not None
    assert (found.tone, found.short) == (tone, short)


@pytest.mark.parametrize(
    "report", [{}, {"conversations": None, "csat": 3, "first_response": [], "by_channel": {"x": None}}]
)
def test_a_report_may_lack_anything(report: dict[str, object]) -> None:
    """What is missing or of another kind shows as not known."""
    found = summary(report, {})
    assert [figure.value for figure in found.figures] == ["–"] * 5
    assert found.charts == ()


def test_a_percentage_of_a_few_is_not_shown() -> None:
    """Under ten answers the number of answers is said instead; from ten on the interval is."""
    few = summary({"csat": {"score": 75.0, "n": 4, "low": 30.0, "high": 95.0}}, {}).figures[-1]
    enough = summary({"csat": {"score": 75.0, "n": 40, "low": 60.0, "high": 86.0}}, {}).figures[-1]
    assert (few.value, few.basis) == ("–", "not enough answers (4)")
    assert (enough.value, enough.basis) == ("75 %", "40 answers, 95 % interval 60 to 86 %")
