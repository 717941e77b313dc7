"""Serving the application: uvicorn, set up for a service that faces the internet and must stop when told to.

It stops within `STOPS_WITHIN` seconds whatever its clients do: new connections are refused, what hangs on the feed is
let go by the caller's *on_stop*, requests under way get a grace of seconds, and what is left then is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import inspect
import logging
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from types import FrameType
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

from carekit.ground.errors import ConfigError

T = TypeVar("T")

GRACE = 5
"""Seconds that requests under way get when the service stops."""

STOPS_WITHIN = 10
"""Seconds within which it has stopped at the latest."""

CONNECTIONS = 4000
"""Connections beyond which requests are answered with 503: a flood must take neither memory nor file handles."""

SPARE = 128
"""File handles kept for the store, attachments and the far sides of channels."""

FRAME = 65_536
"""Bytes of one websocket message."""


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    proxies: Sequence[str] = (),
    on_start: Callable[[int], None] | None = None,
    on_stop: Callable[[], Awaitable[None] | None] | None = None,
    stop: asyncio.Event | None = None,
    grace: int = GRACE,
) -> None:
    """Serve *app* at *host* and *port* until a signal (INT, TERM) or *stop*; then stop gracefully and return.

    *proxies* are the addresses whose ``X-Forwarded-*`` headers are believed; none by default. *on_start* gets the port
    once connections are taken (0 lets the system choose one). *on_stop* runs first of all when stopping: it should
    end what followers of the desk's feed wait for, so that their connections close by themselves. *grace*: seconds.

    Raises `ConfigError` if it cannot listen there. It prints nothing and leaves the logging as it is.
    """
    sockets = bind(host, port)
    logger = logging.getLogger("uvicorn")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # else warnings reach standard error when nobody set logging up
    server = _Server(_config(app, proxies, grace), on_start, on_stop)
    watcher = asyncio.create_task(_watch(stop, server)) if stop else None
    try:
        await server.serve(sockets)
    finally:
        if watcher:
            watcher.cancel()
        for one in sockets:
            one.close()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end, on uvloop where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # it has no wheels for Windows
        return None
    return uvloop.new_event_loop


def _config(app: ASGIApp, proxies: Sequence[str], grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=FRAME,
        ws_per_message_deflate=False,  # a small frame may unpack to a large one
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        limit_concurrency=_room(),
        timeout_keep_alive=15,
        timeout_graceful_shutdown=grace,
    )


def _room() -> int:
    """Connections to take: `CONNECTIONS`, or fewer where the system gives this process too few file handles."""
    if sys.platform == "win32":
        return CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if soft == resource.RLIM_INFINITY else min(CONNECTIONS, max(SPARE, soft - SPARE))


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of *host*; raises `ConfigError` that says which and what to do."""
    if not 0 <= port <= 65535:
        raise ConfigError(f"port {port} is not between 0 and 65535; mend listen of [service] or --port")
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"cannot listen on host {host!r}: {error}; mend listen of [service] or --host") from error
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_listen(family, (address[0], chosen, *address[2:])))
    except OSError as error:
        for one in sockets:
            one.close()
        raise _cannot_listen(host, port, error) from error
    return sockets


def _listen(family: int, address: tuple[Any, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(2048)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    where = f"port {port} on {host or 'all addresses'}"
    if error.errno == errno.EADDRINUSE:
        return ConfigError(f"{where} is in use by another program; stop it, or change listen of [service] or --port")
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigError(
            f"{where} needs rights this account lacks; change listen of [service] or --port to 1024 or more"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(f"{host} is no address of this machine; mend listen of [service] or --host")
    return ConfigError(f"cannot listen at {where}: {error.strerror or error}")


async def _watch(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Cut(logging.Filter):
    """Leaves out the tracebacks of requests that were cut because the service stops; how many, uvicorn has told."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Server(uvicorn.Server):
    """uvicorn's server, except that it hands signals to nobody else and leaves no connection behind."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_start: Callable[[int], None] | None,
        on_stop: Callable[[], Awaitable[None] | None] | None,
    ) -> None:
        super().__init__(config)
        self._on_start = on_start
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_start and sockets:
            self._on_start(sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if self._on_stop:
            waited = self._on_stop()
            if inspect.isawaitable(waited):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await waited
        errors, cut = logging.getLogger("uvicorn.error"), _Cut()
        errors.addFilter(cut)
        try:
            await self._end(sockets)
        finally:
            errors.removeFilter(cut)

    async def _end(self, sockets: list[socket.socket] | None) -> None:
        await super().shutdown(sockets)
        # A client that reads nothing keeps its connection half-open for ever: the buffer never drains.
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        if left := list(self.server_state.tasks):
            done, _ = await asyncio.wait(left, timeout=1)
            for task in done:
                if not task.cancelled():
                    task.exception()  # that nobody was there to be answered is no news

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take INT and TERM while serving, and do not raise them again: the caller still has to stop the desk."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True
