"""Hints over the publish and subscribe of Redis, which keeps nothing: whoever is away misses them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import attrs

from carekit import Bus, Desk, Health, Secret, Unavailable, setting

PATIENCE = 5.0
"""Seconds that the server may take to answer."""
SILENCE = 15.0
"""Seconds without a hint after which the server is asked whether it is still there."""


@attrs.frozen
class RedisSettings:
    """The keys of ``[bus]`` with ``use = "redis"``."""

    url: Secret = setting(
        "the server: redis://HOST:PORT/DATABASE, rediss:// with TLS, unix:///path; with user and password if the server"
        " asks for them",
        default=Secret("redis://127.0.0.1:6379/0"),
    )
    topic: str = setting(
        "what is published under; desks that share a server but no store give each its own", default="carekit"
    )


class RedisBus(Bus):
    """One connection to listen and one to publish, made when they are needed."""

    Settings = RedisSettings

    def __init__(self, name: str, settings: Any) -> None:
        super().__init__(name, settings)
        self._topic = f"carekit:hint:{settings.topic}"
        from carekit_redis import client  # costs 0.2 s, which only those pay who use it

        self._explained = client.explained
        self._pool = client.pool(settings.url.reveal(), PATIENCE)
        self._redis = client.Redis(connection_pool=self._pool)

    async def publish(self, hint: bytes) -> None:
        with self._explained():
            await self._redis.publish(self._topic, hint)

    async def listen(self, heard: Callable[[bytes], None]) -> None:
        async with self._redis.pubsub() as pubsub:
            with self._explained():
                await pubsub.subscribe(self._topic)
                asked = False
                while True:
                    message = await pubsub.get_message(timeout=PATIENCE if asked else SILENCE)
                    if message is None and asked:
                        raise Unavailable(f"the Redis server has been silent for {SILENCE + PATIENCE:.0f} s")
                    asked = message is None
                    if message is None:
                        await pubsub.ping()
                    elif message["type"] == "message":
                        heard(message["data"])

    async def finish(self) -> None:
        await self._redis.aclose()
        await self._pool.disconnect()

    async def examine(self, desk: Desk) -> list[Health]:
        """Publish and hear one hint."""
        heard = asyncio.Event()
        listening = asyncio.create_task(self.listen(lambda hint: heard.set()))
        try:
            async with asyncio.timeout(PATIENCE):
                while not heard.is_set():
                    await self.publish(b"examined")
                    await asyncio.wait([listening], timeout=0.05)
                    if listening.done():
                        listening.result()
        except (Unavailable, TimeoutError) as error:
            return [Health(f"bus {self.name}", "failed", str(error) or "what is published is not heard")]
        finally:
            listening.cancel()
            await asyncio.wait([listening])
        return [Health(f"bus {self.name}")]
