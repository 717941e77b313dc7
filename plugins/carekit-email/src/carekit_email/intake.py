"""What becomes of one mail: a message, a failed delivery, set aside, or left alone; durable when `take` returns."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence

from attrs import frozen

from carekit import (
    CarekitError,
    DeliveryChanged,
    DeliveryStatus,
    Desk,
    Glimpse,
    Ignored,
    Inbound,
    Malformed,
    NotFound,
    Refused,
    Scope,
    replace,
)
from carekit_email.codec import Bounce, InboundEmail, Limits, decode
from carekit_email.loops import Rates, is_for_an_account
from carekit_email.mapping import Way, files_of, to_inbound
from carekit_email.threading import SentMessage, named_message, reported_ids, reported_message

log = logging.getLogger(__name__)

Marks = Mapping[str, str]
PARTIAL = b"X-Carekit-Partial: yes\r\n"
"""Stands before what is kept of a mail that could not be had whole."""
_SMALL = 32_768  # octets that are decoded sooner than a thread could be asked to
_TOGETHER = 32  # files of one mail that are kept at once

ACCOUNT = (
    "this looks like another service's sign-up, verification or password mail; whoever reads it could take over an "
    "account, so it is kept from the inbox: name an inbox that few may see in `restricted` to get such mail there"
)


@frozen
class Rules:
    """What is done with mail that is readable but not for everybody: see `EmailSettings`."""

    restricted: str = ""
    per_sender: int = 200


def read(raw: bytes, way: Way, limits: Limits) -> tuple[InboundEmail, Inbound]:
    """Give the mail and the message it is; pure.

    Raises Malformed (over a limit, or without a sender) or Ignored (our own mail, come back to us).
    """
    mail = decode(raw, limits, authserv_id=way.authserv_id)
    if mail.excess is not None:
        raise Malformed(f"this mail was not read, because it is over a limit ({mail.excess}); its bytes are kept")
    if not mail.from_address and mail.bounce is None:
        raise Malformed("this mail names no sender: nobody could be answered")
    if mail.from_address and way.ours(mail.from_address) and not mail.authentication.failed:
        raise Ignored("this mail is our own: it was sent from an address of the channel")
    return mail, to_inbound(mail, raw, way)


def glimpse(raw: bytes, limits: Limits) -> Glimpse:
    """Tell what is in a mail that was set aside; of one about an account only whose it is: its words open it."""
    mail = decode(raw.removeprefix(PARTIAL), limits)
    sender = f"{mail.from_name} <{mail.from_address}>" if mail.from_name and mail.from_address else mail.from_address
    to = ", ".join(mail.to[:3])
    if is_for_an_account(mail):
        return Glimpse(sender or mail.from_name, to)
    return Glimpse(sender or mail.from_name, to, mail.subject, mail.reply_text or mail.text)


class Intake:
    """Takes raw mail for one channel.

    Mails per sender are counted in memory, or in the mark *shared* where every mail has a process of its own.
    """

    def __init__(self, desk: Desk, way: Way, limits: Limits, rules: Rules | None = None, shared: str = "") -> None:
        self._desk = desk
        self._way = way
        self._limits = limits
        self._rules = rules or Rules()
        self._shared = shared
        self._rates: Rates | None = None

    async def take(self, raw: bytes, marks: Marks | None = None) -> str:
        """Keep the mail and the *marks* in one transaction; give the conversation, "" when it is in none.

        The bytes are kept before anything looks at them. A mail that cannot be read, for whatever reason, is set aside
        with them: it never holds up the next one. Raises StoreError when it was not kept: it must come again.
        """
        await self._desk.keep(raw)
        try:
            mail, inbound = await self._read(raw)
            if mail.bounce is not None:
                return await self._bounced(mail, mail.bounce, marks)
            marks = await self._counted(inbound.sender.value, marks)
            inbound = await self._complete(mail, inbound)
            return (await self._desk.receive(inbound, marks=marks)).conversation
        except Ignored as error:
            log.info("channel %s: %s", self._way.channel, error)
            await self._pass_by(marks)
        except (Malformed, Refused) as error:
            await self.set_aside(raw, str(error), marks)
        except CarekitError:
            raise
        except Exception as error:
            log.warning("channel %s: a mail could not be read", self._way.channel, exc_info=True)
            await self.set_aside(raw, f"this mail could not be read: {type(error).__name__}: {error}", marks)
        return ""

    async def reread(self, raw: bytes) -> Sequence[Inbound]:
        """Give the message in what was set aside, its files kept; () for a report, which its message is told of.

        Who has it tried again knows who wrote it: mails per sender are not counted. Raises InboundError or StoreError.
        """
        if raw.startswith(PARTIAL):
            raise Malformed("only a part of this mail is kept here; the whole one is where it came from, if anywhere")
        mail, inbound = await self._read(raw)
        if mail.bounce is None:
            return (await self._complete(mail, inbound),)
        await self._bounced(mail, mail.bounce, None)
        return ()

    async def set_aside(self, raw: bytes, error: str, marks: Marks | None = None, *, partial: bool = False) -> None:
        """Keep a mail, or the *partial* mail that could be had, where people find it, with the reason."""
        raw = PARTIAL + raw if partial else raw
        key = hashlib.sha256(raw).hexdigest()
        await self._desk.quarantine(self._way.channel, raw, error, key=key, marks=marks)

    async def _read(self, raw: bytes) -> tuple[InboundEmail, Inbound]:
        if len(raw) <= _SMALL:
            return read(raw, self._way, self._limits)
        return await asyncio.to_thread(read, raw, self._way, self._limits)

    async def _counted(self, sender: str, marks: Marks | None) -> Marks | None:
        """Count a mail and give the marks to write with it; raises Malformed when it is one too many."""
        now, most = self._desk.now(), self._rules.per_sender
        if self._rates is None:
            stored = await self._desk.marks([self._shared]) if self._shared else {}
            self._rates = Rates.load(most, stored.get(self._shared, ""), now)
        if not self._rates.allow(sender, now):
            raise Malformed(f"more than {most} mails of this sender within an hour")
        return {**(marks or {}), self._shared: str(self._rates)} if self._shared else marks

    async def _complete(self, mail: InboundEmail, inbound: Inbound) -> Inbound:
        """Give the message as it is to be received, when its files are kept; raises Malformed if it is not for us."""
        if is_for_an_account(mail):
            if not self._rules.restricted:
                raise Malformed(ACCOUNT)
            inbound = replace(inbound, inbox=self._rules.restricted, automatic=True, conversation="", thread=())
        files = [attachment.content for attachment in files_of(mail)]
        for begin in range(0, len(files), _TOGETHER):  # what is kept at once is written at once
            await asyncio.gather(*(self._desk.keep(content) for content in files[begin : begin + _TOGETHER]))
        return inbound

    async def _pass_by(self, marks: Marks | None) -> None:
        """Note that a mail was dealt with of which nothing is to be kept."""
        if marks:
            await self._desk.mark(dict(marks))

    # --- reports about what we sent

    async def _bounced(self, mail: InboundEmail, bounce: Bounce, marks: Marks | None) -> str:
        """Tell the message that failed; raises Malformed for a report that belongs to none. None becomes a contact."""
        sent = await self._reported(mail, bounce)
        if sent is None:
            raise Malformed("this report of a failed delivery names no message of ours")
        if bounce.failed and not await self._known_as_failed(sent):
            await self._desk.report_delivery(
                sent.conversation, sent.seq, DeliveryStatus.FAILED, detail=_detail(mail, bounce), marks=marks
            )
        else:
            await self._pass_by(marks)
        return sent.conversation

    async def _reported(self, mail: InboundEmail, bounce: Bounce) -> SentMessage | None:
        """Give the message a report is about: named by a verified token, or by an id that was stored for it."""
        sent = reported_message(mail, bounce, self._way.secret)
        if sent is not None:
            return sent
        for one in reported_ids(mail, bounce):
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


def _detail(mail: InboundEmail, bounce: Bounce) -> str:
    """Say in one line who was not reached and why."""
    words = next((one.diagnostic for one in bounce.recipients if one.diagnostic), "") or mail.subject
    who = ", ".join(bounce.addresses)
    return ": ".join(part for part in (who, f"{bounce.status} {words}".strip()) if part)
