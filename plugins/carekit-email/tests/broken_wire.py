"""A wire that breaks on purpose: a TCP proxy on the test's own loop, between a client and a server.

Tests import it by the name under which conftest.py loads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Wire:
    """Hands octets on. What breaks may be set at any time, for live connections as well.

    ``cut_after``: reset after so many octets from the server, on the first ``cuts`` connections. ``slice``: hand on in
    pieces of so many octets. ``silent``: keep connections and hand on nothing.
    """

    def __init__(self, port: int, listen: int = 0) -> None:
        self._upstream = port
        self.port = listen
        self.cut_after = 0
        self.cuts = 1
        self.slice = 0
        self.silent = False
        self.connections: list[float] = []
        self.octets = 0
        self._live: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[Wire]:
        """Listen for the length of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self
            self.reset()
        await asyncio.sleep(0)

    def reset(self) -> None:
        """Reset every live connection."""
        for writer in list(self._live):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.get_running_loop().time())
        cut = self.cut_after if len(self.connections) <= self.cuts else 0
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            _reset(writer)
            return
        pair = (writer, up_writer)
        self._live |= set(pair)
        try:
            await asyncio.gather(self._pump(reader, up_writer, 0, pair), self._pump(up_reader, writer, cut, pair))
        finally:
            self._live -= set(pair)
            for one in pair:
                one.close()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cut: int,
        pair: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(65_536):
                while self.silent:  # noqa: ASYNC110 - the test only sets an attribute
                    await asyncio.sleep(0.02)
                step = self.slice or len(data)
                for start in range(0, len(data), step):
                    piece = data[start : start + step]
                    if cut and passed + len(piece) > cut:
                        writer.write(piece[: max(0, cut - passed)])
                        await writer.drain()
                        await asyncio.sleep(0.01)
                        for one in pair:
                            _reset(one)
                        return
                    passed += len(piece)
                    self.octets += len(piece)
                    writer.write(piece)
                    await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a crash or a firewall does."""
    made = writer.get_extra_info("socket")
    if made is not None:
        with contextlib.suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
