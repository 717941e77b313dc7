"""What this distribution offers to carekit."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import Bus, hookimpl
from carekit_redis.bus import RedisBus


@hookimpl
def carekit_buses() -> Mapping[str, type[Bus]]:
    """Publish and subscribe of a Redis server (``redis``)."""
    return {"redis": RedisBus}
