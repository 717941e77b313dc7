"""A small POP3 server for the tests, with mails that go, stay or are refused as a test wants.

Tests import it by the name under which conftest.py loads it.
"""

from __future__ import annotations

import asyncio
import contextlib


class Server:
    """A small POP3 server over a dictionary of mails: what is deleted goes at QUIT, as the protocol says."""

    def __init__(self, *mails: bytes) -> None:
        self.mails = {f"uid{number}": raw for number, raw in enumerate(mails, 1)}
        self.refused: set[str] = set()
        self.drop_after = 10_000
        self.sessions = 0
        self.fetched: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        listed = list(self.mails)
        deleted: list[str] = []
        writer.write(b"+OK ready\r\n")
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            for _ in range(self.drop_after):
                verb, _, argument = (await reader.readline()).decode().strip().partition(" ")
                if verb == "QUIT" or not verb:
                    if verb:
                        for uid in deleted:
                            del self.mails[uid]
                        writer.write(b"+OK bye\r\n")
                    break
                writer.write(self.answer(verb, argument, listed, deleted))

    def answer(self, verb: str, argument: str, listed: list[str], deleted: list[str]) -> bytes:
        if verb == "LIST":
            lines = [f"{number} {len(self.mails[uid])}" for number, uid in enumerate(listed, 1)]
        elif verb == "UIDL":
            lines = [f"{number} {uid}" for number, uid in enumerate(listed, 1)]
        elif verb in {"RETR", "TOP"}:
            uid = listed[int(argument.split()[0]) - 1]
            self.fetched.append(uid)
            if uid in self.refused:
                return b"-ERR this one is broken\r\n"
            raw = self.mails[uid] if verb == "RETR" else self.mails[uid].split(b"\r\n\r\n")[0] + b"\r\n\r\n"
            lines = [line.replace(".", "..", 1) if line[:1] == "." else line for line in raw.decode().split("\r\n")]
        elif verb == "DELE":
            deleted.append(listed[int(argument) - 1])
            return b"+OK\r\n"
        else:
            return b"+OK\r\n"
        return b"+OK\r\n" + "".join(f"{line}\r\n" for line in lines).encode() + b".\r\n"
