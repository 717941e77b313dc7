"""The contract of a channel, for each provider, against an API over real HTTP."""

from __future__ import annotations

import pytest
import sms_recorded as recorded
from sms_far_side import FarSide, Told

from carekit import Contact, Conversation, Inbound, MessageSent, Outbound, Payload
from carekit.testing import ChannelContract, FrozenClock
from carekit_sms.channel import Sms


class Contract(ChannelContract):
    """What all providers share."""

    provider = ""

    @pytest.fixture
    def channel(self, far_side: FarSide) -> Sms:
        if self.provider == "kannel":
            far_side.usual = Told(202, b"0: Accepted for delivery")
        return recorded.channel(self.provider, far_side.url)

    @pytest.fixture
    def payload(self) -> Payload:
        return recorded.inbound(self.provider)

    @pytest.fixture
    def foreign(self) -> Payload:
        genuine = recorded.inbound(self.provider)
        return Payload(genuine.body, {"content-type": genuine.headers["content-type"]}, genuine.query)

    @pytest.fixture
    def unreachable(self) -> Sms:
        return recorded.channel(self.provider, "http://127.0.0.1:9")

    @pytest.fixture
    def outbound(self) -> Outbound:
        now = FrozenClock().now()
        conversation = Conversation("c_1", "sms", "sms", "p_1", now, now, seq=3)
        contact = Contact("p_1", now, "Ana", "", (f"phone:{recorded.ANA}",))
        return Outbound(conversation, contact, 3, MessageSent("agent:ana", "It left today."), recorded.ANA, now)

    def test_a_genuine_payload_is_read(self, messages: list[Inbound]) -> None:
        """Sender and number are in international form, and the text is as it was written."""
        (message,) = messages
        assert message.sender.key == f"phone:{recorded.ANA}"
        assert message.text == "Where is my parcel?"
        assert message.thread == message.keys == (f"peer:{recorded.ANA}",)
        assert not message.automatic


class TestKannel(Contract):
    provider = "kannel"


class TestTwilio(Contract):
    provider = "twilio"


class TestVonage(Contract):
    provider = "vonage"

    @pytest.fixture
    def noise(self) -> Payload:
        return recorded.inbound("vonage", channel="whatsapp")


class TestMessageBird(Contract):
    provider = "messagebird"


class TestBird(Contract):
    provider = "bird"

    @pytest.fixture
    def noise(self) -> Payload:
        return recorded.inbound("bird", channelId="of somebody else")


class TestGeneric(Contract):
    provider = "generic"
