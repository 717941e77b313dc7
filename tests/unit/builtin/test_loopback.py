"""The loopback channel keeps the contract of every channel, and remembers what it was given."""

from __future__ import annotations

import msgspec
import pytest

from carekit.builtin.loopback import Loopback
from carekit.ground.errors import Malformed, Temporary
from carekit.seams.channel import Channel, Delivery, Outbound, Payload
from carekit.testing import ChannelContract, DeskKit


class _Down(Loopback):
    async def send(self, outbound: Outbound) -> Delivery:
        raise Temporary("the far side is down")


class TestLoopbackContract(ChannelContract):
    @pytest.fixture
    def channel(self) -> Channel:
        return Loopback("loop")

    @pytest.fixture
    def payload(self) -> Payload | None:
        return _posted(id="m1", sender="ana", text="hello", name="Ana")

    @pytest.fixture
    def unreachable(self) -> Channel | None:
        return _Down("loop")


def _posted(**fields: object) -> Payload:
    return Payload(msgspec.json.encode(fields), {"content-type": "application/json"})


def test_what_is_posted_becomes_a_message() -> None:
    """The JSON body's id, sender, name and text are those of the message, and the sender is the thread."""
    (message,) = Loopback("loop").decode(_posted(id="m1", sender="ana", text="hello", name="Ana"))
    assert (message.external_id, message.text) == ("m1", "hello")
    assert (message.sender.key, message.sender.name) == ("loopback:ana", "Ana")
    assert message.thread == message.keys == ("peer:ana",)


@pytest.mark.parametrize(
    "fields", [{}, {"id": 1, "sender": "a", "text": "b"}, {"id": "1", "sender": "a", "text": "b", "x": 1}]
)
def test_other_json_is_malformed(fields: dict[str, object]) -> None:
    """Missing, mistyped and unknown fields are malformed, so that they are set aside and seen."""
    with pytest.raises(Malformed, match="not a loopback message"):
        Loopback("loop").decode(_posted(**fields))


def test_it_remembers_what_it_sent(desk: DeskKit) -> None:
    """Every message that goes out is kept in order, with its history and the address it goes to."""
    desk.add_agent("ana")
    desk.write("one", sender="max")
    desk.reply("ana", "first")
    desk.reply("ana", "second")
    channel = desk.channel()
    assert isinstance(channel, Loopback)
    assert [sent.message.text for sent in channel.sent] == ["first", "second"]
    assert [sent.to for sent in channel.sent] == ["max", "max"]
    assert [len(desk.run(sent.history())) for sent in channel.sent] == [1, 2]
