"""The help centre as an app: the pages of `HelpPages` over HTTP, readable without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from carekit import App, Desk, setting
from carekit_faqbot.articles import ArticlesError, load_articles
from carekit_faqbot.beginning import STARTER_FILES
from carekit_faqbot.pages import HelpPages, Site
from carekit_faqbot.talk import LANGUAGES

if TYPE_CHECKING:  # starlette takes its time to import, and most commands serve no page
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

FOREVER = "public, max-age=31536000, immutable"


@attrs.frozen
class HelpSettings:
    """Keys of ``[apps.*]`` with ``use = "help"``."""

    articles: Path = setting("the folder of Markdown articles, relative to the file; the same as the bot's")
    title: str = setting("name in the heading of every page", default="")
    language: str = setting("language of the list and the search: en, es, de or fr", default="en")
    home: str = setting("address of the site's first page, for the link in the heading", default="")
    contact: str = setting("address behind the link at the end of an article, such as mailto:help@…", default="")
    chat: str = setting("path of the chat's script, such as /channels/website/w.js, to have the chat here", default="")


class Help(App):
    """Serves the articles: a list with a search, and a page each."""

    Settings = HelpSettings
    starter = """\
# The articles as a help centre.
[apps.help]
use = "help"
path = "/help"
articles = "articles"
"""
    starter_files = STARTER_FILES

    def check(self) -> Iterable[str]:
        """Reads the articles: a fault in one is a fault of the settings, to be found before anything starts."""
        if self.settings.language not in LANGUAGES:
            yield f'language: "{self.settings.language}" is not spoken; choose {", ".join(LANGUAGES)}'
        if self.settings.chat and not self.settings.chat.startswith("/"):
            yield f'chat: "{self.settings.chat}" is not a path of this service; it begins with a slash'
        try:
            load_articles(self.settings.articles)
        except ArticlesError as error:
            for problem in error.problems:
                yield f"articles: {problem}"

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        from starlette.responses import HTMLResponse, Response
        from starlette.routing import Route

        settings: HelpSettings = self.settings
        site = Site(
            self.path.rstrip("/"),
            settings.title or desk.name,
            settings.language,
            settings.home,
            settings.contact,
            settings.chat,
        )
        pages = HelpPages(load_articles(settings.articles), site)
        headers = _headers(settings.chat)

        async def start(request: Request) -> Response:
            query = request.query_params.get("q", "")
            return HTMLResponse(pages.search(query) if query else pages.list(), headers=headers)

        async def article(request: Request) -> Response:
            page = pages.article(request.path_params["slug"])
            return HTMLResponse(page or pages.missing(), 200 if page else 404, headers=headers)

        async def css(request: Request) -> Response:
            nosniff = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
            return Response(pages.css, media_type="text/css", headers=nosniff)

        return [Route("/", start), Route("/help.css", css), Route("/{slug}", article)]


def _headers(chat: str) -> dict[str, str]:
    """The policy allows the chat's script and frame only where the chat is wanted, and nothing inline ever."""
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' https:",
        "form-action 'self'",
        "base-uri 'none'",
    ]
    if chat:
        policy += ["script-src 'self'", "frame-src 'self'", "connect-src 'self'"]
    return {
        "Cache-Control": "public, max-age=60",
        "Content-Security-Policy": "; ".join([*policy, "frame-ancestors 'self'"]),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
