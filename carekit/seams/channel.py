"""The contract of a channel: bytes from outside to `Inbound` messages, and `Outbound` messages to the far side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from carekit.facts.events import Earlier, Event, MessageSent, messages_before, nothing_earlier
from carekit.facts.nouns import Address, Contact, Conversation, DeliveryStatus, Inbound
from carekit.ground.errors import NotOurs
from carekit.ground.values import Value
from carekit.seams.capabilities import Capabilities
from carekit.seams.component import Component
from carekit.seams.desk import Desk, Glimpse


@attrs.frozen
class Payload:
    """What came in over the wire: the raw body, the headers (lower case), the query, the sender's address."""

    body: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, str] = attrs.field(factory=dict)
    remote: str = ""


class Outbound(Value, frozen=True):
    """One message to hand to the far side; ``to`` is the address the contact last wrote from."""

    conversation: Conversation
    contact: Contact
    seq: int
    message: MessageSent
    to: str
    at: datetime
    """When it was written."""
    earlier: Earlier = nothing_earlier
    """Reads events of the conversation before a step: use `history`."""

    async def history(self, last: int = 80) -> tuple[Event, ...]:
        """The messages before this one (`MessageReceived` and `MessageSent` events), oldest first, as far as they are
        among the *last* events."""
        return messages_before(await self.earlier(self.seq, last), self.seq)

    @property
    def id(self) -> str:
        """The same for every attempt at this message: the far side's key against doubles, where it takes one."""
        return f"{self.conversation.id}.{self.seq}"


class Delivery(Value, frozen=True):
    """How far `Channel.send` got. ``keys`` are stored so that an answer to this message finds the conversation."""

    status: DeliveryStatus = DeliveryStatus.SENT
    external_id: str = ""
    keys: tuple[str, ...] = ()
    detail: str = ""


@attrs.frozen
class Answer:
    """What the far side is answered when what it posted is kept. Without a ``body``, JSON of what became of it."""

    status: int = 202
    content_type: str = "application/json"
    body: bytes | None = None


class Channel(Component):
    """Base of all channels.

    A minimal channel overrides `decode` (with ``capabilities.webhook``) and `send`. One that fetches or listens
    overrides `run`, and hands what it gets to ``desk.receive``, which returns only after a durable commit.
    """

    capabilities: Capabilities = Capabilities()
    inbox: str = ""
    """Where its conversations land, if not in one of its own name; set from the reserved key ``inbox``."""
    at_once: int = 32
    """How many messages it can hand over at once: the others wait, and count as not begun if the process dies."""
    accepted: Answer = Answer()
    """For far sides that want to hear something else than JSON."""

    def decode(self, payload: Payload) -> Sequence[Inbound]:
        """The messages in *payload*: pure, no network.

        Raises `NotOurs` (wrong signature or origin), `Ignored` (nothing to keep) or `Malformed` (set aside raw).
        """
        raise NotOurs(f"channel {self.name!r} takes no posted messages")

    async def complete(self, message: Inbound, desk: Desk) -> Inbound:
        """*message* with what its payload only refers to, such as files behind a link, fetched and kept.

        Comes after `decode` and before the far side is answered; by default there is nothing to add. Raises
        `Unavailable` if it should be posted again later.
        """
        return message

    def keys_for(self, to: Address) -> tuple[str, ...]:
        """The thread keys under which an answer from *to* will come: for channels that may write first.

        Raises `Refused` for an address of another kind, or in another form than the one that answers come from.
        """
        return ()

    def hold(self, outbound: Outbound, now: datetime) -> datetime | None:
        """Until when *outbound* must wait (quiet hours, a rate limit), None to send it now; pure, without network.

        Waiting is no attempt. The messages behind it in its conversation wait, too.
        """
        return None

    async def reread(self, raw: bytes, desk: Desk) -> Sequence[Inbound]:
        """The messages in *raw*, a payload that was set aside, when somebody has it tried again.

        By default what `decode` and `complete` make of it; a channel that does not take posted messages overrides this.
        """
        return [await self.complete(message, desk) for message in self.decode(Payload(raw))]

    def glimpse(self, raw: bytes) -> Glimpse:
        """What can be told to people of *raw*, the first 64 KiB of a payload that was set aside; without network.

        By default its own bytes, as far as they are text. Where this raises, they are told as well.
        """
        return Glimpse(text=legible(raw))

    async def send(self, outbound: Outbound) -> Delivery:
        """Hand *outbound* over; raises `Temporary`, `Permanent` or `Unsure`. Called again only after `Temporary`."""
        raise NotImplementedError


def legible(raw: bytes, most: int = 500) -> str:
    """The beginning of *raw* as text, at most *most* characters; empty if it is none."""
    text = raw[: 4 * most].decode("utf-8", "replace")[:most]
    shown = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text.replace("\r\n", "\n"))
    return shown if shown.count("\ufffd") * 10 <= len(shown) else ""
