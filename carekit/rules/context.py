"""What a policy may look at besides the event and the conversation: read-only and complete, so it needs no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from carekit.facts.nouns import Agent, Contact
from carekit.ground.calendars import Calendar
from carekit.ground.values import Value


class SurveyOffer(Value, frozen=True):
    """What a policy needs to put a survey: ``link`` gives the signed address for a conversation's id."""

    name: str
    kind: str
    question: str
    best: int
    link: Callable[[str], str]


class Context(Value, frozen=True):
    """The world at one instant.

    ``now`` is the instant of the event (for a timer: when it was due, however late it was noticed). ``agents`` holds
    everyone, active or not, with their load as it stands after everything decided so far.
    """

    now: datetime
    service: str
    """Name of the service, for texts."""
    contact: Contact
    agents: Mapping[str, Agent]
    calendars: Mapping[str, Calendar]
    queued: Mapping[str, int] = msgspec.field(default_factory=dict)
    """How many conversations wait in the queue of each inbox that has any."""
    surveys: Mapping[str, SurveyOffer] = msgspec.field(default_factory=dict)
    """The surveys of the file by name."""
