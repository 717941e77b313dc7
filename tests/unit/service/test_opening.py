"""What commands of plugins get of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from carekit.facts.nouns import Address, Inbound
from carekit.ground.errors import ConfigError
from carekit.service.opening import ServiceFiles
from carekit.testing.desk import MINIMAL


def test_a_file_is_read_without_opening_anything(tmp_path: Path) -> None:
    """The parts are there, and a faulty file tells its faults."""
    path = tmp_path / "carekit.toml"
    path.write_text(MINIMAL)
    parts = ServiceFiles().load(path)
    assert list(parts.channels) == ["loop"]
    path.write_text("[servise]\n")
    with pytest.raises(ConfigError, match="servise"):
        ServiceFiles().load(path)


def test_an_opened_file_is_a_desk_until_the_end(tmp_path: Path) -> None:
    """What is told to the desk is kept, and what must follow is left to those who work."""
    path = tmp_path / "carekit.toml"
    path.write_text(MINIMAL)

    async def work() -> int:
        async with ServiceFiles().open(path) as parts:
            await parts.desk.receive(Inbound("loop", "1", Address("loopback", "ana"), "hello"))
            return parts.store.last_position()

    assert asyncio.run(work()) == 2
