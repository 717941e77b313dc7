"""What every request passes first: hosts, ids, and the net for what nobody caught."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from carekit.ground.errors import ConfigError, NotAllowed
from carekit.testing.desk import DeskKit
from carekit.web.edge import hosts_of
from tests.unit.web._web import Web, app_at, make_app


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:80", "[::1]:8000", "care.example.org"])
def test_our_hosts_are_answered(web: Web, host: str) -> None:
    """The loopback names and the configured host are ours, with any port and in any case."""
    assert web.get("/api", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "x/../admin", "x@localhost", "localhost@evil.example", "[", "localhost:x", "localhost:8000:1",
     "localhost evil", "localhost/",
     "care.example.org.evil.example", "évil", "localhost?", "localhost#", "localhost\\"],
)  # fmt: skip
def test_other_hosts_are_refused(web: Web, host: str) -> None:
    """A host that is not ours, or no host at all, answers 400 whatever the path."""
    for path in ("/api", "/api/v1/agents", "/"):
        response = web.get(path, headers={"Host": host.encode()})  # type: ignore[dict-item]
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"


def test_two_hosts_are_refused(web: Web) -> None:
    """A proxy and we must not read different hosts out of one request."""
    scope = {
        "type": "http", "method": "GET", "path": "/api", "query_string": b"", "http_version": "1.1",
        "headers": [(b"host", b"localhost"), (b"host", b"evil.example")],
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    web.kit.run(web.app(scope, receive, send))
    assert sent[0]["status"] == 400


def test_probes_may_name_any_host(web: Web) -> None:
    """A probe asks by address, so health answers whatever the host says."""
    assert web.get("/healthz", headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_the_path_is_never_read_from_the_host(web: Web) -> None:
    """A host that looks like a path changes nothing about who may do what."""
    response = web.get("/api/v1/agents", "", headers={"Host": "localhost/healthz?"})
    assert response.status_code == 400


@pytest.mark.parametrize("url", ["", "care.example.org", "ftp://care.example.org", "https://", "http://[::1"])
def test_an_address_that_cannot_be_ours_is_a_fault_of_the_file(url: str) -> None:
    """The url must be one that people can open."""
    with pytest.raises(ConfigError, match="url"):
        hosts_of(url)


def test_an_ipv6_address_is_a_host() -> None:
    """Its brackets stay, as in the header."""
    assert "[2001:db8::1]" in hosts_of("https://[2001:db8::1]:8443/care")


def test_every_answer_has_its_request_id(web: Web) -> None:
    """An id is made for each request, and one that the asker sends is kept if it is plain."""
    assert web.get("/api").headers["x-request-id"] != web.get("/api").headers["x-request-id"]
    assert web.get("/api", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    for odd in ("", "a b", "x" * 65, "<script>"):
        assert web.get("/api", headers={"X-Request-Id": odd}).headers["x-request-id"] != odd


async def explode(websocket: WebSocket) -> None:
    raise RuntimeError("hunter2")


async def refuse(websocket: WebSocket) -> None:
    await websocket.accept()
    raise NotAllowed("not you")


@pytest.mark.parametrize(("path", "code"), [("/explode", 1011), ("/refuse", 1008)])
def test_a_websocket_that_fails_is_closed(kit: DeskKit, path: str, code: int) -> None:
    """A websocket's error closes it with a code and without our words."""
    routes = [WebSocketRoute("/explode", explode), WebSocketRoute("/refuse", refuse)]
    client = TestClient(make_app(kit, apps=[app_at("/", lambda desk: routes)]), base_url="http://localhost")
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client.websocket_connect(path, headers={"Host": "localhost"}) as socket,
    ):
        socket.receive_text()
    assert closed.value.code == code
    assert "hunter2" not in closed.value.reason


def test_a_websocket_from_another_host_is_refused(kit: DeskKit) -> None:
    """The check of the host holds for websockets too."""
    client = TestClient(make_app(kit, apps=[app_at("/", lambda desk: [WebSocketRoute("/refuse", refuse)])]))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/refuse"):
        pass


def test_a_redirect_stays_on_our_hosts(kit: DeskKit) -> None:
    """A redirect for a missing slash never leads to a host of the asker's choice."""

    async def page(request: Any) -> Any:
        raise AssertionError("not reached")

    web = Web(kit, make_app(kit, apps=[app_at("/help", lambda desk: [Route("/", page)])]))
    response = web.get("/help?q=a%20b", headers={"Host": "localhost"})
    assert (response.status_code, response.headers["location"]) == (307, "/help/?q=a%20b")
