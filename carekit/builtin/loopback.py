"""The loopback channel: what it is sent, it keeps; what is posted to it, it hands in. A model, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from carekit.facts.nouns import Address, Inbound
from carekit.ground.errors import Malformed
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Channel, Delivery, Outbound, Payload


class Posted(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON body it accepts: the far side's id of the message, who it is from, and the text."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    sender: Annotated[str, msgspec.Meta(min_length=1)]
    text: str
    name: str = ""


class Loopback(Channel):
    """``sent`` holds every outbound message in order."""

    capabilities = Capabilities(webhook=True, may_initiate=True, idempotent=True)

    def __init__(self, name: str, settings: object = None) -> None:
        super().__init__(name, settings)
        self.sent: list[Outbound] = []
        self._ids: set[str] = set()

    def decode(self, payload: Payload) -> Sequence[Inbound]:
        try:
            posted = msgspec.json.decode(payload.body, type=Posted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the latter for broken keys
            raise Malformed(f"not a loopback message: {error}") from error
        key = f"peer:{posted.sender}"
        return (
            Inbound(
                channel=self.name,
                external_id=posted.id,
                sender=Address("loopback", posted.sender, posted.name),
                text=posted.text,
                thread=(key,),
                keys=(key,),
            ),
        )

    async def send(self, outbound: Outbound) -> Delivery:
        if outbound.id not in self._ids:  # an attempt that was not noted is repeated under the same id
            self._ids.add(outbound.id)
            self.sent.append(outbound)
        return Delivery(external_id=outbound.id)
