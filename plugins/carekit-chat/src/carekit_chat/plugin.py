"""What this distribution adds to carekit: the channel ``chat``."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import Channel, hookimpl
from carekit_chat.channel import ChatChannel


@hookimpl
def carekit_channels() -> Mapping[str, type[Channel]]:
    """The channel ``chat``."""
    return {"chat": ChatChannel}
