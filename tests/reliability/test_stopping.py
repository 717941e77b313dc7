"""Asked to stop while everybody writes and somebody never reads: it ends in time, and what was acknowledged stays."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing, suppress
from pathlib import Path

from tests.reliability._clients import Chat, Client, Load, Mail, Notes, Webhook, begun, series
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._scale import few
from tests.reliability._servers import Postgres
from tests.reliability._site import TOKEN, Site

KINDS = {"webhook": Webhook, "chat": Chat, "mail": Mail}


def test_a_reader_that_never_reads_holds_up_nobody(tmp_path: Path, nursery: Nursery) -> None:
    """With sockets whose buffers are full it ends within ten seconds of TERM, and nothing acknowledged is lost."""
    ledgers = {name: Ledger(f"TERM with stuck readers, {name}") for name in KINDS}
    with Site(tmp_path, nursery) as site, closing(_stuck_chat(site)), closing(_stuck_download(site)):
        load = Load()
        for name, kind in KINDS.items():
            load.add(kind(site), series(name, pause=0), ledgers[name])
        time.sleep(2)
        began = time.monotonic()
        site.stop()
        took = time.monotonic() - began
        load.finish(stop=True)
        site.start()
        found = site.texts()
        for name in KINDS:
            mine = [text for text in found if text.startswith(name)]
            ledgers[name].settle(mine, seconds=round(took))


def _stuck_chat(site: Site) -> socket.socket:
    """A browser that asks for much and takes nothing: for less, if the service was quick enough to let go of it."""
    for many in (100, 50, 25):
        made = _connected(site)
        try:
            _ask_for_much(made, site, many)
        except ConnectionError:
            made.close()
        else:
            return made
    raise AssertionError("the service lets go of a reader who has asked for little")


def _ask_for_much(made: socket.socket, site: Site, many: int) -> None:
    lines = [
        "GET /channels/website/socket HTTP/1.1",
        f"Host: 127.0.0.1:{site.port}",
        f"Origin: {site.url}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    made.sendall("\r\n".join([*lines, "", ""]).encode())
    made.sendall(_frame({"type": "hello", "token": None, "conversation": None, "after": 0}))
    made.settimeout(0.5)
    with suppress(TimeoutError):
        for number in range(many):
            made.sendall(_frame({"type": "send", "id": f"stuck-{number:06d}", "text": "stuck " * 330}))


def _stuck_download(site: Site) -> socket.socket:
    """A program that asks for the feed again and again on one connection, and reads no answer."""
    made = _connected(site)
    head = f"GET /api/v1/events?limit=200 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    made.settimeout(0.5)
    with suppress(TimeoutError):  # in the end even the requests are not read any more
        made.sendall(head.encode() * 2000)
    return made


def _connected(site: Site) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", site.port))
    return made


def _frame(message: object) -> bytes:
    """A masked text frame (RFC 6455 section 5.2); the mask is zero, which leaves the text as it is."""
    text = json.dumps(message).encode()
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


def test_a_rolling_restart_loses_nothing(tmp_path: Path, nursery: Nursery) -> None:
    """Two processes restarted in turn: a client that goes to the other one when it is refused never misses an ack."""
    with closing(Postgres()) as postgres:
        first = Site(tmp_path, nursery, postgres.settings)
        rounds = few(2, 20)
        ledgers = {name: Ledger(f"rolling restart, {name}") for name in (*KINDS, "API write")}
        with first, Site(tmp_path, nursery, peer=first) as second:
            conversation = begun(first)
            clients: dict[str, Client] = {name: kind(first, second) for name, kind in KINDS.items()}
            clients["API write"] = Notes(conversation, second, first)
            load = Load()
            for name, client in clients.items():
                load.add(client, series(name.replace(" ", "")), ledgers[name])
            for _ in range(rounds):
                for site in (first, second):
                    time.sleep(0.5)
                    site.stop()
                    site.start()
            load.finish(stop=True)
            found = first.texts()
            for name in KINDS:
                ledgers[name].settle([text for text in found if text.startswith(name)], restarts=2 * rounds)
            ledgers["API write"].settle(first.texts("note_added"), restarts=2 * rounds)
            assert not clients["webhook"].answers["500"]
            assert not clients["webhook"].answers["503"]
