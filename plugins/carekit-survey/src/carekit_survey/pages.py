"""The pages behind a survey's link.

Reading a page never stores anything: mail scanners follow every link of a message, also those that carry a score. Only
the form does, sent by a person from our own page.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from carekit import CarekitError, Conversation, Desk, NotAllowed, NotFound, Refused, Scope, Status, StoreError
from carekit_survey.words import direction

if TYPE_CHECKING:  # the provider makes its pages
    from carekit_survey.provider import Survey

MAX_BODY: Final = 32_768
"""Bytes of the form that are read: the longest comment, encoded, and the rest of the form."""
LONGEST: Final = 2_000
"""Characters of a comment."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The address carries the token. Not "no-referrer": under that, browsers send "Origin: null" with our own form.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Unusable(CarekitError):
    """There is nothing to answer here: the texts that say so, and the status."""

    def __init__(self, key: str, status: int, **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.values = values


class Pages:
    """The pages of one survey."""

    def __init__(self, survey: Survey, desk: Desk) -> None:
        public = urlsplit(desk.url(f"surveys/{survey.name}"))
        self._survey = survey
        self._desk = desk
        self._base = public.path.rstrip("/")
        self._origin = f"{public.scheme}://{public.netloc}"
        self._css = files("carekit_survey").joinpath("static/survey.css").read_bytes()
        self._version = hashlib.sha256(self._css).hexdigest()[:12]
        self._env = Environment(
            loader=PackageLoader("carekit_survey"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals |= {
            "css": f"{self._base}/static/{self._version}.css",
            "service": desk.name,
            "words": survey.words,
            "language": survey.settings.language,
            "direction": direction(survey.settings.language),
        }

    def routes(self) -> list[BaseRoute]:
        """The form, its answer, what follows it, and the style sheet."""
        return [
            Route("/static/{version}.css", self.style, methods=["GET"]),
            Route("/{token}", self.show, methods=["GET"]),
            Route("/{token}", self.keep, methods=["POST"]),
            Route("/{token}/thanks", self.thank, methods=["GET"]),
        ]

    async def style(self, request: Request) -> Response:
        """The style sheet; its address changes with its content."""
        if request.path_params["version"] != self._version:
            return _dressed(PlainTextResponse("not found", 404))
        cache = {"Cache-Control": "public, max-age=31536000, immutable"}
        return _dressed(Response(self._css, media_type="text/css", headers=cache))

    async def show(self, request: Request) -> Response:
        """The form, with the score of the link or of an earlier answer chosen. Stores nothing."""
        try:
            conversation = await self._conversation(request)
        except Unusable as problem:
            return self._message(problem)
        given = conversation.surveys[self._survey.name]
        score = request.query_params.get("score", "") or str(given.score or "")
        return self._form(score, given.comment)

    async def keep(self, request: Request) -> Response:
        """Keep the answer, then lead to the page that says so (reloading that one sends nothing again)."""
        try:
            if not self._from_our_page(request):
                raise Unusable("elsewhere", 403)
            conversation = await self._conversation(request)
            form = await _read(request)
            return await self._kept(request, conversation, form.get("score", ""), form.get("comment", ""))
        except Unusable as problem:
            return self._message(problem)
        except StoreError:
            return self._message(Unusable("later", 503))

    async def thank(self, request: Request) -> Response:
        """What was kept; leads back to the form if nothing was."""
        try:
            conversation = await self._conversation(request)
        except Unusable as problem:
            return self._message(problem)
        given = conversation.surveys[self._survey.name]
        token = request.path_params["token"]
        if given.score is None:
            return _dressed(RedirectResponse(f"{self._base}/{token}", 303))
        labels = self._survey.labels
        label = labels[given.score - 1] if given.score <= len(labels) else str(given.score)
        return self._page(
            "thanks.html",
            title=self._survey.settings.thanks,
            question=self._survey.question,
            score=given.score,
            label=label,
            comment=given.comment,
            again=f"{self._base}/{token}",
        )

    async def _kept(self, request: Request, conversation: Conversation, score: str, comment: str) -> Response:
        scope = Scope.of_contact(conversation.contact, conversation.channel)
        try:
            await self._desk.answer_survey(conversation.id, self._survey.name, score, comment, scope=scope)
        except Refused as error:
            if error.field not in ("score", "comment"):  # closed or taken back since it was read
                raise Unusable("unknown", 404) from None
            key = "too_long" if error.field == "comment" else "choose"
            return self._form(score, comment, error=self._survey.words[key])
        return _dressed(RedirectResponse(f"{self._base}/{request.path_params['token']}/thanks", 303))

    async def _conversation(self, request: Request) -> Conversation:
        """The conversation that the link stands for; raises `Unusable` if it cannot be answered (any more)."""
        survey = self._survey
        try:
            id = self._desk.unseal(f"survey:{survey.name}", request.path_params["token"])
            conversation = await self._desk.conversation(id, Scope.everything())
        except (NotAllowed, NotFound):
            raise Unusable("unknown", 404) from None
        except StoreError:
            raise Unusable("later", 503) from None
        if survey.name not in conversation.surveys:
            raise Unusable("unknown", 404)
        until = survey.until(conversation)
        if self._desk.now() >= until:
            raise Unusable("expired", 410, until=until.astimezone(ZoneInfo(self._desk.timezone)).date().isoformat())
        if conversation.status is Status.CLOSED:
            raise Unusable("closed", 410)
        return conversation

    def _from_our_page(self, request: Request) -> bool:
        """Whether the form was sent from here, as far as the browser tells: the token alone is the authority."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("origin")
        if origin is None or origin == self._origin:
            return True
        return origin != "null" and urlsplit(origin).netloc == request.headers.get("host", "")

    def _form(self, score: str, comment: str, error: str = "") -> Response:
        labels = self._survey.labels
        return self._page(
            "form.html",
            422 if error else 200,
            title=self._survey.question,
            choices=[(str(number), label) for number, label in enumerate(labels, 1)],
            score=score,
            comment=comment,
            longest=LONGEST,
            error=error,
        )

    def _message(self, problem: Unusable) -> Response:
        text = self._survey.words[problem.key]
        for name, value in problem.values.items():
            text = text.replace(f"{{{name}}}", value)
        return self._page("message.html", problem.status, title=self._survey.words[f"{problem.key}_title"], text=text)

    def _page(self, template: str, status: int = 200, **values: object) -> Response:
        return _dressed(HTMLResponse(self._env.get_template(template).render(values), status))


def _dressed(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _read(request: Request) -> dict[str, str]:
    """The fields of the form, the first of each name; raises `Unusable`."""
    if not request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        raise Unusable("unreadable", 415)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise Unusable("unreadable", 413)
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=20)
    except (ClientDisconnect, UnicodeDecodeError, ValueError):
        raise Unusable("unreadable", 400) from None
    # NUL is legal in a form and in no database's text.
    return {name: value.replace("\0", "").replace("\r\n", "\n") for name, value in reversed(pairs)}
