"""Reports of the far side, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carekit.facts.nouns import DeliveryStatus
from carekit.rules.delivery import moves

reports = st.lists(st.sampled_from(list(DeliveryStatus)), max_size=8)


@given(reports)
def test_the_order_of_reports_does_not_matter(said: list[DeliveryStatus]) -> None:
    """A message ends where its furthest report puts it, and never moves back on the way."""
    status = DeliveryStatus.QUEUED
    for report in said:
        if moves(status, report):
            assert report.rank > status.rank
            status = report
    assert status == max([DeliveryStatus.QUEUED, *said], key=lambda one: one.rank)


def test_the_truth_comes_last() -> None:
    """Delivered beats a failure that was reported before; a failure beats sent, not delivered."""
    s = DeliveryStatus
    assert moves(s.FAILED, s.DELIVERED)
    assert moves(s.SENT, s.FAILED)
    assert not moves(s.DELIVERED, s.FAILED)
    assert moves(s.UNSURE, s.SENT)
    assert not moves(s.READ, s.DELIVERED)
