"""The contract of a channel, as tests. Subclass `ChannelContract` and override ``channel`` and ``payload``::

class TestSms(ChannelContract):
    @pytest.fixture
    def channel(self):
        return Sms("sms", SmsSettings(account="test"))

    @pytest.fixture
    def payload(self):
        return Payload((PAYLOADS / "inbound.json").read_bytes(), {"content-type": "application/json"})
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carekit.facts.codec import encode
from carekit.facts.events import DeliveryChanged, Event, MessageReceived, MessageSent
from carekit.facts.nouns import Address, Contact, Conversation, DeliveryStatus, Inbound
from carekit.ground.errors import DeliveryError, Ignored, InboundError, NotOurs
from carekit.ground.values import replace
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Channel, Delivery, Outbound, Payload
from carekit.seams.component import Component, Health
from carekit.seams.scope import EVERYTHING
from carekit.testing.clock import START
from carekit.testing.contracts.hosting import host, staff
from carekit.testing.contracts.values import minute
from carekit.testing.desk import DeskKit
from carekit.testing.faults import FaultyTransport

garbage = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class ChannelContract:
    """All that a channel promises. Only ``channel`` must be overridden; without the others their tests are skipped."""

    @pytest.fixture
    def channel(self) -> Channel:
        """The channel under test, made as the file would make it."""
        raise NotImplementedError("override the fixture 'channel' with the channel to test")

    @pytest.fixture
    def payload(self) -> Payload | None:
        """A recorded genuine payload with at least one message; None for a channel that decodes none."""
        return None

    @pytest.fixture
    def noise(self) -> Payload | None:
        """A genuine payload with nothing to keep, such as a ping."""
        return None

    @pytest.fixture
    def foreign(self) -> Payload | None:
        """A payload that does not come from the far side, such as one with a wrong signature."""
        return None

    @pytest.fixture
    def unreachable(self) -> Channel | None:
        """The channel with a far side that cannot be reached."""
        return None

    @pytest.fixture
    def messages(self, channel: Channel, payload: Payload | None) -> list[Inbound]:
        """What ``payload`` decodes to."""
        if payload is None:
            assert not channel.capabilities.webhook, "a channel with a webhook needs the fixture 'payload'"
            pytest.skip("the channel decodes no payloads: override the fixture 'payload' if it does")
        return list(channel.decode(payload))

    @pytest.fixture
    def outbound(self) -> Outbound:
        """A message to send, with the message it answers before it."""
        return _outbound("hello from the desk", "someone@example.com")

    @pytest.fixture
    def kit(self, channel: Channel) -> Iterator[DeskKit]:
        """A desk in memory with the channel in it."""
        with host(channel, more="") as kit:
            yield kit

    # --- what comes in

    def test_a_genuine_payload_gives_messages(self, channel: Channel, messages: list[Inbound]) -> None:
        """Each message names its channel, the far side's id, a sender, and texts that can be kept."""
        assert messages
        for message in messages:
            assert isinstance(message, Inbound)
            _assert_sound(channel, message)

    def test_decoding_is_pure(self, channel: Channel, payload: Payload | None, messages: list[Inbound]) -> None:
        """The same payload gives the same messages every time, and is not changed."""
        assert payload is not None
        before = deepcopy((payload.body, dict(payload.headers), dict(payload.query)))
        for _ in range(3):
            assert list(channel.decode(payload)) == messages
        assert (payload.body, dict(payload.headers), dict(payload.query)) == before

    def test_the_same_delivery_twice_gives_one_message(self, kit: DeskKit, messages: list[Inbound]) -> None:
        """What the far side delivers again is known by its id and kept once."""
        first = [kit.run(kit.desk.receive(message)) for message in messages]
        again = [kit.run(kit.desk.receive(message)) for message in messages]
        assert all(receipt.repeated for receipt in again)
        assert [(r.conversation, r.seq) for r in again] == [(r.conversation, r.seq) for r in first]
        assert len(_received(kit)) == len({(m.account, m.external_id) for m in messages})

    def test_an_answer_to_a_message_finds_its_conversation(self, kit: DeskKit, messages: list[Inbound]) -> None:
        """A later message of the same sender that names a key of an earlier one continues its conversation."""
        first = messages[0]
        if not first.keys:
            pytest.skip("the channel stores no thread keys: its conversations are found otherwise")
        began = kit.run(kit.desk.receive(first))
        later = replace(first, external_id=f"{first.external_id}-2", thread=first.keys, keys=())
        assert kit.run(kit.desk.receive(later)).conversation == began.conversation

    def test_a_bad_network_changes_nothing(self, kit: DeskKit, messages: list[Inbound]) -> None:
        """Through duplicates, delays, losses and changes of order each message is kept once."""
        sent = [replace(messages[0], external_id=f"faulty-{number}") for number in range(25)]
        for seed in range(3):
            transport = FaultyTransport(kit.desk.receive, Random(seed))
            kit.run(transport.deliver(sent))
            assert transport.attempts > 0
        kept = [fact.external_id for fact in _received(kit)]
        assert sorted(kept) == sorted(message.external_id for message in sent)

    def test_noise_is_ignored(self, channel: Channel, noise: Payload | None) -> None:
        """A genuine payload with nothing to keep raises Ignored, so that nobody stores or retries it."""
        if noise is None:
            pytest.skip("no noise was recorded: override the fixture 'noise'")
        with pytest.raises(Ignored):
            channel.decode(noise)

    def test_a_foreign_payload_is_refused(self, channel: Channel, foreign: Payload | None) -> None:
        """A payload that is not from the far side raises NotOurs."""
        if foreign is None:
            pytest.skip("no foreign payload was recorded: override the fixture 'foreign'")
        with pytest.raises(NotOurs):
            channel.decode(foreign)

    def test_garbage_never_breaks_it(self, channel: Channel, payload: Payload | None) -> None:
        """Whatever bytes come, with or without genuine headers, decode gives sound messages or an InboundError."""
        headers = dict(payload.headers) if payload else {}
        genuine = payload.body if payload else b""

        @garbage
        @given(body=st.binary(max_size=300), damage=st.integers(0, max(0, len(genuine) - 1)), mode=st.integers(0, 3))
        def any_bytes(body: bytes, damage: int, mode: int) -> None:
            damaged = [body, genuine[:damage], genuine[:damage] + body + genuine[damage + 1 :], body + genuine]
            for names in (headers, {}):
                with suppress(InboundError):
                    for message in channel.decode(Payload(damaged[mode], names)):
                        _assert_sound(channel, message)

        any_bytes()

    # --- what goes out

    def test_sending_says_how_far_it_got(self, channel: Channel, outbound: Outbound) -> None:
        """Send returns a Delivery with a status, the far side's id as text, and keys that can be stored."""
        if not channel.capabilities.push:
            pytest.skip("the channel pushes nothing: the far side reads from the desk's feed")
        delivery = asyncio.run(channel.send(outbound))
        assert isinstance(delivery, Delivery)
        assert isinstance(delivery.status, DeliveryStatus)
        assert delivery.status is not DeliveryStatus.QUEUED, "a message that was taken is sent at least"
        assert isinstance(delivery.external_id, str)
        assert all(type(key) is str and key for key in delivery.keys)

    @pytest.mark.parametrize("text", ["<b>&amp; 'quotes'", "line\nline\r\n.\r\nend", "мир 👋🏽 \u202e", "x" * 5000])
    def test_any_text_can_be_sent(self, channel: Channel, text: str) -> None:
        """Markup, line ends, other scripts and long texts are handed over or refused as a DeliveryError."""
        if not channel.capabilities.push:
            pytest.skip("the channel pushes nothing: the far side reads from the desk's feed")
        with suppress(DeliveryError):
            assert isinstance(asyncio.run(channel.send(_outbound(text, "someone@example.com"))), Delivery)

    def test_a_reply_goes_out_once(self, kit: DeskKit, channel: Channel, messages: list[Inbound]) -> None:
        """An agent's reply to a message that came in is sent once, and its delivery is in the log."""
        began = kit.run(kit.desk.receive(messages[0]))
        kit.reply(staff(kit), "here is your answer", began.conversation)
        kit.settle()
        changes = kit.facts(DeliveryChanged, began.conversation)
        if not channel.capabilities.push:
            assert changes == []
            return
        outcomes = [change for change in changes if change.status is not DeliveryStatus.SENDING]
        assert len(outcomes) == 1, [change.detail for change in changes]
        assert outcomes[0].status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ), outcomes[0]
        assert kit.service.store.pending_jobs() == 0

    def test_an_unreachable_far_side_is_told_apart(self, unreachable: Channel | None, outbound: Outbound) -> None:
        """When the far side cannot be reached, send raises Temporary, Permanent or Unsure, and nothing else."""
        if unreachable is None:
            pytest.skip("no unreachable far side was given: override the fixture 'unreachable'")
        with pytest.raises(DeliveryError):
            asyncio.run(unreachable.send(outbound))

    # --- what it is

    def test_it_keeps_its_name_and_settings(self, channel: Channel) -> None:
        """Two channels of one class keep their own names, and building one needs nothing but name and settings."""
        given_settings, name = channel.settings, channel.name
        other = type(channel)("another", given_settings)
        assert (other.name, channel.name) == ("another", name)
        assert other.settings is given_settings

    def test_its_capabilities_make_sense(self, channel: Channel) -> None:
        """What it declares it also implements, and limits are limits."""
        can = channel.capabilities
        assert isinstance(can, Capabilities)
        assert can.max_length is None or can.max_length > 0
        assert can.reply_window is None or can.reply_window.total_seconds() > 0
        if can.webhook:
            assert type(channel).decode is not Channel.decode, "a channel with a webhook overrides decode"
        if can.push:
            assert type(channel).send is not Channel.send, "a channel that pushes overrides send"
        ways_in = (type(channel).run is not Component.run, type(channel).routes is not Component.routes)
        assert can.webhook or any(ways_in), "nothing can come in: no webhook, no run, no routes"

    def test_it_tells_its_health(self, channel: Channel, kit: DeskKit) -> None:
        """Sound settings have no faults, and its health is told at once."""
        assert list(channel.check()) == []
        told = kit.run(channel.health())
        healths = [told] if isinstance(told, Health) else list(told)
        assert healths
        assert all(health.name and health.state in ("ok", "degraded", "failed") for health in healths)


def _assert_sound(channel: Channel, message: Inbound) -> None:
    assert message.channel == channel.name
    assert message.external_id, "without the far side's id a second delivery cannot be known"
    assert message.sender.kind
    assert message.sender.value
    assert all(type(key) is str and key for key in (*message.thread, *message.keys))
    assert message.sent_at is None or message.sent_at.tzinfo is not None, "instants are aware"
    encode(message)  # raises for anything that cannot be written as UTF-8


def _outbound(text: str, to: str) -> Outbound:
    came = MessageReceived("help me", "far-1", sender=f"email:{to}", subject="A question", meta={})
    history = (Event("c_1", 2, minute(1), "contact", came, position=2),)

    async def earlier(step: int, last: int) -> Sequence[Event]:
        return history

    conversation = Conversation("c_1", "any", "any", "p_1", START, START, subject="A question", seq=3)
    contact = Contact("p_1", START, "Ana", to, (Address("email", to).key,))
    return Outbound(conversation, contact, 3, MessageSent("agent:ana", text), to, minute(2), earlier)


def _received(kit: DeskKit) -> list[MessageReceived]:
    feed = kit.service.store.feed(0, 100_000, EVERYTHING)
    return [event.fact for event in feed if isinstance(event.fact, MessageReceived)]
