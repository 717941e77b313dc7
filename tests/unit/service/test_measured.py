"""What the service measures about itself, and that it costs nothing when nobody listens."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from carekit.facts.events import PresenceChanged
from carekit.facts.nouns import Presence
from carekit.ground.errors import Refused
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.seams.hookspecs import Sample, hookimpl
from carekit.service.measured import MeasuredErrands, MeasuredPipeline
from carekit.service.outbox.errands import Errands
from carekit.service.pipeline.commands import Staff
from carekit.service.pipeline.line import Pipeline
from carekit.testing.desk import MINIMAL, DeskKit

FILE = (
    MINIMAL
    + """
[bots.echo]
use = "echo"

[policies.bot-first]
use = "bot"
bot = "echo"
"""
)


class Echo(Bot):
    """Says it back; breaks when told to."""

    async def respond(self, turn: BotTurn) -> BotReply:
        if turn.text == "break":
            raise RuntimeError("broken")
        return BotReply(turn.text)


def plugin(heard: list[Sample] | None) -> ModuleType:
    """A plugin with the bot that listens to measurements, if there is somewhere to put them."""
    module = ModuleType("measuring")
    module.carekit_bots = hookimpl(lambda: {"echo": Echo})  # type: ignore[attr-defined]
    if heard is not None:

        def carekit_measured(sample: Sample) -> None:
            heard.append(sample)

        module.carekit_measured = hookimpl(carekit_measured)  # type: ignore[attr-defined]
    return module


@pytest.fixture
def heard() -> list[Sample]:
    """Every measurement."""
    return []


@pytest.fixture
def kit(heard: list[Sample]) -> Iterator[DeskKit]:
    """A desk with somebody who listens."""
    with DeskKit(FILE, extra={"measuring": plugin(heard)}, discover=False) as kit:
        yield kit


def operations(kit: DeskKit, heard: list[Sample]) -> list[str]:
    """Which operations were measured, in order, when the desk has told everything."""
    kit.close()
    return [sample.operation for sample in heard]


def test_commits_bots_and_sending_are_measured(kit: DeskKit, heard: list[Sample]) -> None:
    """A message that a bot answers is one turn and one attempt to send, each followed by a commit of what it led to."""
    kit.write("hello")
    assert operations(kit, heard) == ["commit", "bot", "commit", "send", "commit"]
    assert all(sample.seconds >= 0 for sample in heard)


def test_a_commit_counts_its_commands(kit: DeskKit, heard: list[Sample]) -> None:
    """What shares a transaction shares a measurement."""
    kit.add_agent("ana")
    kit.add_agent("bo")
    away = PresenceChanged(Presence.AWAY)
    kit.service.pipeline.handle([Staff("ana", away, "service"), Staff("bo", away, "service")])
    kit.close()
    assert (heard[-1].operation, heard[-1].count) == ("commit", 2)


def test_failures_are_measured_too(kit: DeskKit, heard: list[Sample]) -> None:
    """A broken bot took its time as well, and so did a command that was refused."""
    kit.write("break")
    with pytest.raises(Refused):
        kit.reply("bo", " ")
    found = operations(kit, heard)
    assert found.count("bot") == 1
    assert found[-1] == "commit"


def test_nobody_listening_costs_nothing() -> None:
    """Then the plain pipeline and outbox work, and there is nothing to skip."""
    with DeskKit(FILE, extra={"measuring": plugin(None)}, discover=False) as kit:
        assert type(kit.service.pipeline) is Pipeline
        assert type(kit.service.outbox.errands) is Errands


def test_somebody_listening_gets_the_timed_ones(kit: DeskKit) -> None:
    """One listener is enough."""
    assert type(kit.service.pipeline) is MeasuredPipeline
    assert type(kit.service.outbox.errands) is MeasuredErrands
