"""Templates and static files: read once when the routes are made, and served from memory."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not "no-referrer": under that, browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FOREVER: Final = "public, max-age=31536000, immutable"


def dress(response: Response) -> Response:
    """Give *response* the headers of every page of the console; it keeps those it has."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class Renderer:
    """Makes pages from templates; ``static`` is the address of the static files, with their version in it."""

    def __init__(self, base: str) -> None:
        self.assets = _assets()
        self.version = _version(self.assets)
        self.static = f"{base}/static/{self.version}"
        self._env = Environment(
            loader=PackageLoader("carekit_console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters["path"] = lambda text: quote(str(text), safe="")
        self._env.filters["sentence"] = sentence
        self._env.filters["as_json"] = lambda declared: json.dumps(attrs.asdict(declared))
        self._env.globals["base"] = base
        self._env.globals["static"] = self.static

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """The page *template* with *values*."""
        return dress(HTMLResponse(self._env.get_template(template).render(values), status))

    def message(self, status: int, title: str, text: str) -> Response:
        """A page that only says something. It holds nothing of the request, so it is the same for everybody."""
        return self.page("message.html", status, title=title, text=text, theme="system", keys=False)

    async def asset(self, request: Request) -> Response:
        """A static file."""
        body = self.assets.get(request.path_params["name"])
        if body is None:
            return dress(PlainTextResponse("not found", 404))
        kind = mimetypes.guess_type(request.path_params["name"])[0] or "application/octet-stream"
        current = request.path_params["version"] == self.version
        cache = FOREVER if current else "no-cache"
        return dress(Response(body, media_type=kind, headers={"Cache-Control": cache}))


def sentence(text: str) -> str:
    """An error's text as a sentence: a capital first, a full stop last."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")


def _assets() -> dict[str, bytes]:
    folder = files("carekit_console").joinpath("static")
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def _version(assets: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(assets):
        digest.update(name.encode() + b"\0" + assets[name] + b"\0")
    return digest.hexdigest()[:12]
