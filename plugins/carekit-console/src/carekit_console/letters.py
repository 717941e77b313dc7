"""Dead letters as the page shows them: what each is, whose, what it says, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from carekit import Desk, Glimpse, Letter
from carekit_console.session import Session
from carekit_console.words import LETTER, Stamp, stamp

PAGE: Final = 25
"""Letters of one page: each may be a mail that has to be looked into."""
SHOWN: Final = 240
"""Characters of what one says."""


@attrs.frozen
class DeadLetter:
    """One letter. ``tried`` says how often in words, empty where nobody counted."""

    id: str
    what: str
    channel: str
    at: Stamp
    error: str
    conversation: str
    inbound: bool
    sender: str
    to: str
    subject: str
    text: str
    tried: str


class Letters:
    """Reads them from the desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.zone = ZoneInfo(desk.timezone)

    async def page(self, session: Session, after: str) -> tuple[list[DeadLetter], bool]:
        """Those after the id *after*, and whether there are more."""
        found = await self.desk.letters(session.scope, after=after, limit=PAGE + 1)
        page, now = found[:PAGE], self.desk.now()
        seen = await self.desk.glimpses(page, session.scope)
        return [self._shown(*one, now) for one in zip(page, seen, strict=True)], len(found) > PAGE

    def _shown(self, letter: Letter, seen: Glimpse, now: datetime) -> DeadLetter:
        channel = self.desk.channels.get(letter.channel)
        times = f"{letter.attempts} times" if letter.attempts > 1 else "once"
        return DeadLetter(
            id=letter.id,
            what=LETTER[letter.kind],
            channel=(channel.title if channel else "") or letter.channel,
            at=stamp(letter.at, now, self.zone),
            error=letter.error,
            conversation=letter.conversation,
            inbound=letter.kind == "inbound",
            sender=seen.sender,
            to=seen.to,
            subject=seen.subject,
            text=_beginning(seen.text),
            tried=f"Tried {times}" if letter.attempts else "",
        )


def _beginning(text: str) -> str:
    """The first words of *text* on one line."""
    words = " ".join(text.split())
    return words if len(words) <= SHOWN else words[:SHOWN].rsplit(" ", 1)[0] + "…"
