"""A provider's API over real HTTP on loopback: it keeps what it is asked, and answers, hangs or breaks off as told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

ANSWERED = b'{"sid": "SM1", "message_uuid": "SM1", "id": "SM1"}'
"""What every provider here takes for an acceptance."""


@attrs.frozen
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int = 0
    """The port it came from: the same for all that came over one connection."""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.frozen
class Told:
    """One answer: ``breaks`` closes the connection instead, ``hangs`` keeps it for that many seconds first."""

    status: int = 201
    body: bytes = ANSWERED
    headers: Mapping[str, str] = attrs.field(factory=dict)
    breaks: bool = False
    hangs: float = 0.0


class FarSide:
    """Listens on a free port; ``asked`` holds every request in order, ``answers`` what is still to be told."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Told] = []
        self.usual = Told()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FarSide:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        far_side = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _take(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with far_side._lock:
                    query, port = dict(parse_qsl(parts.query)), int(self.client_address[1])
                    far_side.asked.append(Asked(self.command, parts.path, query, headers, body, port))
                    told = far_side.answers.pop(0) if far_side.answers else far_side.usual
                if told.hangs:
                    time.sleep(told.hangs)
                if told.breaks:
                    self.close_connection = True
                    return
                self.send_response(told.status)
                for name, value in {"Content-Length": str(len(told.body)), **told.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.body)

            do_GET = do_POST = do_PUT = _take  # noqa: N815 - as the library spells them

            def log_message(self, *_: object) -> None:
                pass

        return Handler
