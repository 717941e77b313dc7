"""The door: every handler of the console is reached through here, and gets a session or is not reached at all."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from carekit import NotAllowed, NotFound, Refused, StoreError
from carekit_console.render import Renderer, dress, sentence
from carekit_console.session import Session, Sessions

log = logging.getLogger(__name__)
Form = dict[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]
Page = Callable[[Request, Session], Awaitable[Response]]
Act = Callable[[Request, Session, Form], Awaitable[Response]]

MAX_BODY: Final = 2_000_000
"""Bytes of a form: the longest message with every character escaped."""
MISSING: Final = ("Not found", "There is nothing here, or it is not yours to see.")


class Unreadable(Refused):
    """A form that is too large or not a form; ``status`` is the answer's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def wants_json(request: Request) -> bool:
    """Whether our own scripts ask, and not the browser itself."""
    return "application/json" in request.headers.get("accept", "")


async def read_form(request: Request) -> Form:
    """The fields of an urlencoded form, the first of each name; raises `Unreadable`."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Unreadable("this is not a form", 415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Unreadable("the form is too large; shorten the text", 413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        raise Unreadable("this is not a form", 400) from None
    # NUL is legal in a form and in no database's text.
    return {name: value.replace("\0", "").replace("\r\n", "\n") for name, value in reversed(pairs)}


class Guard:
    """Wraps handlers: session, form token, origin, headers and errors, the same for all of them."""

    def __init__(self, sessions: Sessions, renderer: Renderer) -> None:
        self.sessions = sessions
        self.renderer = renderer

    def page(self, handler: Page) -> Endpoint:
        """An endpoint that reads: it needs a session."""

        async def endpoint(request: Request) -> Response:
            session = await self._session(request)
            if session is None:
                return self._log_in(request)
            response = await self._answer(request, handler(request, session))
            if "x-console-live" not in request.headers:  # what a page asks by itself is not a sign of life
                self.sessions.renew(response, session)
            return dress(response)

        return endpoint

    def act(self, handler: Act) -> Endpoint:
        """An endpoint that changes something: it needs a session, the form's token and our own page as the sender."""

        async def endpoint(request: Request) -> Response:
            session = await self._session(request)
            if session is None:
                return self._log_in(request)
            response = await self._answer(request, self._checked(request, session, handler))
            self.sessions.renew(response, session)
            return dress(response)

        return endpoint

    def open(self, handler: Endpoint) -> Endpoint:
        """An endpoint without a session: the log-in page."""

        async def endpoint(request: Request) -> Response:
            return dress(await self._answer(request, handler(request)))

        return endpoint

    def problem(self, request: Request, status: int, kind: str, title: str, text: str) -> Response:
        """A refusal, as a page or as JSON."""
        if wants_json(request):
            return dress(JSONResponse({"error": kind, "message": text}, status))
        return self.renderer.message(status, title, text)

    async def _checked(self, request: Request, session: Session, handler: Act) -> Response:
        if not self.sessions.same_site(request):
            raise NotAllowed("this form was sent from another site")
        form = await read_form(request)
        token = form.pop("csrf", "") or request.headers.get("x-console-csrf", "")
        if not self.sessions.fits(token, session.nonce):
            raise NotAllowed("this form does not belong to your session; reload the page and try again")
        return await handler(request, session, form)

    async def _session(self, request: Request) -> Session | None:
        try:
            return await self.sessions.read(request)
        except StoreError:
            log.exception("the session of a request could not be read")
            return None

    async def _answer(self, request: Request, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except NotFound:
            return self.problem(request, 404, "not_found", *MISSING)
        except NotAllowed as error:
            return self.problem(request, 403, "not_allowed", "Not allowed", sentence(str(error)))
        except Unreadable as error:
            return self.problem(request, error.status, "unreadable", "Not readable", sentence(str(error)))
        except Refused as error:
            return self.problem(request, 422, "refused", "Not possible", sentence(str(error)))
        except ClientDisconnect:
            return Response(status_code=400)
        except StoreError as error:
            log.warning("%s %s could not be served: %s", request.method, request.url.path, error)
            text = "The desk cannot answer right now. Nothing was lost; try again in a moment."
            return self.problem(request, 503, "unavailable", "Try again in a moment", text)

    def _log_in(self, request: Request) -> Response:
        base = self.sessions.base
        if wants_json(request) or "x-console-live" in request.headers:
            return dress(JSONResponse({"error": "session", "message": "Your session has ended. Log in again."}, 401))
        back = f"?next={quote(local_path(request, base))}" if request.method == "GET" else ""
        return dress(RedirectResponse(f"{base}/login{back}", 303))


def local_path(request: Request, base: str) -> str:
    """The path of *request* below our own address, with its query."""
    inner = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{base}{inner}{query}"
