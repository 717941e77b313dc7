"""The pages one can read. Nothing here changes anything."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from carekit import Attachment, Event, MessageReceived, MessageSent, NotFound
from carekit_console.board import Board, Opened, Row
from carekit_console.letters import Letters
from carekit_console.render import Renderer
from carekit_console.report import summary
from carekit_console.session import Session, Sessions
from carekit_console.views import VIEWS, View
from carekit_console.words import PRESENCE

RECENT: Final = 200
FOUND: Final = 20
PERIODS: Final = {"7": "7 days", "30": "30 days", "90": "90 days"}
THEMES: Final = ("system", "light", "dark")
PREFERENCES: Final = "carekit-console-prefs"


def preferences(request: Request) -> tuple[str, bool]:
    """The theme and whether shortcuts are on, from the cookie that remembers them."""
    theme, _, keys = request.cookies.get(PREFERENCES, "").partition(".")
    return (theme if theme in THEMES else "system"), keys != "off"


class Pages:
    """The handlers of the console's pages."""

    def __init__(self, board: Board, sessions: Sessions, renderer: Renderer) -> None:
        self.board = board
        self.desk = board.desk
        self.sessions = sessions
        self.renderer = renderer

    async def home(self, request: Request, session: Session) -> Response:
        """The first view."""
        return RedirectResponse(f"{self.sessions.base}/view/mine", 303)

    async def view(self, request: Request, session: Session) -> Response:
        """A list without an open conversation; ``?part=list`` gives only what changes by itself."""
        view = VIEWS.get(request.path_params["view"])
        if view is None:
            raise NotFound("no such view")
        return await self.show(request, session, view, None)

    async def conversation(self, request: Request, session: Session) -> Response:
        """An open conversation beside its list; ``?part=thread`` gives only the conversation."""
        opened = await self.board.open(
            request.path_params["id"], session, _number(request.query_params.get("from", ""))
        )
        return await self.show(request, session, self.view_of(request, session, opened), opened)

    def view_of(self, request: Request, session: Session, opened: Opened, asked: str = "") -> View:
        """The view to show beside *opened*: the one asked for, or one that is likely to hold it."""
        view = VIEWS.get(asked or request.query_params.get("view", ""))
        if view is not None:
            return view
        return VIEWS["mine"] if opened.conversation.assignee == session.agent.id else VIEWS["all"]

    async def show(
        self,
        request: Request,
        session: Session,
        view: View,
        opened: Opened | None,
        *,
        status: int = 200,
        problem: str = "",
        stale: bool = False,
        kind: str = "reply",
        text: str = "",
    ) -> Response:
        """The console page, or the part of it that is asked for."""
        part = request.query_params.get("part", "") if request.method == "GET" else ""
        values = self.common(request, session)
        values |= {"view": view, "opened": opened, "views": VIEWS.values(), "key": secrets.token_urlsafe(16)}
        values |= {"problem": problem, "stale": stale, "kind": kind, "text": text}
        if part == "thread" and opened is not None:
            return self.renderer.page("part_thread.html", 200, **values)
        (rows, after), counts = await asyncio.gather(
            self.board.rows(view, session, request.query_params.get("cursor", "")), self.board.counts(session)
        )
        values |= {"rows": rows, "after": after, "counts": counts, "paged": "cursor" in request.query_params}
        return self.renderer.page("part_list.html" if part == "list" else "console.html", status, **values)

    def common(self, request: Request, session: Session) -> dict[str, Any]:
        """What every page of an agent shows."""
        theme, keys = preferences(request)
        return {
            "service": self.desk.name,
            "agent": session.agent,
            "everything": session.scope.inboxes is None,
            "presences": PRESENCE,
            "csrf": self.sessions.token(session.nonce),
            "theme": theme,
            "keys": keys,
            "now": self.desk.now().isoformat(timespec="seconds"),
            "here": request.scope["path"].removeprefix(request.scope.get("root_path", "")),
        }

    async def reports(self, request: Request, session: Session) -> Response:
        """The figures of the last days."""
        days = request.query_params.get("days", "30")
        days = days if days in PERIODS else "30"
        now = self.desk.now()
        report = await self.desk.report(session.scope, since=now - timedelta(days=int(days)), until=now)
        titles = {name: channel.title or name for name, channel in self.desk.channels.items()}
        values = self.common(request, session)
        values |= {"days": days, "periods": PERIODS, "summary": summary(report, titles), "timezone": self.desk.timezone}
        return self.renderer.page("reports.html", 200, **values)

    async def letters(self, request: Request, session: Session, problem: str = "") -> Response:
        """What could not be read or sent, for those who see every inbox."""
        items, more = await Letters(self.desk).page(session, request.query_params.get("after", ""))
        values = self.common(request, session)
        values |= {"items": items, "problem": problem, "more": more}
        return self.renderer.page("letters.html", 422 if problem else 200, **values)

    async def find(self, request: Request, session: Session) -> Response:
        """Conversations for the palette: the latest that ``q`` names, then those in which it was said."""
        asked = request.query_params.get("q", "")[:200]
        words = asked.casefold().split()
        found: dict[str, dict[str, str]] = {}
        for row in await self.board.recent(session, RECENT):
            text = f"{row.name} {row.subject} {row.preview} {row.assignee}".casefold()
            if all(word in text for word in words):
                found[row.id] = _found(row, row.subject or row.preview)
        hits = await self.desk.search(asked, session.scope, limit=FOUND)
        said = {hit.conversation: "".join(part for part, _ in hit.pieces) for hit in reversed(hits)}
        for row in await self.board.some(session, [id for id in said if id not in found]):
            found[row.id] = _found(row, said[row.id])
        return JSONResponse({"conversations": list(found.values())[:FOUND]})

    async def who(self, request: Request, session: Session) -> Response:
        """Whether the session still stands: what a page asks after its live stream was refused."""
        return JSONResponse({"agent": session.agent.id})

    async def file(self, request: Request, session: Session) -> Response:
        """An attachment, always as a download and never as a page of ours."""
        seq, number = int(request.path_params["seq"]), int(request.path_params["number"])
        if not 0 < seq < 2**31:
            raise NotFound("no such file")
        events = await self.desk.events(request.path_params["id"], session.scope, after=seq - 1, limit=1)
        attachment = _attachment(events, seq, number)
        name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", attachment.name) or "file"
        return Response(
            await self.desk.fetch(attachment.digest),
            media_type="application/octet-stream",
            headers={
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )


def _found(row: Row, detail: str) -> dict[str, str]:
    return {"id": row.id, "title": row.name, "detail": detail, "state": row.state}


def _attachment(events: list[Event], seq: int, number: int) -> Attachment:
    for event in events:
        files = event.fact.attachments if isinstance(event.fact, MessageReceived | MessageSent) else ()
        if event.seq == seq and number < len(files):
            return files[number]
    raise NotFound("no such file")


def _number(text: str) -> int:
    """A step from an address; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
