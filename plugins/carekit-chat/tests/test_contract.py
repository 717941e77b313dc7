from __future__ import annotations

import pytest

from carekit import Channel
from carekit.testing import ChannelContract
from carekit_chat.channel import ChatChannel
from carekit_chat.settings import ChatSettings


class TestChat(ChannelContract):
    """The shared suite. Messages come by the socket, so what it asks of payloads does not apply."""

    @pytest.fixture
    def channel(self) -> Channel:
        """A channel as the file makes it."""
        return ChatChannel("website", ChatSettings())
