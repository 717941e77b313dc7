"""The keys of a ``[channels.*]`` table with ``use = "chat"``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import attrs

from carekit import setting
from carekit_chat.origins import is_origin
from carekit_chat.theme import ACCENT, is_colour

_HALF_A_YEAR = timedelta(days=180)


@attrs.frozen
class ChatSettings:
    """The keys of one chat channel."""

    origins: tuple[str, ...] = setting(
        "Sites that may show the chat, such as https://www.shop.example, or * for any; the service's own always may.",
        (),
    )
    greeting: str = setting("First line of an empty chat; without it the visitor's language decides.", "")
    topics: tuple[str, ...] = setting("Up to three first questions to choose from.", ())
    accent: str = setting("Colour of the launcher and of the visitor's own messages, as #rrggbb.", ACCENT)
    help: str = setting("Where to turn when the chat is not available: a mail address or an https address.", "")
    remember: timedelta = setting("How long a visitor is recognised after the last visit.", _HALF_A_YEAR)
    messages_per_minute: int = setting("Messages a visitor may send in a minute, all at once or spread.", 20)
    visitors_per_minute: int = setting("New conversations that one network address may begin in a minute.", 60)


def faults(settings: ChatSettings) -> Iterable[str]:
    """What is wrong with *settings* beyond their types."""
    for origin in settings.origins:
        if origin != "*" and not is_origin(origin):
            yield f'origins has "{origin}", which is not a site: write scheme and host only, such as "https://www.shop.example"'
    if not is_colour(settings.accent):
        yield f'accent is "{settings.accent}", which is not a colour: write it as "{ACCENT}"'
    if len(settings.topics) > 3:
        yield f"topics has {len(settings.topics)} entries; three are the most that fit"
    if settings.help and "@" not in settings.help and not settings.help.startswith("https://"):
        yield f'help is "{settings.help}": write a mail address or an address that begins with https://'
    if settings.messages_per_minute < 1 or settings.visitors_per_minute < 1:
        yield "messages_per_minute and visitors_per_minute must be at least 1"
    if settings.remember < timedelta(hours=1):
        yield 'remember is under an hour: write a longer time, such as "30d"'
