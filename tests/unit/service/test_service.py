"""The service: its own secret, and what it tells after a commit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from carekit.facts.nouns import Address, Inbound
from carekit.ground.errors import ConfigError
from carekit.seams.scope import EVERYTHING
from carekit.service.compose import _kept_secret
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
