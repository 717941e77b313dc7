"""Who is writing just now: told to whoever listens in this process, and kept nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from carekit.facts.nouns import Conversation
from carekit.seams.desk import Typing
from carekit.seams.scope import Scope

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=1)
"""Between two notices of one person in one conversation; what comes sooner says nothing new."""
KEPT = 1_000
"""Notices that are remembered for that, before all of them are forgotten."""

Heard = Callable[[Typing], None]


class Typists:
    """Passes notices on. A listener is called at once and must not wait."""

    def __init__(self) -> None:
        self._listeners: dict[object, tuple[Scope, Heard]] = {}
        self._last: dict[Typing, datetime] = {}

    def listen(self, scope: Scope, heard: Heard) -> Callable[[], None]:
        """Call *heard* for each notice that *scope* shows, until the returned function is called."""
        mark = object()
        self._listeners[mark] = (scope, heard)

        def end() -> None:
            self._listeners.pop(mark, None)

        return end

    def is_news(self, typing: Typing, now: datetime) -> bool:
        """Whether anybody listens, and has not just been told."""
        last = self._last.get(typing)
        if not self._listeners or (last is not None and timedelta(0) <= now - last < PAUSE):
            return False
        if len(self._last) >= KEPT:
            self._last.clear()  # so that the most that may happen is that a notice is told once more
        self._last[typing] = now
        return True

    def tell(self, typing: Typing, conversation: Conversation) -> None:
        """Pass *typing* on to those who may know of it: a contact hears of agents only."""
        for scope, heard in list(self._listeners.values()):
            if not scope.reaches(conversation) or (scope.contact and not typing.actor.startswith("agent:")):
                continue
            try:
                heard(typing)
            except Exception:  # one listener's fault must not keep the notice from the others
                log.exception("a notice of typing could not be passed on")
