"""The texts that policies send: which variables they may use, and their values."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from carekit.facts.nouns import Conversation
from carekit.ground.calendars import Calendar
from carekit.ground.errors import TemplateError
from carekit.rules.context import Context
from carekit.rules.templates import Template

VARIABLES = ("contact.name", "contact.first_name", "agent.name", "service.name", "hours.opens")
"""What every automatic text may name."""

_PLAIN_NAME = re.compile(r"[^\W\d_][\w'’\- ]{0,40}")


def faults(texts: dict[str, str], variables: tuple[str, ...] = VARIABLES) -> list[str]:
    """What is wrong with the texts of a policy, by key: for `Component.check`."""
    found = []
    for key, text in texts.items():
        try:
            Template.parse(text, variables)
        except TemplateError as error:
            found.append(f"{key}: {error}")
    return found


def values(conversation: Conversation, context: Context, calendar: Calendar | None = None) -> dict[str, str]:
    """The values of `VARIABLES`.

    Automatic texts go to addresses nobody has verified, so a name that could carry a message or a link is left out.
    """
    agent = context.agents.get(conversation.assignee)
    opens = calendar.next_opening(context.now) if calendar else None
    return {
        "contact.name": _safe(context.contact.name),
        "contact.first_name": _safe(context.contact.first_name),
        "agent.name": agent.name if agent else "",
        "service.name": context.service,
        "hours.opens": local(opens, calendar) if opens and calendar else "",
    }


def local(at: datetime, calendar: Calendar) -> str:
    """An instant in the calendar's zone: ``Monday 09:00``."""
    return at.astimezone(ZoneInfo(calendar.timezone)).strftime("%A %H:%M")


def _safe(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else ""
