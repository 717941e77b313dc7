"""A chat channel on a real socket, with a page around it: what the browser tests look at."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from html import escape
from typing import Any, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from carekit import Assign, Outcome, Resolve, Scope, Send, Typing
from carekit.testing import DeskKit, FrozenClock
from carekit_chat import plugin

T = TypeVar("T")

TOML = """
[service]
name = "Northwind care"
timezone = "Europe/Madrid"
secret = "a secret for tests only"
url = "{url}"

[store]
use = "memory"

[channels.website]
use = "chat"
{keys}

{more}
"""
BOT = """
[bots.helper]
use = "known"
[policies.bot]
use = "bot"
bot = "helper"
"""
ROUTE = """
[policies.route]
use = "route"
"""
SURVEY = """
[surveys.smile]
use = "smile"
[policies.survey]
use = "survey"
survey = "smile"
"""
STRICT = (
    "default-src 'none'; script-src {origin}; style-src 'self'; frame-src {origin}; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def toml(url: str, *, keys: str = "", more: str = "") -> str:
    """The file of a desk with one chat channel."""
    return TOML.format(url=url, keys=keys, more=more)


class Site:
    """A desk, its chat channel and a shop's page, on a port of this machine. Use as a context manager."""

    def __init__(self, parts: Any, *, keys: str = "", more: str = "", origin_only: bool = False) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()  # from here on a browser waits instead of being refused
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._extra = {"chat": plugin, "parts": parts}
        self._toml = toml(self.url, keys=keys, more=more)
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.refuse = False
        """While set, sockets are refused at the handshake."""

    # --- life

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10), "the site did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(setattr, self._server, "should_exit", True)
        self._thread.join(20)

    def _run(self) -> None:
        clock = FrozenClock(datetime.now(UTC).replace(microsecond=0))
        with DeskKit(self._toml, clock=clock, extra=self._extra, discover=False) as kit:
            self.kit = kit
            kit.add_agent("lena", name="Lena")
            kit.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.kit.service.start()
        config = uvicorn.Config(self._app(), ws="websockets-sansio", lifespan="off", log_config=None, log_level="error")
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._up.set()
        await self._server.serve(sockets=[self._socket])

    def _app(self) -> Any:
        channel = self.kit.service.channels["website"]
        app = Starlette(
            routes=[Route("/", self._page), Mount("/channels/website", routes=channel.routes(self.kit.desk))]
        )

        async def gate(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket" and self.refuse:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await app(scope, receive, send)

        return gate

    async def _page(self, request: Request) -> HTMLResponse:
        query = dict(request.query_params)
        direction = query.pop("dir", "ltr")
        strict = query.pop("strict", None)
        head = query.pop("head", "")
        data = " ".join(f'data-{escape(name)}="{escape(value)}"' for name, value in query.items())
        body = (
            f'<!doctype html><html lang="en" dir="{direction}"><meta name="viewport" content="width=device-width">'
            f"<title>Shop</title>{head}<h1>Northwind</h1><p>Blankets, lamps and kettles.</p>"
            f'<a href="#more">More</a><script src="/channels/website/w.js" {data} async></script></html>'
        )
        headers = {"content-security-policy": STRICT.format(origin=self.url)} if strict is not None else {}
        return HTMLResponse(body, headers=headers)

    # --- the desk, from the test's own thread

    def call(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run *step* on the desk's loop."""
        return asyncio.run_coroutine_threadsafe(step(), self._loop).result(10)

    def newest(self) -> str:
        """The id of the conversation that began last."""

        async def look() -> str:
            return self.kit.conversation().id

        return self.call(look)

    def act(self, action: Any, actor: str = "agent:lena") -> Outcome:
        """Ask for *action* on the newest conversation."""
        id = self.newest()
        return self.call(lambda: self.kit.desk.act(id, action, actor, scope=Scope.everything()))

    def reply(self, text: str) -> Outcome:
        """Answer as Lena."""
        return self.act(Send(text))

    def types(self) -> None:
        """Let Lena be writing in the newest conversation."""
        id = self.newest()
        self.call(lambda: self.kit.desk.typing(id, "agent:lena", scope=Scope.everything()))

    def hear(self, heard: Callable[[Typing], None]) -> None:
        """Call *heard* whenever somebody is writing."""

        async def listen() -> None:
            self.kit.desk.hear_typing(Scope.everything(), heard)

        self.call(listen)

    def join(self) -> Outcome:
        """Let Lena take the newest conversation."""
        return self.act(Assign("lena"))

    def resolve(self) -> Outcome:
        """Resolve the newest conversation as Lena."""
        return self.act(Resolve())

    def texts(self) -> list[tuple[str, str]]:
        """The public messages of the newest conversation."""

        async def look() -> list[tuple[str, str]]:
            return self.kit.thread()

        return self.call(look)
