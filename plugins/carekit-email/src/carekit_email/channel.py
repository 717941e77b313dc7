"""The channel: mail in from a mailbox or a listener, answers out through a server or into a folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar

from carekit import Attachment as KeptAttachment
from carekit import (
    Capabilities,
    Channel,
    ConfigError,
    Delivery,
    Desk,
    Health,
    Ignored,
    Inbound,
    Outbound,
    Payload,
    Permanent,
    Temporary,
)
from carekit_email.codec import Attachment, Limits, encode
from carekit_email.codec.addresses import mailboxes
from carekit_email.intake import Intake, read
from carekit_email.mapping import Way, to_outgoing
from carekit_email.settings import EmailSettings
from carekit_email.transport import outbox, smtp
from carekit_email.transport.imap import Fetched, ImapInbox, Mark
from carekit_email.transport.listener import Accepted, Listener

_SHORTEST_SECRET = 32


class EmailChannel(Channel):
    """E-mail for one address."""

    Settings: ClassVar[type] = EmailSettings
    capabilities = Capabilities(html=True, attachments=True, may_initiate=True)
    starter = """\
# Mail, to try with: it listens for mail itself and writes answers as files. With a real mailbox, take out listen and
# outbox and write the tables [channels.support-mail.imap] and [channels.support-mail.smtp].
[channels.support-mail]
use = "email"
title = "Support mail"
address = "help@example.com"       # answers come from it
listen = "127.0.0.1:8025"          # takes mail here
outbox = "outbox"                  # answers are written into this folder as .eml files
calendar = "office"
"""

    settings: EmailSettings

    def __init__(self, name: str, settings: EmailSettings) -> None:
        super().__init__(name, settings)
        self._limits = Limits(size=settings.max_size)
        self._inbox = ImapInbox(settings.imap, max_size=settings.max_size) if settings.imap else None
        self._desk: Desk | None = None

    @cached_property
    def _way(self) -> Way:
        settings = self.settings
        return Way(self.name, settings.address, self._key(), settings.plus or bool(settings.listen))

    def _key(self) -> bytes:
        """Give the key of the reply tokens: the configured one, else the channel's own."""
        if self.settings.secret is None:
            return self.secret
        text = f"carekit-email\0{self.name}\0{self.settings.address.lower()}\0{self.settings.secret.reveal()}"
        return hashlib.sha256(text.encode()).digest()

    def check(self) -> Iterable[str]:
        """Faults of the settings beyond their types."""
        return faults(self.settings)

    def decode(self, payload: Payload) -> Sequence[Inbound]:
        """Give the message that a raw mail is. A report of a failed delivery is none: `run` tells it to the message."""
        mail, inbound = read(payload.body, self._way, self._limits)
        if mail.bounce:
            raise Ignored("this mail reports a failed delivery: it is no message")
        return (inbound,)

    async def run(self, desk: Desk) -> None:
        """Watch the mailbox and listen, whichever is configured."""
        self._desk = desk
        intake = Intake(desk, self._way, self._limits)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._inbox is not None:
                    tasks.create_task(self._watch(self._inbox, desk, intake))
                if self.settings.listen:
                    tasks.create_task(self._listen(intake))
        except* OSError as group:
            raise ConfigError(
                f"channel {self.name!r} cannot listen on {self.settings.listen!r}: {group.exceptions[0]}; "
                "choose a free port in its `listen`"
            ) from group

    async def _watch(self, inbox: ImapInbox, desk: Desk, intake: Intake) -> None:
        assert self.settings.imap is not None
        imap = self.settings.imap
        # Another mailbox has other numbers, so its mark has another name.
        name = f"email|{self.name}|{imap.user}@{imap.host}|{imap.folder}"
        stored = (await desk.marks([name])).get(name, "")

        async def take(fetched: Fetched) -> None:
            marks = {name: str(fetched.mark)}
            if fetched.complete:
                await intake.take(fetched.raw, marks)
            else:
                text = f"a mail of {fetched.size} octets is over max_size; only its beginning is kept"
                await intake.set_aside(fetched.raw, text, marks)

        def today() -> date:
            return desk.now().date()

        await inbox.watch(Mark.parse(stored), take, today)

    async def _listen(self, intake: Intake) -> None:
        host, port = host_and_port(self.settings.listen)

        async def take(accepted: Accepted) -> None:
            await intake.take(accepted.with_envelope())

        listener = Listener(
            host,
            port,
            (self.settings.address,),
            take,
            protocol=self.settings.protocol,
            max_size=self.settings.max_size,
        )
        await listener.serve()

    async def send(self, outbound: Outbound) -> Delivery:
        """Send one message, under the same Message-ID at every attempt."""
        attachments = await self._attachments(outbound.message.attachments)
        mail = to_outgoing(outbound, await outbound.history(), self._way, self.settings, attachments)
        try:
            raw = encode(mail).as_bytes()
        except ValueError as error:
            raise Permanent(str(error)) from error
        detail = await self._hand_over(outbound, mail.automatic, raw)
        return Delivery(external_id=mail.message_id, keys=(mail.message_id,), detail=detail)

    async def _hand_over(self, outbound: Outbound, automatic: bool, raw: bytes) -> str:
        if self.settings.smtp is not None:
            # Nobody waits for the bounce of an automatic mail, and answering one must not begin a loop.
            sender = "" if automatic else self.settings.address
            return await smtp.send(self.settings.smtp, sender, (outbound.to,), raw)
        if self.settings.outbox is None:
            raise Permanent(f"channel {self.name!r} has no way out: set `smtp` or `outbox`")
        try:
            path = await asyncio.to_thread(outbox.write, self.settings.outbox, outbound.id, raw)
        except OSError as error:
            raise Temporary(f"the outbox {self.settings.outbox} cannot be written: {error.strerror}") from error
        return path.name

    async def _attachments(self, kept: Sequence[KeptAttachment]) -> tuple[Attachment, ...]:
        if kept and self._desk is None:
            raise Temporary("the channel does not run yet, so attachments cannot be read")
        contents = [await self._desk.fetch(one.digest) for one in kept] if self._desk is not None else []
        return tuple(
            Attachment(one.name, one.content_type, len(content), content)
            for one, content in zip(kept, contents, strict=True)
        )

    async def health(self) -> Health:
        """Whether the mailbox can be read."""
        state = self._inbox.state if self._inbox is not None else ""
        return Health(self.name, "degraded" if state else "ok", state)


