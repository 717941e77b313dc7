"""Who is asking: the session cookie, its renewal and end, and the token that ties a form to it."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import attrs
from starlette.requests import Request
from starlette.responses import Response

from carekit import Agent, Desk, NotAllowed, Scope

PURPOSE: Final = "console-session"
CSRF: Final = "console-csrf"
RENEW_AFTER: Final = timedelta(minutes=5)


@attrs.frozen
class Session:
    """One log-in of one agent. ``nonce`` names the log-in through all renewals of its cookie."""

    agent: Agent
    issued: datetime
    nonce: str

    @property
    def scope(self) -> Scope:
        """What this agent may see."""
        return Scope.of_agent(self.agent)

    @property
    def actor(self) -> str:
        """The name under which this agent acts."""
        return f"agent:{self.agent.id}"


class Sessions:
    """Issues and reads session cookies. State is one set: the log-ins that were ended by logging out here."""

    def __init__(self, desk: Desk, path: str, idle: timedelta) -> None:
        public = urlsplit(desk.url(path))
        self.desk = desk
        self.idle = idle
        self.base = public.path.rstrip("/")
        self.secure = public.scheme == "https"
        self.origin = f"{public.scheme}://{public.netloc}"
        self.cookie = "__Secure-carekit-console" if self.secure else "carekit-console"
        self.visit = f"{self.cookie}-visit"
        self._ended: dict[str, datetime] = {}

    async def read(self, request: Request) -> Session | None:
        """The session of *request*, None if there is none, it ran out, or its agent may no longer come in."""
        return await self.check(request.cookies.get(self.cookie, ""))

    async def check(self, token: str) -> Session | None:
        """The session that *token* stands for, or None."""
        if not token:
            return None
        try:
            value = self.desk.unsign(PURPOSE, token, self.idle)
            id, epoch, issued_text, nonce = value.rsplit(":", 3)
            issued = datetime.fromtimestamp(int(issued_text), UTC)
            same_epoch = int(epoch)
        except (NotAllowed, ValueError, OverflowError, OSError):
            return None
        if nonce in self._ended or self.desk.now() - issued >= self.idle:
            return None
        agent = await self.desk.agent(id)
        if agent is None or not agent.active or agent.session_epoch != same_epoch:
            return None
        return Session(agent, issued, nonce)

    def begin(self, response: Response, agent: Agent) -> None:
        """Start a session: always a new token, whatever cookie came with the request."""
        self._set(response, agent, secrets.token_urlsafe(16))
        response.delete_cookie(self.visit, path=self._path, secure=self.secure, httponly=True, samesite="lax")

    def renew(self, response: Response, session: Session) -> None:
        """Push the idle expiry out, at most every few minutes."""
        if self.desk.now() - session.issued >= RENEW_AFTER and session.nonce not in self._ended:
            self._set(response, session.agent, session.nonce)

    def end(self, response: Response, session: Session) -> None:
        """End a session here and now, also for a copy of its cookie."""
        now = self.desk.now()
        self._ended = {nonce: at for nonce, at in self._ended.items() if now - at < self.idle}
        self._ended[session.nonce] = now
        response.delete_cookie(self.cookie, path=self._path, secure=self.secure, httponly=True, samesite="lax")

    def token(self, nonce: str) -> str:
        """The form token of the log-in (or of the visit to the log-in page) called *nonce*."""
        return self.desk.sign(CSRF, nonce)

    def fits(self, token: str, nonce: str) -> bool:
        """Whether the form token belongs to *nonce*."""
        if not token or not nonce:
            return False
        try:
            return hmac.compare_digest(self.desk.unsign(CSRF, token).encode(), nonce.encode())
        except NotAllowed:
            return False

    def visitor(self, request: Request) -> str:
        """The nonce of a visit to the log-in page, or an empty text."""
        nonce = request.cookies.get(self.visit, "")
        return nonce if len(nonce) == 22 and nonce.isascii() else ""

    def keep_visit(self, response: Response, nonce: str) -> None:
        """Leave *nonce* in the visitor's cookie."""
        response.set_cookie(
            self.visit, nonce, path=self._path, secure=self.secure, httponly=True, samesite="lax", max_age=86_400
        )

    def same_site(self, request: Request) -> bool:
        """Whether *request* comes from one of our own pages, as far as the browser tells."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("origin")
        if origin is None or origin == self.origin:
            return True
        return origin != "null" and urlsplit(origin).netloc == request.headers.get("host", "")

    @property
    def _path(self) -> str:
        return self.base or "/"

    def _set(self, response: Response, agent: Agent, nonce: str) -> None:
        issued = int(self.desk.now().timestamp())
        token = self.desk.sign(PURPOSE, f"{agent.id}:{agent.session_epoch}:{issued}:{nonce}")
        response.set_cookie(
            self.cookie,
            token,
            path=self._path,
            secure=self.secure,
            httponly=True,
            samesite="lax",
            max_age=int(self.idle.total_seconds()),
        )
