"""The log-in page."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from carekit_console.acts import safe_path
from carekit_console.guard import read_form
from carekit_console.limiter import PER_ACCOUNT, PER_ADDRESS, Limiter
from carekit_console.pages import Pages, preferences
from carekit_console.words import remaining

WRONG: Final = "E-mail or password is not right."
FOREIGN: Final = "This page was open too long or came from another site. Try again."
LONGEST: Final = 1_000
"""Characters of a password that are looked at; hashing more would only cost time."""


class Entry:
    """Shows the log-in page and lets agents in."""

    def __init__(self, pages: Pages) -> None:
        self.desk = pages.desk
        self.sessions = pages.sessions
        self.renderer = pages.renderer
        self.addresses = Limiter(PER_ADDRESS)
        self.accounts = Limiter(PER_ACCOUNT)

    async def form(self, request: Request) -> Response:
        """The log-in page; who is in already goes on."""
        target = safe_path(request.query_params.get("next", ""), self.sessions.base)
        if await self.sessions.read(request) is not None:
            return RedirectResponse(target, 303)
        return self._page(request, target)

    async def log_in(self, request: Request) -> Response:
        """Check the password and start a session, or say why not."""
        if not self.sessions.same_site(request):
            return self._page(request, "", 403, FOREIGN)
        form = await read_form(request)
        target = safe_path(form.get("next", ""), self.sessions.base)
        email, password = form.get("email", "").strip()[:320], form.get("password", "")
        if not self.sessions.fits(form.get("csrf", ""), self.sessions.visitor(request)):
            return self._page(request, target, 403, FOREIGN, email)
        now, account = self.desk.now(), email.casefold()
        address = request.client.host if request.client else ""
        wait = max(self.addresses.wait(address, now), self.accounts.wait(account, now))
        if wait:
            text = f"Too many attempts. You can try again in {remaining(wait)}."
            page = self._page(request, target, 429, text, email)
            page.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
            return page
        self.addresses.count(address, now)
        self.accounts.count(account, now)
        agent = None
        if email and password and len(password) <= LONGEST:
            agent = await self.desk.authenticate(email, password)
        if agent is None or not agent.active:
            return self._page(request, target, 401, WRONG, email)
        self.accounts.clear(account)
        self.addresses.clear(address)
        response = RedirectResponse(target, 303)
        self.sessions.begin(response, agent)
        return response

    def _page(self, request: Request, target: str, status: int = 200, error: str = "", email: str = "") -> Response:
        nonce = self.sessions.visitor(request) or secrets.token_urlsafe(16)
        theme, _ = preferences(request)
        response = self.renderer.page(
            "login.html",
            status,
            service=self.desk.name,
            csrf=self.sessions.token(nonce),
            target=target,
            error=error,
            email=email,
            theme=theme,
            keys=False,
        )
        self.sessions.keep_visit(response, nonce)
        return response
