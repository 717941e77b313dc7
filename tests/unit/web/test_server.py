"""The server: it says why it cannot listen, and stops in time whatever its clients do."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from carekit.ground.errors import ConfigError
from carekit.testing.desk import DeskKit
from carekit.web.server import STOPS_WITHIN, bind, serve
from tests.unit.web._web import READ, app_at, make_app, running

ENTERED = threading.Event()


async def endless(request: Request) -> StreamingResponse:
    """Server-sent events that never end and never pause for the reader."""

    async def events() -> AsyncIterator[bytes]:
        while True:
            ENTERED.set()
            yield b"data: " + b"x" * 65_000 + b"\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def quiet(request: Request) -> StreamingResponse:
    """Server-sent events with one event and then silence."""

    async def events() -> AsyncIterator[bytes]:
        yield b"data: hello\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(events(), media_type="text/event-stream")


async def deaf(request: Request) -> PlainTextResponse:
    """A handler that would rather not be cancelled."""
    ENTERED.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.1)
    return PlainTextResponse("late")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())


async def who(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.client.host if request.client else "")


def with_pages(kit: DeskKit) -> Any:
    routes = [
        Route("/endless", endless), Route("/quiet", quiet), Route("/deaf", deaf), Route("/who", who),
        WebSocketRoute("/echo", echo),
    ]  # fmt: skip
    return make_app(kit, apps=[app_at("/", lambda desk: routes)])


def raw(port: int, path: str) -> socket.socket:
    """A request from a client that has the smallest possible buffer and never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


def test_it_answers_over_the_network() -> None:
    """A request over a real socket is answered, and the server does not say what it is."""
    with running() as server:
        response = httpx2.get(f"http://127.0.0.1:{server.port}/healthz")
        assert response.json() == {"status": "ok"}
        assert "server" not in response.headers


@pytest.mark.parametrize("path", ["/endless", "/deaf", "/quiet"])
def test_it_stops_although_a_client_never_reads(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """A full buffer that nobody drains, or a handler that hangs, does not hold the service, nor fill its log."""
    ENTERED.clear()
    with running(with_pages) as server, raw(server.port, path):
        if path != "/quiet":
            assert ENTERED.wait(10)
        assert server.stop(STOPS_WITHIN)
    assert server.error is None
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def test_it_stops_although_a_reader_of_events_stays() -> None:
    """A reader of server-sent events is cut off when the grace is over."""
    with running(with_pages) as server, httpx2.stream("GET", f"http://127.0.0.1:{server.port}/quiet") as response:
        chunks = response.iter_bytes()
        assert next(chunks) == b"data: hello\n\n"
        assert server.stop(STOPS_WITHIN)
        with pytest.raises(httpx2.RemoteProtocolError):
            next(chunks)
    assert server.error is None


def test_it_stops_although_a_request_is_never_finished() -> None:
    """Half a request line and half a body hold nothing up."""
    with running(with_pages) as server, socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(b"POST /channels/loop/inbound HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        with socket.create_connection(("127.0.0.1", server.port)) as less:
            less.sendall(b"GET /he")
            assert server.stop(STOPS_WITHIN)
    assert server.error is None


def test_a_waiting_reader_gets_its_answer_when_it_stops() -> None:
    """Who waits on the feed is let go with an empty page rather than cut off."""
    answers: list[httpx2.Response] = []

    def wait(port: int) -> None:
        headers = {"Authorization": f"Bearer {READ}"}
        answers.append(httpx2.get(f"http://127.0.0.1:{port}/api/v1/events?wait=25", headers=headers, timeout=30))

    with running() as server:
        reader = threading.Thread(target=wait, args=(server.port,))
        reader.start()
        while not server.kit.service.hub.followers:
            time.sleep(0.01)
        assert server.stop(STOPS_WITHIN)
    reader.join(10)
    assert answers[0].json() == {"items": [], "cursor": 0}


def test_websockets_work_and_their_messages_are_bounded() -> None:
    """A websocket is served, without compression, and a message beyond the limit closes it."""
    with running(with_pages) as server:
        with connect(f"ws://127.0.0.1:{server.port}/echo") as client:
            client.send("hello")
            assert client.recv() == "hello"
            assert "Sec-WebSocket-Extensions" not in client.response.headers  # type: ignore[union-attr]
            client.send("x" * 70_000)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_forwarded_addresses_are_believed_only_from_named_proxies() -> None:
    """Without a proxy in the file nobody can claim another address."""
    headers = {"X-Forwarded-For": "203.0.113.9"}
    with running(with_pages) as server:
        assert httpx2.get(f"http://127.0.0.1:{server.port}/who", headers=headers).text == "127.0.0.1"
    with running(with_pages, proxies=["127.0.0.1"]) as server:
        assert httpx2.get(f"http://127.0.0.1:{server.port}/who", headers=headers).text == "203.0.113.9"


def test_a_port_in_use_is_explained(kit: DeskKit) -> None:
    """The error names the port and what to change, and the taken socket stays as it was."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} on 127\.0\.0\.1 is in use .* listen of \[service\]"):
            kit.run(serve(make_app(kit), "127.0.0.1", port))


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [("127.0.0.1", 70_000, "between"), ("no.such.host.invalid", 0, "cannot listen"), ("192.0.2.1", 0, "no address")],
)
def test_a_place_that_cannot_be_is_explained(host: str, port: int, words: str) -> None:
    """A port out of range, a name that leads nowhere and an address of somebody else are faults of the file."""
    with pytest.raises(ConfigError, match=words):
        bind(host, port)


def test_every_address_of_a_name_gets_the_same_port() -> None:
    """localhost may be two addresses; the port that the system chose for one is used for the other."""
    sockets = bind("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
    finally:
        for one in sockets:
            one.close()


SCRIPT = """
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route
from carekit.web.server import run, serve
async def flood():
    while True:
        yield b"x" * 65_000
async def endless(request):
    return StreamingResponse(flood())
async def main():
    app = Starlette(routes=[Route("/endless", endless)])
    await serve(app, "127.0.0.1", 0, on_start=lambda port: print(port, flush=True), grace=1)
    print("stopped", flush=True)
run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send; stop it with Ctrl+C there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_lets_the_caller_finish(number: signal.Signals) -> None:
    """After TERM or INT, and with a client that does not read, the caller goes on; the server itself prints nothing."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        with raw(int(process.stdout.readline()), "/endless") as client:
            assert client.recv(1) == b"H"
            process.send_signal(number)
            out, err = process.communicate(timeout=STOPS_WITHIN)
    assert (out.strip(), err, process.returncode) == ("stopped", "", 0)


def test_it_leaves_the_logging_as_it_is() -> None:
    """Serving sets no level and adds nothing to the root."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with running():
        pass
    assert (root.level, list(root.handlers)) == before
