"""The channel: texts in from a provider's webhook, texts out to its API, and what became of them from its receipts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import ip_address
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import attrs
from starlette.routing import BaseRoute

from carekit import (
    Address,
    Capabilities,
    Channel,
    Delivery,
    DeliveryError,
    Desk,
    Glimpse,
    Health,
    Inbound,
    Malformed,
    NotFound,
    NotOurs,
    Outbound,
    Payload,
    Permanent,
    Refused,
    Scope,
    Temporary,
    Unsure,
)
from carekit_sms import faults, media, numbers
from carekit_sms.examining import examined
from carekit_sms.fetching import Fetcher, networks
from carekit_sms.provider import Outgoing, Posted, Provider, Text
from carekit_sms.quiet import Pace, Quiet
from carekit_sms.receipts import Reference, References
from carekit_sms.route import ReceiptRoute
from carekit_sms.segments import cut, is_wide, segments
from carekit_sms.settings import SmsSettings, known, settings_class
from carekit_sms.wire import Wire
from carekit_sms.words import Keywords

KIND = "phone"
"""The kind of the addresses of this channel."""
PIECES = 10
"""Texts that one message is split into at most."""
ASKED_FOR = frozenset({"reply", "answer", "acknowledgement", "hours", "help"})
"""Purposes of messages that answer something the contact wrote."""


class _Settings:
    """`Sms.Settings`, made when it is first asked for: it has a table for each provider that is installed, and to
    look for them takes time that commands without a file need not spend."""

    def __get__(self, channel: object, owner: type) -> type:
        return settings_class()


class Sms(Channel):
    """Texts to and from one telephone number."""

    capabilities = Capabilities(webhook=True, segments=segments(), delivered=True, may_initiate=True)
    Settings: ClassVar[type] = _Settings()  # type: ignore[assignment]
    settings: SmsSettings

    def __init__(self, name: str, settings: SmsSettings) -> None:
        super().__init__(name, settings)
        self.provider = _provider(settings)
        self.accepted = self.provider.accepted
        split = settings.long == "split"
        self.segments = segments(settings.price, None if split else settings.parts)
        longest = self.provider.max_length * (PIECES if split else 1)
        self.capabilities = attrs.evolve(self.capabilities, max_length=longest, segments=self.segments)
        self._wire = Wire()
        self._desk: Desk | None = None
        self._trouble = ""
        self._pace = Pace(settings.rate) if settings.rate > 0 else None

    @cached_property
    def region(self) -> str:
        """Where national numbers lie."""
        return self.settings.region or numbers.region_of(self.settings.number)

    @cached_property
    def ours(self) -> frozenset[str]:
        """Every number whose texts land here."""
        given = (self.settings.number, *self.settings.aliases)
        return frozenset(self.number(one) for one in given)

    @cached_property
    def _keywords(self) -> Keywords:
        words = self.settings.words
        return Keywords(self.settings.languages, {"stop": words.stop, "start": words.start, "help": words.help})

    @cached_property
    def _quiet(self) -> Quiet | None:
        quiet = self.settings.quiet
        return None if quiet is None else Quiet(quiet.hours, quiet.timezone, self.number(self.settings.number))

    @cached_property
    def _references(self) -> References:
        return References(self.secret)

    @cached_property
    def _fetcher(self) -> Fetcher:
        settings, provider = self.settings, self.provider
        own = networks(settings.media_networks)
        return Fetcher(settings.media_size, own, provider.media_headers, provider.media_hosts)

    def number(self, raw: str) -> str:
        """*raw* in international form, or as it is: a short code, or a name."""
        bare = raw.strip()
        return bare if numbers.is_short_code(bare) else numbers.e164(bare, self.region) or bare

    def check(self) -> Iterable[str]:
        return faults.of_channel(self.settings, self.provider, self.url)

    @classmethod
    def check_together(cls, parts: Sequence[Self]) -> Iterable[str]:
        return faults.of_all({part.name: part.ours for part in parts})

    # --- in

    def decode(self, payload: Payload) -> Sequence[Inbound]:
        posted = self._posted(payload)
        self.let_in(posted, payload.remote)
        return [self._inbound(text) for text in self.provider.read(posted)]

    def _posted(self, payload: Payload) -> Posted:
        query = f"?{urlencode(payload.query)}" if payload.query else ""
        now = self._desk.now() if self._desk is not None else None
        return Posted(f"{self.url}/inbound{query}", payload.body, payload.headers, payload.query, now)

    def let_in(self, posted: Posted, remote: str, *, signed: bool = True) -> None:
        """Raise `NotOurs` unless *posted* comes from where the provider posts from and, if *signed*, is proved.

        What cannot even be read is refused alike: only what is proved to be the provider's may be kept and set aside.
        """
        self._check_source(remote)
        if not signed:
            return
        try:
            self.provider.verify(posted)
        except NotOurs:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's bytes met code that may be a stranger's, too
            raise NotOurs(f"the request cannot be verified: {type(error).__name__}: {error}") from None

    def _check_source(self, remote: str) -> None:
        if not self.settings.sources:
            return
        try:
            address = ip_address(remote)
        except ValueError:
            raise NotOurs("the request comes from an unknown address") from None
        if not any(address in network for network in networks(self.settings.sources)):
            raise NotOurs(f"the request comes from {address}, which is not in `sources`")

    def _inbound(self, text: Text) -> Inbound:
        to, sender = self.number(text.to), self.number(text.sender)
        if not sender:
            raise Malformed("the text has no sender")
        if to and to not in self.ours:
            raise Malformed(
                f"text {text.id} from {sender} is for {to}, which is not a number of this channel: have the provider "
                "post it to its own, or add it to `aliases`"
            )
        keyword = text.keyword or self._keywords.kind(text.text)
        keys = self.keys_of(sender)
        return Inbound(
            channel=self.name,
            external_id=text.id,
            sender=Address(KIND, sender),
            text=text.text,
            thread=keys,
            keys=keys,
            account=self.number(self.settings.number),
            # Whoever has no number cannot be answered, and a keyword speaks to a machine: neither is anybody's turn.
            automatic=bool(keyword) or not numbers.is_e164(sender),
            consent={"stop": False, "start": True}.get(keyword),
            sent_at=text.sent_at,
            meta={**({"keyword": keyword} if keyword else {}), **media.carried(text.media)},
        )

    async def complete(self, message: Inbound, desk: Desk) -> Inbound:
        if media.KEY not in message.meta:
            return message
        return await media.fetched(message, desk, self._fetcher)

    async def reread(self, raw: bytes, desk: Desk) -> Sequence[Inbound]:
        """What *raw* holds now; its signature was looked at when it came, and cannot be again without its headers."""
        texts = self.provider.read(Posted(f"{self.url}/inbound", raw))
        return [await self.complete(self._inbound(text), desk) for text in texts]

    def glimpse(self, raw: bytes) -> Glimpse:
        text = self.provider.read(Posted(f"{self.url}/inbound", raw))[0]
        return Glimpse(text.sender, text.to, text=text.text)

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        self._desk = desk
        return ReceiptRoute(self, desk, self._references).routes()

    async def run(self, desk: Desk) -> None:
        self._desk = desk  # where this process sends and mounts no routes
        await self._wire.keep_open()

    # --- out

    def keys_for(self, to: Address) -> tuple[str, ...]:
        if to.kind != KIND or not numbers.is_e164(to.value):
            raise Refused(
                f"{to.key!r} is not a telephone number that channel {self.name!r} could write to: give kind "
                f'"{KIND}" and the number in international form, such as "+34612345678"',
                field="to",
            )
        return self.keys_of(to.value)

    def keys_of(self, number: str) -> tuple[str, ...]:
        """The thread keys of texts with *number*: one conversation at a time with each."""
        return (f"peer:{number}",)

    def hold(self, outbound: Outbound, now: datetime) -> datetime | None:
        quiet = self._quiet
        if quiet is not None and self._may_wait(outbound) and (until := quiet.until(outbound.to, now)) is not None:
            return until
        return self._pace.until(outbound.id, now) if self._pace is not None else None

    def _may_wait(self, outbound: Outbound) -> bool:
        """Whether quiet hours hold it up: an answer goes out at once, unless the file says otherwise."""
        assert self.settings.quiet is not None
        asked = outbound.message.purpose in ASKED_FOR and outbound.conversation.inbound > 0
        return not asked or self.settings.quiet.holds == "everything"

    async def send(self, outbound: Outbound) -> Delivery:
        await self._check(outbound)
        pieces = self._pieces(outbound.message.text)
        id = ""
        for number, text in enumerate(pieces, 1):
            reference = Reference(outbound.conversation.id, outbound.seq, number, len(pieces))
            try:
                id = await self.hand_over(outbound.to, text, reference)
            except DeliveryError as error:
                if number == 1:
                    raise
                raise Unsure(f"{number - 1} of {len(pieces)} texts were sent, but the next was not: {error}") from error
        return Delivery(external_id=id)

    async def _check(self, outbound: Outbound) -> None:
        """Raise `Permanent` for what must or can not be sent; what the contact said meanwhile counts."""
        to, contact = outbound.to, outbound.contact
        if not numbers.is_e164(to):
            raise Permanent(f"{to!r} is not a telephone number in international form, so no text can go there")
        if outbound.message.attachments:
            raise Permanent("texts of this channel carry no files; send a link instead")
        if self._desk is not None:
            try:
                contact = await self._desk.contact(contact.id, Scope.everything())
            except NotFound:
                raise Permanent("the contact is no longer there") from None
        if Address(KIND, to).key in contact.refused:
            raise Permanent("not sent: the contact does not want to be written to at this number")

    def _pieces(self, text: str) -> list[str]:
        most, length = self.settings.parts, self.provider.max_length
        count, _ = self.segments.count(text)
        if count <= most and len(text) <= length:
            return [text]
        if self.settings.long == "refuse":
            raise Permanent(self.capabilities.too_long(text))
        pieces = cut(text, self.segments, most, length)
        if len(pieces) > PIECES:
            raise Permanent(f"the text would take {len(pieces)} texts; {PIECES} are the most: shorten it")
        return pieces

    async def hand_over(self, to: str, text: str, reference: Reference) -> str:
        """Hand one text over; the provider's id of it. Raises `Temporary`, `Permanent` or `Unsure`."""
        written = self._references.write(reference)
        now = self._desk.now() if self._desk is not None else datetime.now(UTC)
        sender = self.settings.sender or self.number(self.settings.number)
        outgoing = Outgoing(sender, to, text, written, f"{self.url}/receipt/{written}", now, is_wide(text))
        try:
            id = self.provider.taken(await self._wire.exchange(self.provider.submit(outgoing)))
        except (Temporary, Unsure) as error:
            self._trouble = str(error)
            raise
        self._trouble = ""
        return id

    # --- how it is

    async def health(self) -> Health:
        return Health(self.name, "degraded" if self._trouble else "ok", self._trouble)

    async def examine(self, desk: Desk) -> Sequence[Health]:
        return (await examined(self, desk),)


def _provider(settings: Any) -> Provider:
    """The provider of the file; one that refuses every use where the file names none, so that `check` can say so."""
    cls = known().providers.get(settings.provider)
    table = getattr(settings, settings.provider, None) if cls is not None else None
    if cls is None or table is None:
        return Provider(None)
    return cls(table)
