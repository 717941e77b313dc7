"""The meters: what is counted, under which bounded labels. No label ever holds what a person wrote, is or is called."""

from __future__ import annotations

import re
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from carekit import FACTS, Conversation, Event, MessageSent, Sample, Status

MOST = 100
"""Different values of a label; what comes after them is counted as `OTHER`."""
OTHER = "other"

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
RESPONSES = (
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    DAY,
    3 * DAY,
)
"""Seconds to a first response: from a chat's half minute to a weekend."""
WORK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds of the service's own work: from a commit in memory to a far side that lets wait."""
ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Items that one piece of work took along; 256 commands fit into a commit."""

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


class Bounded:
    """Values of one label: the first `MOST` different ones as they are, all further ones as `OTHER`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value


class Meters:
    """Everything measured, in a registry of its own. Taken from one thread, read from others."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._channels = Bounded()
        self._operations = Bounded()
        self._events = Counter("carekit_events", "Committed events.", ("kind", "channel"), registry=registry)
        self._responses = Histogram(
            "carekit_first_response_seconds",
            "From a contact's first message to the first message of a person, in calendar time.",
            ("channel",),
            buckets=RESPONSES,
            registry=registry,
        )
        self._seconds = Histogram(
            "carekit_operation_seconds",
            "How long the service's own work took.",
            ("operation",),
            buckets=WORK,
            registry=registry,
        )
        self._items = Histogram(
            "carekit_operation_items",
            "How many items one piece of work took along.",
            ("operation",),
            buckets=ITEMS,
            registry=registry,
        )
        self._conversations = Gauge(
            "carekit_conversations", "Conversations that are not over, by status.", ("status",), registry=registry
        )
        self._slots = Gauge(
            "carekit_agent_slots", "Capacity of the agents who are available.", ("state",), registry=registry
        )
        self._up = Gauge("carekit_store_up", "Whether the store answered this time.", registry=registry)
        ProcessCollector(registry=registry)

    def event(self, event: Event, conversation: Conversation | None) -> None:
        """Count a committed *event*, and the first response if it is one."""
        channel = self._channel(event, conversation)
        self._events.labels(event.kind if event.kind in FACTS else OTHER, channel).inc()
        if conversation is not None and (seconds := first_response(event, conversation)) is not None:
            self._responses.labels(channel).observe(seconds)

    def sample(self, sample: Sample) -> None:
        """Take a measurement of the service itself."""
        name = self._operations(sample.operation) if _NAME.fullmatch(sample.operation) else OTHER
        self._seconds.labels(name).observe(sample.seconds)
        self._items.labels(name).observe(sample.count)

    def now(self, conversations: Mapping[Status, int], used: int, free: int) -> None:
        """Note how things stand: conversations by status, slots of the available agents."""
        for status, count in conversations.items():
            self._conversations.labels(status.value).set(count)
        self._slots.labels("used").set(used)
        self._slots.labels("free").set(free)
        self._up.set(1)

    def unknown(self) -> None:
        """Note that the store does not answer: no figure is better than an old one."""
        self._conversations.clear()
        self._slots.clear()
        self._up.set(0)

    def text(self) -> bytes:
        """All of it in the text format."""
        return generate_latest(self.registry)

    def _channel(self, event: Event, conversation: Conversation | None) -> str:
        """The name in the file, empty for what concerns no channel."""
        if conversation is not None:
            return self._channels(conversation.channel)
        kind, _, name = event.stream.partition(":")
        return self._channels(name) if kind == "channel" else ""


def first_response(event: Event, conversation: Conversation) -> float | None:
    """Seconds from the contact's first message to *event*, if it is the first a person answered with.

    None when an agent wrote first, as in the report.
    """
    fact, begun = event.fact, conversation.first_message_at
    if not isinstance(fact, MessageSent) or fact.automatic or conversation.replies != 1 or begun is None:
        return None
    return (event.at - begun).total_seconds() if conversation.first_reply_at == event.at else None
