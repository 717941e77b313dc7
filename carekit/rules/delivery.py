"""How a message's delivery moves: forward only, whatever order the far side's reports come in."""

from __future__ import annotations

from carekit.facts.nouns import DeliveryStatus

AGAIN = frozenset({DeliveryStatus.FAILED, DeliveryStatus.UNSURE})
"""From here a person may have a message sent again."""


def moves(before: DeliveryStatus, after: DeliveryStatus) -> bool:
    """Whether a report of *after* says something new of a message that has got to *before*."""
    return after.rank > before.rank
