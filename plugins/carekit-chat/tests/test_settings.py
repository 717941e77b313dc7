from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from carekit_chat.channel import ChatChannel
from carekit_chat.settings import ChatSettings


def test_defaults_have_no_faults() -> None:
    """A table with ``use = "chat"`` alone works."""
    assert list(ChatChannel("website", ChatSettings()).check()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("origins", ("shop.example",)),
        ("origins", ("https://shop.example/path",)),
        ("origins", ("https://*.shop.example/",)),
        ("accent", "teal"),
        ("topics", ("a", "b", "c", "d")),
        ("help", "javascript:alert(1)"),
        ("messages_per_minute", 0),
        ("visitors_per_minute", 0),
        ("remember", timedelta(minutes=1)),
    ],
)
def test_a_fault_names_the_key(key: str, value: Any) -> None:
    """What is wrong is said once, with the key and the remedy."""
    faults = list(ChatChannel("website", ChatSettings(**{key: value})).check())
    assert len(faults) == 1
    assert key in faults[0]


def test_the_feed_carries_what_we_write() -> None:
    """The channel is live, pushes nothing and reports both receipts."""
    capabilities = ChatChannel("website", ChatSettings()).capabilities
    assert capabilities.live
    assert not capabilities.push
    assert capabilities.delivered
    assert capabilities.read
