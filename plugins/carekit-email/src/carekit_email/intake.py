"""What becomes of one mail: a message, a failed delivery, set aside, or left alone; durable when `take` returns."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping

from carekit import (
    DeliveryChanged,
    DeliveryStatus,
    Desk,
    Ignored,
    Inbound,
    Malformed,
    NotFound,
    Refused,
    Scope,
)
from carekit_email.codec import Bounce, InboundEmail, Limits, decode
from carekit_email.mapping import Way, to_inbound
from carekit_email.threading import SentMessage, named_message, verify_message_id

log = logging.getLogger(__name__)


def read(raw: bytes, way: Way, limits: Limits) -> tuple[InboundEmail, Inbound]:
    """Give the mail and the message it is; pure.

    Raises Malformed (over a limit, or without a sender) or Ignored (our own mail, come back to us).
    """
    mail = decode(raw, limits)
    if mail.excess is not None:
        raise Malformed(f"this mail was not read: {mail.excess}; raise the limit or drop it")
    if not mail.from_address:
        raise Malformed("this mail names no sender: nobody could be answered")
    if mail.from_address.lower() == way.address.lower():
        raise Ignored("this mail is our own: it was sent from the channel's address")
    return mail, to_inbound(mail, raw, way)


class Intake:
    """Takes raw mail for one channel."""

    def __init__(self, desk: Desk, way: Way, limits: Limits) -> None:
        self._desk = desk
        self._way = way
        self._limits = limits

    async def take(self, raw: bytes, marks: Mapping[str, str] | None = None) -> None:
        """Keep the mail and the *marks* in one transaction. Raises StoreError when it was not kept: it must come again.

        A mail that cannot be read, for whatever reason, is set aside with its bytes: it never holds up the next one.
        """
        try:
            mail, inbound = await asyncio.to_thread(read, raw, self._way, self._limits)
        except Ignored as error:
            log.info("channel %s: %s", self._way.channel, error)
            return
        except Malformed as error:
            await self.set_aside(raw, str(error), marks)
            return
        except Exception as error:
            log.warning("channel %s: a mail could not be read", self._way.channel, exc_info=True)
            await self.set_aside(raw, f"this mail could not be read: {type(error).__name__}: {error}", marks)
            return
        try:
            if mail.bounce is not None:
                await self._bounced(mail, mail.bounce, raw, marks)
            else:
                await self._keep(mail, inbound, raw, marks)
        except Refused as error:
            await self.set_aside(raw, str(error), marks)

    async def set_aside(self, raw: bytes, error: str, marks: Mapping[str, str] | None = None) -> None:
        """Keep a mail where people find it, with the reason."""
        key = hashlib.sha256(raw).hexdigest()
        await self._desk.quarantine(self._way.channel, raw, error, key=key, marks=marks)

    async def _keep(self, mail: InboundEmail, inbound: Inbound, raw: bytes, marks: Mapping[str, str] | None) -> None:
        await self._desk.keep(raw)
        for attachment in mail.attachments:
            await self._desk.keep(attachment.content)
        await self._desk.receive(inbound, marks=marks)

    async def _bounced(self, mail: InboundEmail, bounce: Bounce, raw: bytes, marks: Mapping[str, str] | None) -> None:
        """Tell the message that failed. A report that belongs to none is set aside; it never becomes a contact."""
        sent = await self._failed_message(mail, bounce)
        if sent is None:
            await self.set_aside(raw, "this report of a failed delivery names no message of ours", marks)
            return
        if bounce.failed and not await self._known_as_failed(sent):
            who = ", ".join(bounce.addresses)
            detail = f"{who}: {mail.subject}" if who else mail.subject
            await self._desk.report_delivery(
                sent.conversation, sent.seq, DeliveryStatus.FAILED, detail=detail, marks=marks
            )

    async def _failed_message(self, mail: InboundEmail, bounce: Bounce) -> SentMessage | None:
        """Give the message a report is about: named by a verified token, or by an id that was stored for it."""
        for one in (bounce.message_id, mail.in_reply_to, *mail.references):
            sent = verify_message_id(one, bounce.addresses, self._way.secret)
            if sent is not None:
                return sent
            named = named_message(one)
            found = await self._desk.find(self._way.channel, one) if named else None
            if named and found and found.id == named.conversation:
                return named
        return None

    async def _known_as_failed(self, sent: SentMessage) -> bool:
        try:
            events = await self._desk.events(sent.conversation, Scope.everything(), after=sent.seq)
        except NotFound:
            return True  # the conversation was erased: there is nothing to tell
        return any(
            isinstance(event.fact, DeliveryChanged)
            and event.fact.message == sent.seq
            and event.fact.status is DeliveryStatus.FAILED
            for event in events
        )
