"""The console as an app: its settings, and its routes put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import attrs
from starlette.routing import BaseRoute, Route

from carekit import App, Desk, setting
from carekit_console.acts import Acts
from carekit_console.board import Board
from carekit_console.entry import Entry
from carekit_console.guard import Act, Guard, Page
from carekit_console.live import Stream
from carekit_console.pages import Pages
from carekit_console.render import Renderer
from carekit_console.session import RENEW_AFTER, Sessions


@attrs.frozen
class ConsoleSettings:
    """The keys of ``[apps.<name>]`` with ``use = "console"``."""

    idle: timedelta = setting("how long an agent stays logged in without doing anything", timedelta(hours=12))


class Console(App):
    """Where agents read and answer conversations."""

    Settings = ConsoleSettings
    path = "/console"
    starter = """\
# Where agents read and answer.
[apps.console]
use = "console"
path = "/console"
"""

    def check(self) -> Iterable[str]:
        if self.settings.idle <= RENEW_AFTER:
            yield "idle must be longer than 5 minutes, or agents would be logged out while they work; 12h is usual"

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        sessions = Sessions(desk, self.path, self.settings.idle)
        renderer = Renderer(sessions.base)
        pages = Pages(Board(desk), sessions, renderer)
        acts, entry, guard = Acts(pages), Entry(pages), Guard(sessions, renderer)

        def read(path: str, handler: Page, name: str) -> Route:
            return Route(path, guard.page(handler), methods=["GET"], name=name)

        def change(path: str, handler: Act, name: str) -> Route:
            return Route(path, guard.act(handler), methods=["POST"], name=name)

        return [
            Route("/static/{version}/{name}", renderer.asset, methods=["GET"], name="static"),
            Route("/login", guard.open(entry.form), methods=["GET"], name="login"),
            Route("/login", guard.open(entry.log_in), methods=["POST"], name="log_in"),
            read("/", pages.home, "home"),
            read("/view/{view}", pages.view, "view"),
            read("/c/{id}", pages.conversation, "conversation"),
            read("/c/{id}/file/{seq:int}/{number:int}", pages.file, "file"),
            read("/reports", pages.reports, "reports"),
            read("/letters", pages.letters, "letters"),
            read("/find", pages.find, "find"),
            read("/who", pages.who, "who"),
            read("/live", Stream(desk, sessions).respond, "live"),
            change("/c/{id}/reply", acts.reply, "reply"),
            change("/c/{id}/note", acts.note, "note"),
            change("/c/{id}/typing", acts.typing, "typing"),
            change("/c/{id}/assign", acts.assign, "assign"),
            change("/c/{id}/resolve", acts.resolve, "resolve"),
            change("/c/{id}/reopen", acts.reopen, "reopen"),
            change("/c/{id}/snooze", acts.snooze, "snooze"),
            change("/c/{id}/resend", acts.resend, "resend"),
            change("/letters/{id}/{what}", acts.letter, "letter"),
            change("/presence", acts.presence, "presence"),
            change("/preferences", acts.preferences, "preferences"),
            change("/logout", acts.log_out, "logout"),
        ]
