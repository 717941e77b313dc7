"""The service: its own secret, and what it tells after a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import attrs
import pytest

from carekit.builtin.memory import MemoryStore
from carekit.facts.actions import Send
from carekit.facts.nouns import Address, Inbound
from carekit.ground.errors import ConfigError, InDoubt, Unavailable
from carekit.seams.app import App
from carekit.seams.desk import Desk
from carekit.seams.hookspecs import hookimpl
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING
from carekit.seams.settings import setting
from carekit.service import config, node, plugins
from carekit.service import service as module
from carekit.service.compose import _kept_secret
from carekit.service.pipeline.commands import Command
from carekit.service.pipeline.world import Kept
from carekit.service.service import Role, Service
from carekit.testing import DeskKit
from carekit.testing.desk import MINIMAL


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    """The second start finds the first one's secret, which nobody else may read, and no other file."""
    path = tmp_path / "data" / "secret"
    made = _kept_secret(path)
    assert (len(made), _kept_secret(path)) == (64, made)
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_secret_is_made_anew(tmp_path: Path) -> None:
    """What a start that died half-way left behind signs nothing: anybody could have made such signatures."""
    path = tmp_path / "secret"
    path.write_text("\n")
    assert len(_kept_secret(path)) == 64


def test_a_file_of_something_else_is_explained(tmp_path: Path) -> None:
    """Bytes that are no text are refused with the place and the remedy."""
    path = tmp_path / "secret"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"cannot keep a secret in .*set \[service\] secret"):
        _kept_secret(path)


ARCHIVING = MINIMAL + '\n[policies.archive]\nuse = "archive"\nafter = "1d"\n'


def test_followers_get_each_event_with_its_own_conversation() -> None:
    """A message that finds its conversation due for the archive begins another; nobody sees the two mixed up."""
    with DeskKit(ARCHIVING, discover=False) as kit:
        old = kit.write("first").conversation
        kit.resolve("lena")
        kit.clock.advance("2d")

        async def write_and_follow() -> list[tuple[str, str | None]]:
            after = kit.service.store.last_position()
            heard: list[tuple[str, str | None]] = []
            feed = kit.desk.follow(EVERYTHING, after=after)
            first = asyncio.ensure_future(anext(feed))
            await asyncio.sleep(0)
            await kit.desk.receive(Inbound("loop", "late", Address("loopback", "ana"), "second", ("peer:ana",)))
            while not any(id != old for id, _ in heard):
                heard += [(live.event.stream, live.conversation and live.conversation.id) for live in await first]
                first = asyncio.ensure_future(anext(feed))
            first.cancel()
            return heard

        heard = kit.run(write_and_follow())
        assert {id for id, _ in heard} == {old, kit.conversation().id}
        assert all(stream == conversation for stream, conversation in heard)


# --- several processes on one store


class Commons(MemoryStore):
    """One store for every service of a test, behind the manners of a database that several processes use."""

    inline: ClassVar[bool] = False
    shared: ClassVar[bool] = True
    ours: ClassVar[Commons | None] = None

    def __new__(cls, *_: object) -> Commons:
        cls.ours = cls.ours or super().__new__(cls)
        return cls.ours

    def __init__(self, name: str, settings: object) -> None:
        if not hasattr(self, "settings"):
            super().__init__(name, settings)

    def close(self) -> None:
        pass


class Watch(App):
    """Notes who is at work."""

    everywhere: ClassVar[list[str]] = []
    alone: ClassVar[list[str]] = []

    async def run(self, desk: Desk) -> None:
        self.everywhere.append(self.settings.label)

    async def run_alone(self, desk: Desk) -> None:
        self.alone.append(self.settings.label)
        await asyncio.Event().wait()


@attrs.frozen
class WatchSettings:
    label: str = setting("whose")


Watch.Settings = WatchSettings


def _plugin() -> ModuleType:
    module = ModuleType("carekit_commons")
    module.carekit_stores = hookimpl(_hook("carekit_stores", {"commons": Commons}))  # type: ignore[attr-defined]
    module.carekit_apps = hookimpl(_hook("carekit_apps", {"watch": Watch}))  # type: ignore[attr-defined]
    return module


def _hook(name: str, offered: dict[str, type]) -> Callable[[], dict[str, type]]:
    def hook() -> dict[str, type]:
        return offered

    hook.__name__ = name
    return hook


