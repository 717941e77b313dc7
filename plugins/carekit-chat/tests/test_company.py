"""Who is there: what an agent does, not what a rule decides."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest

from carekit import Assigned, Closed, Event, Fact, MessageSent, Reopened, Resolved, Unassigned
from carekit_chat.company import Company

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
LENA, RULE = "agent:lena", "policy:routing"
Step = tuple[str, Fact, bool]
"""Who acts, what happens, and whether somebody comes or leaves with it."""


@pytest.mark.parametrize(
    ("steps", "here"),
    [
        ([(RULE, Assigned("lena"), False)], False),
        ([("agent:max", Assigned("lena"), False)], False),
        ([(LENA, Assigned("lena"), True)], True),
        ([(RULE, Assigned("lena"), False), (LENA, MessageSent(LENA, "Hi"), True)], True),
        ([(LENA, MessageSent(LENA, "Hi"), True), (LENA, MessageSent(LENA, "So"), False)], True),
        ([(LENA, Assigned("lena"), True), (LENA, MessageSent(LENA, "Hi"), False)], True),
        ([(RULE, Assigned("lena"), False), (RULE, Unassigned("lena"), False)], False),
        ([(LENA, Assigned("lena"), True), (RULE, Unassigned("lena"), True)], False),
        ([(RULE, Assigned("lena"), False), ("bot:helper", MessageSent("bot:helper", "Hi"), False)], False),
        ([(LENA, Assigned("lena"), True), ("agent:max", Assigned("max"), True)], True),
        ([(LENA, Assigned("lena"), True), (LENA, Resolved(), False), ("contact", Reopened(), False)], False),
        ([(LENA, Assigned("lena"), True), (RULE, Closed(), False)], False),
        ([(LENA, Assigned("lena"), True), (LENA, Resolved(), False), (LENA, MessageSent(LENA, "Hi"), True)], True),
    ],
)
def test_an_agent_comes_by_acting(steps: list[Step], here: bool) -> None:
    """By taking the conversation or writing in it, once; not by being given it; until it is taken away or over."""
    company, seq = Company(), count(1)
    told = [company.changes(Event("c1", next(seq), AT, actor, fact)) for actor, fact, _ in steps]
    assert told == [moves for _, _, moves in steps]
    assert company.has("c1", "lena") is here
    assert not company.has("c2", "lena")
