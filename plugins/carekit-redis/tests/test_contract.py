"""The shared suite of buses, over a real server."""

from __future__ import annotations

from typing import Any

import pytest

from carekit import Secret
from carekit.testing import BusContract
from carekit_redis.bus import RedisBus, RedisSettings


class TestRedisBus(BusContract):
    """As it comes."""

    @pytest.fixture
    def bus(self, server: Any) -> RedisBus:
        return RedisBus("redis", RedisSettings(url=Secret(server.url)))

    @pytest.fixture
    def other(self, server: Any) -> RedisBus:
        return RedisBus("redis", RedisSettings(url=Secret(server.url)))