def _service(folder: Path, label: str, role: Role = Role.ALL) -> Service:
    toml = MINIMAL.replace('"memory"', '"commons"') + f'\n[apps.watch]\nuse = "watch"\nlabel = "{label}"\n'
    file = folder / f"{label}.toml"
    file.write_text(toml)
    installed = plugins.load(extra={"commons": _plugin()}, discover=False)
    return Service(config.load(file, installed), installed, role=role)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes turns often; begins with an empty store and nobody at work."""
    monkeypatch.setattr(module, "BEAT", 0.005)
    monkeypatch.setattr(Commons, "ours", None)
    Watch.everywhere.clear()
    Watch.alone.clear()


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0.002)


@pytest.mark.usefixtures("brief")
def test_one_process_at_a_time_does_what_is_for_one(tmp_path: Path) -> None:
    """A component's `run` is everybody's, its `run_alone` is one's until that one stops."""

    async def scenario() -> None:
        one, two = _service(tmp_path, "one"), _service(tmp_path, "two")
        for service in (one, two):
            service.open()
            await service.start()
        await _until(lambda: len(Watch.everywhere) == 2 and Watch.alone)
        await asyncio.sleep(0.05)
        assert Watch.alone == ["one"]
        await one.stop()
        await _until(lambda: Watch.alone == ["one", "two"])
        await two.stop()

    asyncio.run(scenario())


@pytest.mark.usefixtures("brief")
def test_who_has_lost_its_lease_does_it_no_more(tmp_path: Path) -> None:
    """What another process may have taken over is cancelled, and begun again when it is one's turn again."""

    async def scenario() -> None:
        one = _service(tmp_path, "one")
        one.open()
        await one.start()
        await _until(lambda: Watch.alone == ["one"])
        assert one.node.lost is not None
        one.node.lost()
        await _until(lambda: Watch.alone == ["one", "one"])
        await one.stop()

    asyncio.run(scenario())


@pytest.mark.usefixtures("brief")
def test_who_is_in_doubt_about_a_commit_does_what_it_led_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that was kept though nobody heard so is answered once the number it was kept under has run out."""
    monkeypatch.setattr(node, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(node, "BEAT", 0.1)

    async def scenario() -> None:
        one = _service(tmp_path, "one")
        one.open()
        await one.start()
        found = await one.desk.receive(Inbound("loop", "1", Address("loopback", "ana"), "hello", ("peer:ana",)))
        plain = one.pipeline.handle

        def break_off(commands: Sequence[Command]) -> list[Kept | Exception]:
            one.pipeline.handle = plain  # type: ignore[method-assign]
            plain(commands)
            raise InDoubt("it broke off")

        one.pipeline.handle = break_off  # type: ignore[method-assign]
        with pytest.raises(InDoubt):
            await one.desk.act(found.conversation, Send("hi"), "service", scope=EVERYTHING)
        await _until(lambda: one.store.pending_jobs() == 0)
        await one.stop()

    asyncio.run(scenario())


@pytest.mark.usefixtures("brief")
def test_a_process_for_requests_does_no_work_in_the_background(tmp_path: Path) -> None:
    """It takes messages, and leaves what follows to the others."""

    async def scenario() -> None:
        web, worker = _service(tmp_path, "web", Role.WEB), _service(tmp_path, "worker", Role.WORKER)
        web.open()
        await web.start()
        await web.desk.receive(Inbound("loop", "1", Address("loopback", "ana"), "hello", ("peer:ana",)))
        agent = await web.desk.conversations(Query(), EVERYTHING)
        await web.desk.act(agent.items[0].id, Send("hi"), "service", scope=EVERYTHING)
        await asyncio.sleep(0.05)
        assert (Watch.everywhere, Watch.alone) == ([], [])
        worker.open()
        await worker.start()
        loop = worker.channels["loop"]
        await _until(lambda: getattr(loop, "sent", None))
        assert not getattr(web.channels["loop"], "sent", None)
        await worker.stop()
        await web.stop()

    asyncio.run(scenario())


def test_many_messages_at_once_are_turned_away_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """While too much is waiting to be written, a payload of several messages is refused whole, and nothing is kept."""
    monkeypatch.setattr("carekit.service.writer.WAITING", 0)
    with DeskKit(discover=False) as kit:
        messages = [Inbound("loop", str(number), Address("loopback", "ana"), "hello") for number in range(2)]
        with pytest.raises(Unavailable, match="try again in a moment"):
            kit.run(kit.desk.receive_all(messages))
        assert kit.service.store.last_position() == 0


@pytest.mark.usefixtures("brief")
def test_what_has_stopped_is_told_although_other_work_of_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A component that cannot listen is failed, even if it has nothing to fetch."""

    async def listen(self: Watch, desk: Desk) -> None:
        raise ConfigError("port 25 is in use")

    async def fetch(self: Watch, desk: Desk) -> None:
        self.alone.append("nothing to fetch")

    monkeypatch.setattr(Watch, "run", listen)
    monkeypatch.setattr(Watch, "run_alone", fetch)

    async def scenario() -> None:
        one = _service(tmp_path, "one")
        one.open()
        await one.start()
        await _until(lambda: Watch.alone)
        await asyncio.sleep(0.02)
        told = [(health.name, health.detail) for health in await one.health() if health.state == "failed"]
        assert told == [("watch", "port 25 is in use")]
        await one.stop()

    asyncio.run(scenario())
