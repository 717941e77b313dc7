"""Registers the bot ``faqbot``, the app ``help`` and the command ``faq``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from carekit import App, Bot, hookimpl
from carekit_faqbot.app import Help
from carekit_faqbot.bot import FaqBot
from carekit_faqbot.command import faq


@hookimpl
def carekit_bots() -> Mapping[str, type[Bot]]:
    """The bot that answers from articles."""
    return {"faqbot": FaqBot}


@hookimpl
def carekit_apps() -> Mapping[str, type[App]]:
    """The help centre."""
    return {"help": Help}


@hookimpl
def carekit_commands() -> Sequence[click.Command]:
    """The evaluation of a folder of articles."""
    return [faq]
