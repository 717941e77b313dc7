"""A desk with the console on it: in this process for most tests, behind a real server for those with a browser."""

from __future__ import annotations

import asyncio
import re
import socket
import string
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from types import ModuleType
from typing import Any, TypeVar

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from carekit import (
    Address,
    Agent,
    Bot,
    BotReply,
    BotTurn,
    Capabilities,
    Channel,
    Delivery,
    Outbound,
    Segments,
    Source,
    hookimpl,
    replace,
)
from carekit.testing import DeskKit
from carekit_console import plugin
from carekit_console.app import Console

T = TypeVar("T")
Opener = Callable[..., Any]
"""Opens a page as an agent: path, agent, and options of the browser's context."""

FILE = """
[service]
name = "Northwind care"
timezone = "UTC"
secret = "a secret for tests only"
url = "{url}"

[store]
use = "memory"

[channels.website]
use = "loopback"

[channels.support]
use = "loopback"

[channels.phone]
use = "texting"

[channels.brief]
use = "brief"

[bots.guide]
use = "guide"

[policies.guide-first]
use = "bot"
bot = "guide"
channels = ["website"]

[policies.routing]
use = "route"

[policies.first-reply]
use = "sla"
first_response = "4h"

[apps.console]
use = "console"
path = "/console"
"""


class Guide(Bot):
    """Knows one thing, and says where it has it from."""

    async def respond(self, turn: BotTurn) -> BotReply:
        if "return" in turn.text.lower():
            source = Source("Returns and refunds", "https://northwind.example/help/returns", 0.91)
            text = "You can return anything within 30 days. The label is in your order's page."
            return BotReply(text, (source,), confidence=0.91, threshold=0.35)
        return BotReply("I could not find that.", missed=True, confidence=0.12, threshold=0.35)


class Texting(Channel):
    """A channel whose messages are cut into parts that are paid one by one."""

    capabilities = Capabilities(
        webhook=True,
        max_length=400,
        segments=Segments(string.ascii_letters + string.digits + " .,\n?", "{}€", 16, 15, 7, 6, "0.07 €", 3),
    )

    async def send(self, outbound: Outbound) -> Delivery:
        return Delivery()


class Brief(Texting):
    """A channel whose messages are whole, and short."""

    capabilities = Capabilities(webhook=True, max_length=40)


def parts() -> ModuleType:
    """A plugin with the bot and the channels above."""

    @hookimpl
    def carekit_bots() -> Mapping[str, type[Bot]]:
        return {"guide": Guide}

    @hookimpl
    def carekit_channels() -> Mapping[str, type[Channel]]:
        return {"texting": Texting, "brief": Brief}

    module = ModuleType("guide_plugin")
    module.carekit_bots = carekit_bots  # type: ignore[attr-defined]
    module.carekit_channels = carekit_channels  # type: ignore[attr-defined]
    return module


class Visitor:
    """A browser without a screen: keeps cookies, sends forms with their token."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(world.asgi), base_url=world.url)

    def get(self, path: str, **kwargs: Any) -> httpx2.Response:
        return self.world.kit.run(self.client.get(f"/console{path}", **kwargs))

    def post(
        self, path: str, data: Mapping[str, str] | None = None, *, token: bool = True, **kwargs: Any
    ) -> httpx2.Response:
        fields = dict(data or {})
        if token:
            fields.setdefault("csrf", self.token())
        return self.world.kit.run(self.client.post(f"/console{path}", data=fields, **kwargs))

    def token(self) -> str:
        page = self.get("/view/mine", follow_redirects=True).text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, "the page has no form token"
        return found[1]

    def log_in(self, agent: str, password: str = "") -> httpx2.Response:
        return self.post("/login", {"email": agent, "password": password or f"password-of-{agent}"})


class Deactivating:
    """The desk, which says of some agents that they are no longer active: its contract cannot make them so."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk
        self.inactive: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    def _as_told(self, agent: Agent | None) -> Agent | None:
        return replace(agent, active=False) if agent and agent.id in self.inactive else agent

    async def agent(self, id: str) -> Agent | None:
        return self._as_told(await self._desk.agent(id))

    async def authenticate(self, email: str, password: str) -> Agent | None:
        return self._as_told(await self._desk.authenticate(email, password))


class World:
    """The desk, the console's routes, and visitors."""

    def __init__(self, url: str = "http://console.test", secure: bool = False) -> None:
        self.url = url.replace("http:", "https:") if secure else url
        self.kit = DeskKit(FILE.format(url=self.url), extra={"console": plugin, "guide": parts()}, discover=False)
        self.desk: Any = Deactivating(self.kit.desk)
        self.console = next(part for part in self.kit.service.components() if isinstance(part, Console))
        self.routes = [route for route in self.console.routes(self.desk) if isinstance(route, Route)]
        self.asgi = Starlette(routes=[Mount(self.console.path, routes=list(self.routes))])

    def visitor(self) -> Visitor:
        return Visitor(self)

    def agent(self, id: str = "lena", **fields: Any) -> Visitor:
        """A visitor who is logged in as a new agent, without the second that hashing a password takes."""
        self.kit.add_agent(id, **fields)
        visitor = self.visitor()
        issued = int(self.kit.clock.now().timestamp())
        token = self.kit.desk.sign("console-session", f"{id}:0:{issued}:nonce-of-{id}")
        visitor.client.cookies.set("carekit-console", token, domain="console.test", path="/console")
        return visitor

    def deactivate(self, agent: str) -> None:
        """From now on the desk says that *agent* is not active."""
        self.desk.inactive.add(agent)

    def write(self, text: str, sender: str = "ana", channel: str = "support", **fields: Any) -> str:
        """A message of a contact; returns the conversation's id."""
        name = fields.pop("name", sender.title())
        address = fields.pop("address", Address("email", f"{sender}@post.example", name, verified=True))
        return self.kit.write(text, sender=sender, channel=channel, name=name, address=address, **fields).conversation


class Served:
    """A world behind a real server, on a thread of its own that is the only one to touch the desk."""

    def __init__(self, fill: Callable[[World], None]) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.fill = fill
        self.ready = threading.Event()
        # A daemon, so that a world that cannot be filled fails the test instead of holding the run.
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()
        assert self.ready.wait(30), "the server did not start"

    def _live(self) -> None:
        self.world = World(self.url)
        self.fill(self.world)
        config = uvicorn.Config(self.world.asgi, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.world.kit.run(self._serve())
        self.world.kit.close()
        self.socket.close()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.socket.listen()  # connections wait in its queue until the server takes them
        self.ready.set()
        await self.server.serve(sockets=[self.socket])

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """Run a step on the desk's own loop while it serves."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(step, self.loop)
        return future.result(10)

    def stop(self) -> None:
        """End it, open streams included."""
        self.loop.call_soon_threadsafe(self.world.kit.service.hub.close)
        self.server.should_exit = True
        self.thread.join(15)
