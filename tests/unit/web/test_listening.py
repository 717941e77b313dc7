"""Whether the service could listen where the file says, tried on real ports."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from carekit.seams.component import Health
from carekit.testing.ports import free_port
from carekit.web.listening import examine_listen


@contextmanager
def answering(body: bytes, name: str = "") -> Iterator[str]:
    """A web server that answers everything with *body*; gives where it listens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            if name:
                self.send_header("Server", name)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_free_port_is_free_again_afterwards() -> None:
    """Trying it takes nothing away."""
    listen = f"127.0.0.1:{free_port()}"
    for _ in range(2):
        assert asyncio.run(examine_listen(listen)) == Health("listen", "ok", f"{listen} is free")


def test_the_service_itself_is_no_fault() -> None:
    """It may be running while it is examined."""
    with answering(b'{"status":"ok"}') as listen:
        assert asyncio.run(examine_listen(listen)) == Health("listen", "ok", f"the service is running at {listen}")


def test_another_web_server_is_named() -> None:
    """By what it calls itself, if it does."""
    with answering(b"<html>", "otherd/1.2") as listen:
        found = asyncio.run(examine_listen(listen))
    assert found.state == "failed"
    assert found.detail.endswith("or change listen of [service] or --port (it calls itself 'otherd/1.2')")


@pytest.mark.parametrize(
    ("listen", "words"), [("192.0.2.1:18000", "no address of this machine"), ("no.invalid:1", "cannot")]
)
def test_an_address_that_is_not_ours_is_told(listen: str, words: str) -> None:
    """With the remedy that `serve` gives."""
    found = asyncio.run(examine_listen(listen))
    assert (found.state, words in found.detail, "mend listen" in found.detail) == ("failed", True, True)
