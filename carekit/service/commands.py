"""What may be asked of the pipeline, one frozen value a wish. Many commands share one transaction."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from carekit.facts.actions import Action
from carekit.facts.events import Fact
from carekit.facts.nouns import DeliveryStatus, Inbound
from carekit.seams.bot import BotReply
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Job, JobDone


class Command:
    """Base of all commands."""


@attrs.frozen(slots=False)
class Receive(Command):
    """Keep a message from outside."""

    inbound: Inbound
    live: bool = False
    inbox: str = ""
    marks: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(slots=False)
class Act(Command):
    """Ask for an action on a conversation."""

    conversation: str
    action: Action
    actor: str
    scope: Scope = EVERYTHING
    expected_seq: int | None = None
    key: str = ""
    fingerprint: str = ""


@attrs.frozen(slots=False)
class Wake(Command):
    """Let the timers of a conversation that are due by now fire."""

    conversation: str


@attrs.frozen(slots=False)
class Offer(Command):
    """Look at a queued conversation again, because *agent* can take one more."""

    conversation: str
    agent: str


@attrs.frozen(slots=False)
class BotDone(Command):
    """A bot's turn ended: with a reply, or with the trigger of a hand-over and what went wrong."""

    job: Job
    bot: str
    message: int
    reply: BotReply | None = None
    trigger: str = ""
    error: str = ""


@attrs.frozen(slots=False)
class Sent(Command):
    """An attempt to send ended: final, or to be tried again (``done.retry_at``)."""

    job: Job
    done: JobDone
    status: DeliveryStatus | None
    external_id: str = ""
    detail: str = ""
    keys: tuple[str, ...] = ()


@attrs.frozen(slots=False)
class Delivered(Command):
    """The far side reported how far a message got."""

    conversation: str
    message: int
    status: DeliveryStatus
    external_id: str = ""
    detail: str = ""
    marks: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(slots=False)
class Staff(Command):
    """A fact about an agent; ``credential`` is a new password hash."""

    agent: str
    fact: Fact | None
    actor: str
    credential: str = ""
    sessions_ended: bool = False


@attrs.frozen(slots=False)
class SetAside(Command):
    """Note a payload that could not be read."""

    channel: str
    raw: str
    error: str
    key: str
    marks: Mapping[str, str] = attrs.field(factory=dict)
