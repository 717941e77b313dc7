"""A bot and a survey, as a plugin that only these tests register."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from carekit import Bot, BotReply, BotTurn, Source, SurveyProvider, hookimpl

ANSWERS = {
    "refund": (
        "Refunds reach you within five working days of the parcel's return, on the card you paid with.",
        (
            Source("Returns and refunds", "https://shop.example/help/returns", 0.8),
            Source("How we pay money back", "https://shop.example/help/money-back", 0.6),
        ),
    ),
}


class Known(Bot):
    """Answers what it knows, and misses the rest."""

    async def respond(self, turn: BotTurn) -> BotReply:
        """Look for a known word."""
        for word, (text, sources) in ANSWERS.items():
            if word in turn.text.lower():
                return BotReply(text, sources=sources, confidence=0.8, threshold=0.5)
        return BotReply("I did not find an answer to that.", missed=True)


class Smile(SurveyProvider):
    """Five steps of satisfaction."""

    @property
    def question(self) -> str:
        """What the contact reads."""
        return "How was the help you got?"


@hookimpl
def carekit_bots() -> Mapping[str, type[Bot]]:
    """The bot ``known``."""
    return {"known": Known}


@hookimpl
def carekit_surveys() -> Mapping[str, type[SurveyProvider]]:
    """The survey ``smile``."""
    return {"smile": Smile}


def module() -> ModuleType:
    """This plugin as pluggy takes it, whatever name the test runner gave this file."""
    found = ModuleType("chat_test_parts")
    found.carekit_bots = carekit_bots  # type: ignore[attr-defined]
    found.carekit_surveys = carekit_surveys  # type: ignore[attr-defined]
    return found
