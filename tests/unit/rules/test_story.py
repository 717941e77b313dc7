"""Every fact can be told in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.facts.events import FACTS, Event, Resolved
from carekit.rules.story import tell, who
from carekit.testing.strategies import facts

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_each_kind_of_fact_has_a_sentence(kind: str) -> None:
    """Whatever its fields hold, a fact is told: something happened, and somebody did it."""

    @given(fact=facts(FACTS[kind]))
    def told(fact: object) -> None:
        line = tell([Event("c", 1, AT, "service", fact)])[0]  # type: ignore[arg-type]
        assert line.what.strip()
        assert line.who == "service"

    told()


@pytest.mark.parametrize(
    ("policy", "reason", "why"),
    [("sla", "late", "policy 'sla': late"), ("sla", "", "policy 'sla'"), ("", "asked to", "asked to"), ("", "", "")],
)
def test_policy_and_reason_are_told_together(policy: str, reason: str, why: str) -> None:
    """Either may be absent."""
    event = Event("c", 1, AT, "service", Resolved(), None, policy, reason)
    assert tell([event])[0].why == why


@given(name=st.text(min_size=1, max_size=10))
def test_agents_have_their_names(name: str) -> None:
    """An agent is told by name if it is known, by id if not; others by what they are."""
    assert who("agent:ana", {"ana": name}) == name
    assert who("agent:bo", {"ana": name}) == "bo"
    assert who("bot:faq", {}) == "bot faq"
    assert who("contact", {}) == "contact"
