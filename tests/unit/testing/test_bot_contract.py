"""The suite for bots passes for a sound bot and finds broken ones."""

from __future__ import annotations

import asyncio

import pytest

from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.testing import BotContract


class Parrot(Bot):
    """Repeats, and counts in its own memory."""

    async def respond(self, turn: BotTurn) -> BotReply:
        said = turn.memory.get("said", 0)
        assert isinstance(said, int)
        await asyncio.sleep(0)
        return BotReply(turn.text, memory={"said": said + 1})


class TestParrot(BotContract):
    @pytest.fixture
    def bot(self) -> Bot:
        return Parrot("parrot", None)


class _Broken(Bot):
    async def respond(self, turn: BotTurn) -> BotReply:
        if not turn.text.strip():
            raise ValueError("nothing to say")
        return BotReply(turn.text)


def test_a_bot_that_raises_for_some_texts_is_found() -> None:
    """A bot that cannot bear an empty message does not pass."""
    with pytest.raises(ValueError, match="nothing to say"):
        BotContract().test_it_bears_any_text(_Broken("broken", None))


class _Mute(Bot):
    async def respond(self, turn: BotTurn) -> BotReply:
        return "hello"  # type: ignore[return-value]


def test_a_bot_that_answers_with_something_else_is_found() -> None:
    """A bot that returns a text instead of a reply does not pass."""
    with pytest.raises(AssertionError):
        BotContract().test_it_answers_with_a_reply(_Mute("mute", None), "hello")
