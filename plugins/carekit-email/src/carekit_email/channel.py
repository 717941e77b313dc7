"""The channel: mail in from mailboxes, servers, providers and pipes; answers out through a server or into a folder."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar

from starlette.routing import BaseRoute

from carekit import (
    Address,
    Capabilities,
    CarekitError,
    Channel,
    ConfigError,
    Delivery,
    Desk,
    Glimpse,
    Health,
    Ignored,
    Inbound,
    Outbound,
    Payload,
    Permanent,
    Refused,
    Temporary,
)
from carekit import Attachment as KeptAttachment
from carekit_email import refusals
from carekit_email.codec import Attachment, Limits, encode
from carekit_email.explain import Verdict, explain
from carekit_email.faults import faults, host_and_port
from carekit_email.intake import Intake, Rules, glimpse, read
from carekit_email.loops import why_not
from carekit_email.mapping import Way, canonical, envelope_sender, to_outgoing
from carekit_email.settings import EmailSettings, MailboxSettings
from carekit_email.signing import Signer
from carekit_email.transport import outbox
from carekit_email.transport.imap import Fetched, ImapInbox, Mark
from carekit_email.transport.listener import Accepted, Listener
from carekit_email.transport.pop3 import Pop3Inbox, Popped
from carekit_email.transport.seen import Seen
from carekit_email.transport.smtp import Sender
from carekit_email.transport.webhook import Webhook

log = logging.getLogger(__name__)


_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")


class EmailChannel(Channel):
    """E-mail for one address and its aliases."""

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
        self._rules = Rules(settings.restricted, settings.per_sender)
        self._inboxes = {key: _inbox(one, settings.max_size) for key, one in settings.all_mailboxes.items()}
        self._sender = Sender(settings.smtp) if settings.smtp is not None else None
        if settings.smtp is not None:
            self.at_once = settings.smtp.connections
        domain = settings.address.rpartition("@")[2]
        self._signer = Signer(settings.dkim, domain) if settings.dkim is not None else None
        self._watching = False
        self._desk: Desk | None = None
        self._intake: Intake | None = None

    @cached_property
    def _way(self) -> Way:
        settings = self.settings
        plus = settings.plus or bool(settings.listen)
        return Way(self.name, settings.addresses, self._key(), plus, settings.authserv_id, self.url)

    def _key(self) -> bytes:
        """Give the key of the reply tokens: the configured one, else the channel's own."""
        if self.settings.secret is None:
            return self.secret
        text = f"carekit-email\0{self.name}\0{self.settings.address.lower()}\0{self.settings.secret.reveal()}"
        return hashlib.sha256(text.encode()).digest()

    def check(self) -> Iterable[str]:
        """Faults of the settings beyond their types."""
        return faults(self.settings)

    # --- in

    def decode(self, payload: Payload) -> Sequence[Inbound]:
        """Give the message that a raw mail is. A report of a failed delivery is none: `run` tells it to the message."""
        mail, inbound = read(payload.body, self._way, self._limits)
        if mail.bounce is not None:
            raise Ignored("this mail reports a failed delivery: it is no message")
        return (inbound,)

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        """Where people unsubscribe, and where the provider posts mail, if one does."""
        settings = self.settings
        out = refusals.route(self.name, self._way.secret, desk)
        intake = self._take_for(desk)
        if settings.webhook is None:
            return (out,)
        return (out, Webhook(self.name, settings.webhook, settings.max_size, intake.take, intake.set_aside).route())

    def _take_for(self, desk: Desk) -> Intake:
        """Give the one intake of the channel: what it counts per sender counts for all ways in."""
        if self._intake is None or self._desk is not desk:
            self._desk, self._intake = desk, Intake(desk, self._way, self._limits, self._rules)
        return self._intake

    async def run(self, desk: Desk) -> None:
        """Listen, if that is configured."""
        intake = self._take_for(desk)
        if not self.settings.listen:
            return
        try:
            await self._listen(intake)
        except OSError as error:
            raise ConfigError(
                f"channel {self.name!r} cannot take mail on `listen`: {error}; choose a free port"
            ) from error

    async def run_alone(self, desk: Desk) -> None:
        """Watch the mailboxes: two processes would fetch everything twice."""
        intake = self._take_for(desk)
        self._watching = True
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, inbox in self._inboxes.items():
                    tasks.create_task(self._watch(name, inbox, desk, intake))
        finally:
            self._watching = False

    async def _watch(self, key: str, inbox: ImapInbox | Pop3Inbox, desk: Desk, intake: Intake) -> None:
        settings = self.settings.all_mailboxes[key]
        # Another mailbox has other numbers, so its mark has another name.
        name = f"email|{self.name}|{settings.user}@{settings.host}|{settings.folder}"
        if isinstance(inbox, ImapInbox):
            await self._watch_imap(name, inbox, desk, intake)
        else:
            await self._watch_pop3(name, inbox, desk, intake)

    async def _watch_imap(self, name: str, inbox: ImapInbox, desk: Desk, intake: Intake) -> None:
        stored = (await desk.marks([name])).get(name, "")

        async def take(fetched: Fetched) -> None:
            await _kept(intake, fetched.raw, fetched.fault, {name: str(fetched.mark)})

        def today() -> date:
            return desk.now().date()

        await inbox.watch(Mark.parse(stored), take, today)

    async def _watch_pop3(self, name: str, inbox: Pop3Inbox, desk: Desk, intake: Intake) -> None:
        # A mailbox that is to be emptied after all must not be taken for one whose mail is known.
        seen = Seen(f"{name}|{'kept' if inbox.keeps else 'left'}")

        async def take(popped: Popped) -> None:
            stays = bool(popped.uid) and (inbox.keeps or bool(popped.fault))
            await _kept(intake, popped.raw, popped.fault, seen.mark_with(popped.uid) if stays else {})
            if stays:
                seen.add(popped.uid)

        async def known(uids: Sequence[str]) -> set[str]:
            seen.load(await desk.marks(seen.marks))
            if gone := seen.keep_only(uids):
                await desk.mark(gone)
            return seen.known(uids)

        await inbox.watch(take, known)

    async def _listen(self, intake: Intake) -> None:
        settings = self.settings
        host, port = host_and_port(settings.listen)

        async def take(accepted: Accepted) -> None:
            await intake.take(accepted.with_envelope())

        listener = Listener(
            host,
            port,
            settings.addresses,
            take,
            protocol=settings.protocol,
            max_size=settings.max_size,
            several=self.several,
        )
        await listener.serve()

    async def deliver(self, raw: bytes, desk: Desk) -> str:
        """Keep one mail in a process that ends with it; give the conversation, "" when it is in none.

        Raises StoreError when it was not kept.
        """
        return await Intake(desk, self._way, self._limits, self._rules, f"email|{self.name}|rates").take(raw)

    async def reread(self, raw: bytes, desk: Desk) -> Sequence[Inbound]:
        """Give the message in a mail that was set aside, () for a report, which its message is told of."""
        return await self._take_for(desk).reread(raw)

    def glimpse(self, raw: bytes) -> Glimpse:
        """Tell who wrote a mail that was set aside, to whom, and its words, as far as it can be read."""
        return glimpse(raw, self._limits)

    async def explain(self, raw: bytes, desk: Desk) -> Verdict:
        """Say what would become of *raw* if it arrived now, and why."""
        return await explain(desk, self._way, self._limits, self._rules, raw)

    # --- out

    def keys_for(self, to: Address) -> tuple[str, ...]:
        """Give no keys: an answer finds its conversation by the id of our mail. Raises Refused for no address."""
        if to.kind != "email" or not _ADDRESS.fullmatch(to.value):
            said = f'{to.key!r} is not an address of mail: give kind "email" and a value such as a@b.example'
            raise Refused(said, field="to")
        if to.value.startswith("-"):  # a program that is started with it would take it for an option
            raise Refused(f"{to.value[:100]!r} begins with a dash: no mail is written to such an address", field="to")
        if canonical(to.value) in {canonical(ours) for ours in self.settings.addresses}:
            raise Refused(f"{to.value!r} is our own address", field="to")
        return ()

    async def send(self, outbound: Outbound) -> Delivery:
        """Send one message, under the same Message-ID at every attempt."""
        history = await outbound.history()
        reason = why_not(outbound, history, self.settings.addresses)
        if reason:
            raise Permanent(f"not sent: {reason}")
        files = await self._attachments(outbound.message.attachments, outbound.message.html)
        mail = to_outgoing(outbound, history, self._way, self.settings, files)
        try:
            raw = encode(mail).as_bytes()
        except ValueError as error:
            raise Permanent(str(error)) from error
        if self._signer is not None:
            raw = await asyncio.to_thread(self._signer.sign, raw)
        detail = await self._hand_over(outbound, envelope_sender(outbound, self._way, mail), raw)
        return Delivery(external_id=mail.message_id, keys=(mail.message_id,), detail=detail)

    async def finish(self) -> None:
        """Say goodbye to the server that takes answers."""
        if self._sender is not None:
            await self._sender.close()

    async def _hand_over(self, outbound: Outbound, sender: str, raw: bytes) -> str:
        if self._sender is not None:
            return await self._sender.send(sender, (outbound.to,), raw)
        if self.settings.outbox is None:
            raise Permanent(f"channel {self.name!r} has no way out: set `smtp` or `outbox`")
        try:
            path = await asyncio.to_thread(outbox.write, self.settings.outbox, outbound.id, raw)
        except OSError as error:
            raise Temporary(f"the outbox {self.settings.outbox} cannot be written: {error.strerror}") from error
        return path.name

    async def _attachments(self, kept: Sequence[KeptAttachment], html: str) -> tuple[Attachment, ...]:
        """Give the files with their bytes; one that the HTML names by its digest or its name stands inside it."""
        if kept and self._desk is None:
            raise Temporary("the channel does not run yet, so attachments cannot be read")
        contents = [await self._desk.fetch(one.digest) for one in kept] if self._desk is not None else []
        return tuple(
            Attachment(one.name, one.content_type, len(content), content, _content_id(one, html))
            for one, content in zip(kept, contents, strict=True)
        )

    # --- how it is

    async def health(self) -> Sequence[Health]:
        """Whether each mailbox can be read, if this process is the one that does, and whether answers go out."""
        watched = self._inboxes if self._watching else {}
        parts = [(f"mailbox {name}", inbox.state) for name, inbox in watched.items()]
        if self._sender is not None:
            parts.append(("smtp", self._sender.state))
        if not parts:
            return (Health(self.name),)
        return [Health(f"{self.name}: {what}", "degraded" if state else "ok", state) for what, state in parts]

    async def examine(self, desk: Desk) -> Sequence[Health]:
        """Connect to every server and log in, apart from what runs; say what was seen or what is wrong."""
        probes: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            (f"mailbox {name}", _threaded(inbox.examine)) for name, inbox in self._inboxes.items()
        ]
        if self._sender is not None:
            probes.append(("smtp", self._sender.examine))
        if self.settings.outbox is not None:
            probes.append(("outbox", _threaded(self._try_outbox)))
        if self._signer is not None:
            probes.append(("dkim", _threaded(self._signer.examine)))
        found = [await self._examined(what, probe) for what, probe in probes]
        if not (self._inboxes or self.settings.listen or self.settings.webhook):
            found.append(Health(f"{self.name}: way in", "ok", "mail comes by `carekit email deliver` alone"))
        return found

    def _try_outbox(self) -> str:
        folder = self.settings.outbox
        assert folder is not None, "looked at before"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return f"{folder} can be written"
        except OSError as error:
            raise ConfigError(
                f"`outbox` {folder} cannot be written: {error.strerror}; choose another folder"
            ) from error

    async def _examined(self, what: str, probe: Callable[[], Awaitable[str]]) -> Health:
        name = f"{self.name}: {what}"
        try:
            return Health(name, "ok", await probe())
        except CarekitError as error:
            return Health(name, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - whatever a server or its library does wrong is what we want to tell
            return Health(name, "failed", f"{type(error).__name__}: {error}")


def _inbox(settings: MailboxSettings, max_size: int) -> ImapInbox | Pop3Inbox:
    if settings.protocol == "pop3":
        return Pop3Inbox(settings, max_size=max_size)
    return ImapInbox(settings, max_size=max_size)


async def _kept(intake: Intake, raw: bytes, fault: str, marks: dict[str, str]) -> None:
    if fault:
        await intake.set_aside(raw, fault, marks, partial=True)
    else:
        await intake.take(raw, marks)


def _content_id(kept: KeptAttachment, html: str) -> str:
    names = (kept.digest, kept.name)
    return next((name for name in names if name and f"cid:{name}" in html), "")


def _threaded(call: Callable[[], str]) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        return await asyncio.to_thread(call)

    return run
