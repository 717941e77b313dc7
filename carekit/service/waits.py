"""How long contacts wait, learnt from the conversations that were resolved lately."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

from carekit.facts.nouns import Conversation

REMEMBERED = 100
"""Resolved conversations that count."""


class HandleTimes:
    """How long agents lately had a conversation, from the contact's first message to its resolution.

    The exponentially weighted mean follows the day: each newer conversation weighs a tenth.
    """

    def __init__(self) -> None:
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._mean: dict[str, float] = {}
        self._count: dict[str, int] = {}

    def note(self, conversation: Conversation) -> None:
        """Learn from a *conversation* that was just resolved; only those that a person answered count."""
        begun = conversation.first_reply_at
        if (
            not conversation.replies
            or begun is None
            or conversation.resolved_at is None
            or conversation.id in self._seen
        ):
            return
        self._seen.append(conversation.id)
        seconds = max(1.0, (conversation.resolved_at - begun).total_seconds())
        channel = conversation.channel
        mean = self._mean.get(channel)
        self._mean[channel] = seconds if mean is None else 0.9 * mean + 0.1 * seconds
        self._count[channel] = self._count.get(channel, 0) + 1

    def mean(self, channel: str) -> timedelta:
        """The mean on *channel*, zero if nothing is known."""
        return timedelta(seconds=self._mean.get(channel, 0.0))

    def count(self, channel: str) -> int:
        """How many conversations of *channel* were learnt from."""
        return self._count.get(channel, 0)
