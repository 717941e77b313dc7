"""A desk in memory behind the whole application, asked over ASGI on the desk's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import httpx2
from starlette.applications import Starlette

from carekit.facts.events import AgentAdded
from carekit.facts.nouns import Address, Inbound
from carekit.seams.app import App
from carekit.seams.bot import Bot
from carekit.seams.channel import Channel
from carekit.seams.component import Health
from carekit.seams.settings import Secret
from carekit.seams.survey import SurveyProvider
from carekit.service.pipeline.commands import Staff
from carekit.testing.desk import DeskKit
from carekit.web.app import build_app
from carekit.web.server import serve
from carekit.web.tokens import ApiToken

URL = "https://care.example.org"
READ, WRITE, SHOP = (f"{name}-0123456789abcdef0123456789" for name in ("read", "write", "shop"))
TOKENS = (
    ApiToken("reader", Secret(READ), {"read"}),
    ApiToken("writer", Secret(WRITE), {"read", "write", "erase"}),
    ApiToken("shop", Secret(SHOP), {"write", "erase"}, {"shop"}),
)
TOML = """
[service]
name = "Test desk"
timezone = "UTC"
url = "https://care.example.org"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.loop]
use = "loopback"
inbox = "shop"

[channels.other]
use = "loopback"
inbox = "billing"
"""


async def all_well() -> Sequence[Health]:
    """A service without a fault."""
    return [Health("store")]


def make_app(kit: DeskKit, **changes: Any) -> Starlette:
    """The application over the desk of *kit*."""
    parts: dict[str, Any] = {
        "channels": kit.service.channels.values(),
        "bots": (),
        "surveys": (),
        "apps": (),
        "tokens": TOKENS,
        "url": URL,
        "ready": all_well,
    }
    return build_app(kit.desk, **{**parts, **changes})


class Web:
    """Requests to the application, one at a time."""

    def __init__(self, kit: DeskKit, app: Starlette) -> None:
        self.kit = kit
        self.app = app

    def request(self, method: str, path: str, token: str = "", **fields: Any) -> httpx2.Response:
        """The answer to one request from this machine."""
        return self.kit.run(self.ask(method, path, token, **fields))

    async def ask(self, method: str, path: str, token: str = "", **fields: Any) -> httpx2.Response:
        headers = dict(fields.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers, **fields)

    def get(self, path: str, token: str = READ, **fields: Any) -> httpx2.Response:
        return self.request("GET", path, token, **fields)

    def post(self, path: str, body: object = None, token: str = WRITE, **fields: Any) -> httpx2.Response:
        return self.request("POST", path, token, json={} if body is None else body, **fields)


class Part:
    """Makes components of one class with routes of the test's choice."""

    @staticmethod
    def with_routes(base: type, name: str, routes: Callable[[Any], Iterable[Any]], **attributes: Any) -> Any:
        cls = type("Made", (base,), {"routes": lambda self, desk: list(routes(desk)), **attributes})
        return cls(name, None)


def app_at(path: str, routes: Callable[[Any], Iterable[Any]], name: str = "pages") -> App:
    """An app mounted at *path*."""
    made: App = Part.with_routes(App, name, routes, path=path)
    return made


__all__ = [
    "READ", "SHOP", "TOKENS", "TOML", "URL", "WRITE", "App", "Bot", "Channel", "Part", "SurveyProvider", "Web",
    "all_well", "app_at", "make_app", "running",
]  # fmt: skip


@contextlib.contextmanager
def running(make: Callable[[DeskKit], Starlette] = make_app, **options: Any) -> Iterator[Running]:
    """A server with a desk of its own in a thread, on a port of the system's choice."""
    server = Running(make, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Running:
    """The server's thread. ``port`` is where it listens, ``kit`` its desk."""

    port: int
    kit: DeskKit

    def __init__(self, make: Callable[[DeskKit], Starlette], options: dict[str, Any]) -> None:
        self._make = make
        self._options = options
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20), "the server did not start"
        if self.error is not None:
            raise self.error

    def known(self) -> dict[str, str]:
        """Ids of things on the desk: one conversation, with its contact and an agent who may answer it."""

        async def fill() -> dict[str, str]:
            fact = AgentAdded("lena", "Lena", "lena@desk.example")
            await self.kit.service.submit(Staff("lena", fact, "service"))
            message = Inbound("loop", "first", Address("loopback", "ana"), "hello", ("peer:ana",), ("peer:ana",))
            receipt = await self.kit.desk.receive(message)
            return {"conversations": receipt.conversation, "contacts": receipt.contact}

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(fill(), self._loop).result(10)

    def stop(self, within: float = 20) -> bool:
        """Ask it to stop; whether it did *within* these seconds."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with DeskKit(TOML, discover=False) as kit:
                self.kit = kit
                kit.run(self._serve(kit))
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            self.error = error
            self._ready.set()

    async def _serve(self, kit: DeskKit) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        options = {"on_stop": kit.service.hub.close, "grace": 1, **self._options}
        await serve(self._make(kit), "127.0.0.1", 0, stop=self._stop, on_start=self._started, **options)

    def _started(self, port: int) -> None:
        self.port = port
        self._ready.set()
