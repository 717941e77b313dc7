"""A server that is away, that refuses, that stops answering: explained, and no secret in it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import Any

import pytest

from carekit import ConfigError, Secret, Unavailable
from carekit.testing import DeskKit
from carekit.testing.desk import MINIMAL
from carekit_redis import bus as module
from carekit_redis.bus import RedisBus, RedisSettings


def _bus(url: str, topic: str = "carekit") -> RedisBus:
    return RedisBus("redis", RedisSettings(url=Secret(url), topic=topic))


async def _listen_again(bus: RedisBus, heard: list[bytes]) -> None:
    """As the service does it: a connection that died meanwhile may still be found in the pool."""
    while True:
        with suppress(Unavailable):
            await bus.listen(heard.append)


async def _publish_until(bus: RedisBus, heard: list[bytes]) -> None:
    async with asyncio.timeout(20):
        while not heard:
            await bus.publish(b"x")
            await asyncio.sleep(0.02)


def test_a_server_that_was_killed_is_said_to_be_away(server: Any) -> None:
    """Publishing and listening both end with a sentence; when it is back, both work again."""

    async def scenario() -> None:
        bus, heard = _bus(server.url), list[bytes]()
        listening = asyncio.create_task(bus.listen(heard.append))
        await _publish_until(bus, heard)
        server.stop()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await listening
        with pytest.raises(Unavailable, match=r"is it running, and is \[bus\] url right"):
            await bus.publish(b"x")
        server.start()
        heard.clear()
        again = asyncio.create_task(_listen_again(bus, heard))
        await _publish_until(bus, heard)
        again.cancel()
        await bus.finish()

    asyncio.run(scenario())


def test_a_server_that_stands_still_is_noticed(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is open and dead raises after a while, instead of hearing nothing for ever."""
    monkeypatch.setattr(module, "SILENCE", 0.2)
    monkeypatch.setattr(module, "PATIENCE", 0.3)

    async def scenario() -> None:
        bus, heard = _bus(server.url), list[bytes]()
        listening = asyncio.create_task(bus.listen(heard.append))
        await _publish_until(bus, heard)
        await asyncio.sleep(1)
        assert not listening.done(), "silence alone is no fault: it was asked and has answered"
        server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(listening, 10)
        with pytest.raises(Unavailable):
            await bus.publish(b"x")
        server.process.send_signal(signal.SIGCONT)
        await bus.finish()

    asyncio.run(scenario())


def test_a_flushed_server_changes_nothing(server: Any) -> None:
    """Nothing is kept there that could be missed."""

    async def scenario() -> None:
        bus, heard = _bus(server.url), list[bytes]()
        listening = asyncio.create_task(bus.listen(heard.append))
        await _publish_until(bus, heard)
        await bus._redis.flushall()
        assert await bus._redis.dbsize() == 0
        heard.clear()
        await _publish_until(bus, heard)
        assert await bus._redis.dbsize() == 0
        listening.cancel()
        await bus.finish()

    asyncio.run(scenario())


def test_desks_with_topics_of_their_own_do_not_hear_each_other(server: Any) -> None:
    """One server serves several desks."""

    async def scenario() -> None:
        mine, theirs, heard, other = _bus(server.url, "a"), _bus(server.url, "b"), list[bytes](), list[bytes]()
        tasks = [asyncio.create_task(mine.listen(heard.append)), asyncio.create_task(theirs.listen(other.append))]
        await _publish_until(theirs, other)
        await _publish_until(mine, heard)
        assert set(heard) == {b"x"}
        before = len(heard)
        async with asyncio.timeout(20):
            while b"y" not in other:
                await theirs.publish(b"y")
                await asyncio.sleep(0.01)
        assert len(heard) == before
        for task in tasks:
            task.cancel()
        await mine.finish()
        await theirs.finish()

    asyncio.run(scenario())


def test_a_wrong_password_is_explained_without_it(guarded: Any) -> None:
    """What to mend is said, and the secret is not."""

    async def scenario() -> str:
        bus = _bus(guarded.url.replace("redis://", "redis://:not-the-password@"))
        with pytest.raises(Unavailable) as caught:
            await bus.publish(b"x")
        await bus.finish()
        return str(caught.value)

    said = asyncio.run(scenario())
    assert said == "the Redis server refuses the user or the password of [bus] url"


def test_the_right_password_is_taken(guarded: Any) -> None:
    """A url with a password works; `carekit doctor` says so."""

    async def scenario() -> None:
        bus = _bus(guarded.url.replace("redis://", "redis://:open%20sesame@"))
        assert [health.state for health in await bus.examine(None)] == ["ok"]  # type: ignore[arg-type]
        await bus.finish()

    asyncio.run(scenario())


def test_the_doctor_says_what_is_wrong(server: Any) -> None:
    """A server that is not there is a failed part with its remedy."""
    server.stop()

    async def scenario() -> None:
        bus = _bus(server.url)
        [health] = await bus.examine(None)  # type: ignore[arg-type]
        assert (health.name, health.state) == ("bus redis", "failed")
        assert "is it running" in health.detail
        await bus.finish()

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["", "localhost", "http://localhost", "redis://user:pa/ss@host:x/0"])
def test_a_url_that_cannot_be_read_is_a_fault_of_the_file(url: str) -> None:
    """Said with an example, and without the url, which may hold a password."""
    with pytest.raises(ConfigError, match="the url cannot be read; write redis://") as caught:
        _bus(url)
    assert "pa/ss" not in str(caught.value)


@pytest.mark.parametrize("url", ['"redis://127.0.0.1:6390/1"', '{ env = "CARE_REDIS" }'])
def test_the_file_names_the_server(url: str) -> None:
    """A text or a variable of the environment will do: all that is wrong with this desk is that it needs no bus."""
    environment = {"CARE_REDIS": "redis://:open-sesame@127.0.0.1:6390/1"}
    with pytest.raises(ConfigError) as caught:
        DeskKit(f'{MINIMAL}[bus]\nuse = "redis"\nurl = {url}\n', environment=environment)
    [fault] = str(caught.value).splitlines()
    assert "is of no use, because only one process can use this store" in fault
