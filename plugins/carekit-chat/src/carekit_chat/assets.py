"""The files of the widget: read once, compressed once, served with an entity tag and a strict policy."""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Mapping
from importlib.resources import files

import attrs
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from carekit import Desk
from carekit_chat.origins import ancestors
from carekit_chat.settings import ChatSettings
from carekit_chat.theme import palette, stylesheet

GIVEN = 'const given = { accent: "#0A6B62", ink: "#FFFFFF", help: "" };'
"""The line of `w.js` that the server fills in."""
CONFIG = '<script type="application/json" id="config">{}</script>'
"""The element of `panel.html` that the server fills in: data, which no policy lets run."""


@attrs.frozen
class Asset:
    """One file as it goes out."""

    body: bytes
    packed: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, text: str, media_type: str) -> Asset:
        """The asset of *text*."""
        body = text.encode()
        return cls(body, gzip.compress(body, 9, mtime=0), media_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')

    def respond(self, request: Request, headers: Mapping[str, str]) -> Response:
        """The whole file, or 304 if the browser has it."""
        base = {"cache-control": "no-cache", "etag": self.tag, "vary": "accept-encoding", **headers}
        if self.tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=base)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, media_type=self.media_type, headers={**base, "content-encoding": "gzip"})
        return Response(self.body, media_type=self.media_type, headers=base)


def data(value: object) -> str:
    """*value* as JSON that is safe inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def load() -> dict[str, str]:
    """The text of every file of the widget, by name."""
    folder = files("carekit_chat") / "static"
    return {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.is_file()}


class Assets:
    """The files of one channel, with its settings filled in."""

    def __init__(self, desk: Desk, name: str, settings: ChatSettings) -> None:
        texts = load()
        light = palette(settings.accent)["light"]
        given = {"accent": light["--ck-accent"], "ink": light["--ck-on-accent"], "help": settings.help}
        config = {
            "channel": name,
            "title": desk.name,
            "greeting": settings.greeting,
            "topics": list(settings.topics),
            "help": settings.help,
        }
        texts["w.js"] = texts["w.js"].replace(GIVEN, f"const given = {data(given)};")
        texts["panel.html"] = texts["panel.html"].replace(CONFIG, CONFIG.replace("{}", data(config)))
        texts["panel.css"] += stylesheet(settings.accent)
        self._files = {file: Asset.of(text, _media_type(file)) for file, text in texts.items()}
        self._panel_headers = panel_headers(desk.url(f"/channels/{name}/socket"), settings)

    async def panel(self, request: Request) -> Response:
        """The page inside the frame."""
        return self._files["panel.html"].respond(request, self._panel_headers)

    async def file(self, request: Request) -> Response:
        """A script or a style sheet."""
        asset = self._files.get(request.path_params["file"])
        if asset is None:
            return PlainTextResponse("not found", 404)
        return asset.respond(
            request, {"x-content-type-options": "nosniff", "cross-origin-resource-policy": "cross-origin"}
        )


def panel_headers(socket: str, settings: ChatSettings) -> dict[str, str]:
    """The policy of the panel: nothing but its own files, its own socket, and the pages that may frame it."""
    socket = socket.replace("http", "ws", 1)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": f"'self' {socket}",  # older browsers do not take 'self' for a socket
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": ancestors(settings.origins),
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "strict-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cross-origin-resource-policy": "cross-origin",
    }


def _media_type(file: str) -> str:
    if file.endswith(".js"):
        return "text/javascript; charset=utf-8"
    return mimetypes.guess_type(file)[0] or "application/octet-stream"
