"""What the plugin registers."""

from __future__ import annotations

from carekit_faqbot import plugin
from carekit_faqbot.app import Help
from carekit_faqbot.bot import FaqBot


def test_carekit_bots_offers_the_bot() -> None:
    """``use = "faqbot"`` in [bots.*]."""
    assert plugin.carekit_bots() == {"faqbot": FaqBot}


def test_carekit_apps_offers_the_help_centre() -> None:
    """``use = "help"`` in [apps.*]."""
    assert plugin.carekit_apps() == {"help": Help}


def test_carekit_commands_offers_the_evaluation() -> None:
    """``carekit faq``."""
    assert [command.name for command in plugin.carekit_commands()] == ["faq"]