def host_and_port(listen: str) -> tuple[str, int]:
    """Split `host:port`, also with a bracketed IPv6 host; raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f'listen = {listen!r} is no host:port; write it like "127.0.0.1:2525"')
    return host.strip("[]"), int(port)


def faults(settings: EmailSettings) -> list[str]:
    """Give what is wrong with the settings together, with the remedy."""
    found: list[str] = []
    boxes = mailboxes(settings.address, 2)
    if len(boxes) != 1 or boxes[0].address != settings.address or not settings.address.isascii():
        found.append(f'address = {settings.address!r} is no plain address; write it like "help@shop.example"')
    if settings.imap is None and not settings.listen:
        found.append(
            "no mail can come in; set `imap` to fetch from a mailbox or `listen` to take it from a mail server"
        )
    if settings.smtp is None and settings.outbox is None:
        found.append("no mail can go out; set `smtp` to hand it to a server or `outbox` to write it into a folder")
    if settings.smtp is not None and settings.outbox is not None:
        found.append("mail could go out twice; keep one of `smtp` and `outbox`")
    if settings.listen:
        try:
            host_and_port(settings.listen)
        except ValueError as error:
            found.append(str(error))
    if settings.smtp is not None and bool(settings.smtp.user) != bool(settings.smtp.password):
        found.append("smtp has a user without a password or the reverse; set both or none")
    if settings.secret is not None and len(settings.secret.reveal()) < _SHORTEST_SECRET:
        found.append(f"secret is shorter than {_SHORTEST_SECRET} characters; make it longer or leave it out")
    return found
