"""The running service's own door for `carekit email deliver` and `explain`: a socket that only its owner can open.

One request: a line of JSON ({"do": …}), the raw mail, the end of the stream. One answer: a line of JSON
({"code": …, "lines": […]}), the code one of sysexits.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from carekit import CarekitError

log = logging.getLogger(__name__)

DATAERR, TEMPFAIL = os.EX_DATAERR, os.EX_TEMPFAIL
_PATIENCE = 120.0
_LONGEST_PATH = 100  # octets that a socket's address may have, on every system

Handler = Callable[[str, bytes], Awaitable[tuple[int, list[str]]]]
"""Does what is asked ("deliver" or "explain") with a raw mail; gives the exit code and lines of text."""


class Control:
    """Listens on *path* until cancelled."""

    def __init__(self, path: Path, handler: Handler, *, max_size: int) -> None:
        self._path = path
        self._handler = handler
        self._max_size = max_size

    async def serve(self) -> None:
        """Answer requests; raises OSError when the socket cannot be made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        with _reachable(self._path) as address:
            mask = os.umask(0o177)
            try:
                server = await asyncio.start_unix_server(self._answer, address)
            finally:
                os.umask(mask)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                code, lines = await self._handled(reader)
        except (OSError, TimeoutError, ValueError) as error:
            code, lines = TEMPFAIL, [f"the request could not be read: {type(error).__name__}"]
        with contextlib.suppress(OSError):
            writer.write(json.dumps({"code": code, "lines": lines}).encode() + b"\n")
            await writer.drain()
            writer.close()

    async def _handled(self, reader: asyncio.StreamReader) -> tuple[int, list[str]]:
        head = json.loads(await reader.readline())
        raw = bytearray()
        while chunk := await reader.read(65_536):  # to the end also when it is too much, or the asker hears nothing
            if len(raw) <= self._max_size:
                raw += chunk
        if len(raw) > self._max_size:
            return DATAERR, [f"the mail is larger than {self._max_size} octets (max_size)"]
        try:
            return await self._handler(str(head["do"]), bytes(raw))
        except CarekitError as error:
            return TEMPFAIL, [str(error)]
        except Exception:
            log.exception("a request on %s failed", self._path)
            return TEMPFAIL, ["the service met a fault and wrote it to its log"]


def ask(path: Path, what: str, raw: bytes) -> tuple[int, list[str]]:
    """Ask the service behind *path*; give the exit code and lines of text. Raises OSError when nobody answers."""
    with _reachable(path) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(_PATIENCE)
        door.connect(address)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have its answer already
            door.sendall(json.dumps({"do": what}).encode() + b"\n" + raw)
            door.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := door.recv(65_536):
            answer += chunk
    try:
        found = json.loads(answer)
        return int(found["code"]), [str(line) for line in found["lines"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectionError("the service gave no answer") from error


@contextlib.contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """Give an address for *path* that is short enough, by way of its open folder where it is too long."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
