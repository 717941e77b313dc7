"""What an agent can do: one handler per form, each a plain POST that ends in a redirect (in JSON for our scripts)."""

from __future__ import annotations

from typing import Final

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from carekit import (
    Action,
    AddNote,
    Assign,
    KeyReused,
    NotFound,
    Outcome,
    Presence,
    Refused,
    Reopen,
    Resend,
    Resolve,
    Send,
    Snooze,
    Stale,
    Unassign,
)
from carekit_console.board import may_take
from carekit_console.guard import Form, wants_json
from carekit_console.pages import PREFERENCES, THEMES, Pages, preferences
from carekit_console.render import sentence
from carekit_console.session import Session
from carekit_console.views import VIEWS

STALE: Final = "Something new arrived while you were writing. Read it, then send anyway or edit."
REUSED: Final = "An earlier version of this text was already taken. Look at the thread before you send this one."


@attrs.frozen
class Failure:
    """Why an act did not happen, in words and as a status."""

    status: int
    kind: str
    text: str


class Acts:
    """The handlers of the console's forms."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.desk = pages.desk
        self.sessions = pages.sessions

    async def reply(self, request: Request, session: Session, form: Form) -> Response:
        """Write to the contact; refused if something public came that the writer has not seen."""
        expected = form.get("expected_seq", "")
        if not (expected.isascii() and expected.isdigit() and len(expected) < 10):
            raise Refused("the form does not say what you had read; reload the page", field="expected_seq")
        return await self._do(request, session, form, Send(form.get("text", "")), "reply", int(expected))

    async def typing(self, request: Request, session: Session, form: Form) -> Response:
        """Tell the other side that a reply is being written; never asked for a note."""
        await self.desk.typing(request.path_params["id"], session.actor, scope=session.scope)
        return Response(status_code=204)

    async def note(self, request: Request, session: Session, form: Form) -> Response:
        """Leave a note that only agents see."""
        return await self._do(request, session, form, AddNote(form.get("text", "")), "note")

    async def assign(self, request: Request, session: Session, form: Form) -> Response:
        """Give it to an agent, to oneself (``me``), or to nobody (empty)."""
        wanted = form.get("agent", "")
        if not wanted:
            return await self._do(request, session, form, Unassign())
        agent = session.agent if wanted == "me" else await self.desk.agent(wanted)
        conversation = await self.desk.conversation(request.path_params["id"], session.scope)
        if agent is None or not may_take(agent, conversation):
            raise Refused("this agent cannot take this conversation; choose another", field="agent")
        return await self._do(request, session, form, Assign(agent.id))

    async def resolve(self, request: Request, session: Session, form: Form) -> Response:
        """Say that it is done."""
        return await self._do(request, session, form, Resolve())

    async def reopen(self, request: Request, session: Session, form: Form) -> Response:
        """Take it up again."""
        return await self._do(request, session, form, Reopen())

    async def snooze(self, request: Request, session: Session, form: Form) -> Response:
        """Put it off to one of the offered moments."""
        for choice in self.pages.board.snoozes(self.desk.now()):
            if choice.key == form.get("until", ""):
                return await self._do(request, session, form, Snooze(choice.until))
        raise Refused("choose until when to snooze it", field="until")

    async def resend(self, request: Request, session: Session, form: Form) -> Response:
        """Send a message again that failed or may not have arrived."""
        message = form.get("message", "")
        await self.desk.conversation(request.path_params["id"], session.scope)
        if not (message.isascii() and message.isdigit() and len(message) < 10):
            raise Refused("the form does not say which message; reload the page", field="message")
        return await self._do(request, session, form, Resend(int(message)))

    async def letter(self, request: Request, session: Session, form: Form) -> Response:
        """Read or send a dead letter again, or let go of it."""
        handle = self.desk.drop if request.path_params["what"] == "drop" else self.desk.retry
        try:
            await handle(request.path_params["id"], session.actor, scope=session.scope)
        except NotFound:
            raise
        except Refused as error:
            return await self.pages.letters(request, session, problem=sentence(str(error)))
        return RedirectResponse(f"{self.sessions.base}/letters", 303)

    async def presence(self, request: Request, session: Session, form: Form) -> Response:
        """Say whether one takes conversations."""
        try:
            presence = Presence(form.get("presence", ""))
        except ValueError:
            raise Refused("choose available, away or off", field="presence") from None
        await self.desk.set_presence(session.agent.id, presence, session.actor)
        return self._done(request, self._back(form))

    async def preferences(self, request: Request, session: Session, form: Form) -> Response:
        """Remember the theme and whether shortcuts are on."""
        theme, keys = preferences(request)
        theme = form["theme"] if form.get("theme") in THEMES else theme
        keys = form["keys"] == "on" if "keys" in form else keys
        response = self._done(request, self._back(form))
        path, secure = self.sessions.base or "/", self.sessions.secure
        value = f"{theme}.{'on' if keys else 'off'}"
        response.set_cookie(
            PREFERENCES, value, path=path, secure=secure, httponly=True, samesite="lax", max_age=31_536_000
        )
        return response

    async def log_out(self, request: Request, session: Session, form: Form) -> Response:
        """End the session, here and for any copy of its cookie."""
        response = RedirectResponse(f"{self.sessions.base}/login", 303)
        self.sessions.end(response, session)
        return response

    async def _do(
        self,
        request: Request,
        session: Session,
        form: Form,
        action: Action,
        kind: str = "",
        expected: int | None = None,
    ) -> Response:
        id = request.path_params["id"]
        key = form.get("key", "")[:100]
        try:
            outcome = await self.desk.act(
                id,
                action,
                session.actor,
                scope=session.scope,
                expected_seq=expected,
                key=f"console:{session.agent.id}:{key}" if key else "",
            )
        except NotFound:
            raise
        except Stale as error:
            return await self._failed(request, session, form, Failure(409, "stale", STALE), kind, error.seq)
        except KeyReused:
            return await self._failed(request, session, form, Failure(409, "key_reused", REUSED), kind)
        except Refused as error:
            return await self._failed(request, session, form, Failure(422, "refused", sentence(str(error))), kind)
        return self._acted(request, form, outcome)

    def _acted(self, request: Request, form: Form, outcome: Outcome) -> Response:
        if wants_json(request):
            return JSONResponse({"ok": True, "seq": outcome.conversation.seq, "status": outcome.conversation.status})
        return self._done(request, f"{self.sessions.base}/c/{request.path_params['id']}{_query(form)}")

    async def _failed(
        self, request: Request, session: Session, form: Form, failure: Failure, kind: str, seq: int = 0
    ) -> Response:
        """Say what is in the way, and hand back what was written."""
        if wants_json(request):
            return JSONResponse({"error": failure.kind, "message": failure.text, "seq": seq}, failure.status)
        opened = await self.pages.board.open(request.path_params["id"], session)
        view = self.pages.view_of(request, session, opened, form.get("view", ""))
        return await self.pages.show(
            request,
            session,
            view,
            opened,
            status=failure.status,
            problem=failure.text,
            stale=failure.kind == "stale",
            kind=kind or "reply",
            text=form.get("text", ""),
        )

    def _done(self, request: Request, path: str) -> Response:
        return JSONResponse({"ok": True}) if wants_json(request) else RedirectResponse(path, 303)

    def _back(self, form: Form) -> str:
        return safe_path(form.get("back", ""), self.sessions.base)


def safe_path(path: str, base: str) -> str:
    """*path* if it is one of our own pages, the first page otherwise: no redirect leads anywhere else."""
    allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/?=&%:"
    inner = path.removeprefix(base)
    pages = inner.startswith(("/view/", "/c/", "/reports"))
    if path.startswith(base) and pages and "//" not in inner and all(letter in allowed for letter in inner):
        return path
    return f"{base}/"


def _query(form: Form) -> str:
    view = form.get("view", "")
    return f"?view={view}" if view in VIEWS else ""
