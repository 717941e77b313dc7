"""Fetch a mailbox over POP3 (RFC 1939): every mail once, after an outage of any length.

Mail is deleted on the server after it was kept here, as the protocol is meant. Where it is to stay, and where there was
no having all of it, its unique id (UIDL) is stored in the commit of what is kept. Blocking calls run in one thread of
the mailbox's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import poplib
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from attrs import frozen

from carekit import ConfigError
from carekit_email.settings import MailboxSettings
from carekit_email.transport import tls
from carekit_email.transport.oauth import Tokens, xoauth2_base64

log = logging.getLogger(__name__)
T = TypeVar("T")

_TIMEOUT = 30.0
_POLL_SECONDS = 60.0
_LONGEST_WAIT = 60.0
_FAULTS = (OSError, EOFError, poplib.error_proto)

# The library gives up at lines of 2048 octets; real mail has longer ones, and its size is limited before it is fetched.
poplib._MAXLINE = 1_048_576  # type: ignore[attr-defined]


@frozen
class Popped:
    """One mail as it is on the server, by its unique id; `fault` says what is wrong with `raw`, "" for nothing."""

    uid: str
    raw: bytes
    fault: str = ""


Take = Callable[[Popped], Awaitable[None]]
"""Keeps one mail durably and returns; an exception means that it was not kept and must come again."""
Known = Callable[[Sequence[str]], Awaitable[set[str]]]
"""Gives which of the unique ids on the server were taken before; all others may be forgotten."""


class Pop3Inbox:
    """Empties or reads one mailbox, again and again. `state` is "" while it works, else what is wrong."""

    def __init__(
        self, settings: MailboxSettings, *, max_size: int = 50_000_000, poll_seconds: float = _POLL_SECONDS
    ) -> None:
        self._settings = settings
        self._max_size = max_size
        self._poll_seconds = poll_seconds
        self._tokens = Tokens(settings.oauth) if settings.oauth else None
        self._client: poplib.POP3 | None = None
        self.state = "not connected yet"
        self.connections = 0

    @property
    def keeps(self) -> bool:
        """Whether mail stays on the server."""
        return self._settings.keep

    async def watch(self, take: Take, known: Known) -> None:
        """Hand every mail that is not *known* to *take*, until cancelled.

        Connections that fail are made again, at most one a second, with growing pauses up to a minute.
        """
        executor = ThreadPoolExecutor(1, thread_name_prefix="carekit-pop3")
        failures = 0
        try:
            while True:
                wait = self._poll_seconds
                try:
                    await self._visit(executor, take, known)
                    failures, self.state = 0, ""
                except Exception as error:  # noqa: BLE001 - connection, server or store: what was not kept comes again
                    failures += 1
                    self.state = f"{type(error).__name__}: {error}"
                    log.warning("mailbox %s@%s: %s", self._settings.user, self._settings.host, self.state)
                    wait = min(_LONGEST_WAIT, 2.0 ** min(failures - 1, 10))
                finally:
                    self._abort()
                await asyncio.sleep(wait)
        finally:
            executor.shutdown(wait=False)

    async def _visit(self, executor: ThreadPoolExecutor, take: Take, known: Known) -> None:
        """One session: the server forgets what we deleted unless it ends with QUIT, so each ends with one."""

        async def run(call: Callable[..., T], *args: Any) -> T:
            return await asyncio.get_running_loop().run_in_executor(executor, call, *args)

        self.connections += 1
        listed = await run(self._open)
        seen = await known([uid for _, uid, _ in listed if uid])
        try:
            for number, uid, size in listed:
                if uid in seen:
                    continue
                popped = await run(self._fetch, number, uid, size)
                await take(popped)
                if not self._settings.keep and not popped.fault:
                    await run(self._delete, number)
        finally:
            with contextlib.suppress(*_FAULTS):
                await run(self._quit)

    # --- in the thread

    def _open(self) -> list[tuple[int, str, int]]:
        """Connect, log in, and give (number, unique id, size) of every mail."""
        settings = self._settings
        trust = tls.context(settings.ca) if settings.tls != "none" else None
        if settings.tls == "tls":
            client: poplib.POP3 = poplib.POP3_SSL(
                settings.host, settings.effective_port, timeout=_TIMEOUT, context=trust
            )
        else:
            client = poplib.POP3(settings.host, settings.effective_port, timeout=_TIMEOUT)
        self._client = client
        if settings.tls == "starttls":
            client.stls(context=trust)
        self._log_in(client)
        sizes = {int(number): int(size) for number, size in (line.split()[:2] for line in client.list()[1])}
        try:
            unique = [line.decode("ascii", "replace").split(" ", 1) for line in client.uidl()[1]]
        except poplib.error_proto as error:
            if settings.keep:
                raise ConfigError("this server has no UIDL, so mail cannot stay on it: set `keep = false`") from error
            unique = [[str(number), ""] for number in sizes]
        return [(int(number), uid.strip(), sizes.get(int(number), 0)) for number, uid in unique]

    def _log_in(self, client: poplib.POP3) -> None:
        settings = self._settings
        if self._tokens is not None:
            try:
                client._shortcmd(f"AUTH XOAUTH2 {xoauth2_base64(settings.user, self._tokens.get())}")  # type: ignore[attr-defined]
            except poplib.error_proto:
                self._tokens.drop()
                raise
            return
        client.user(settings.user)
        client.pass_(settings.password.reveal() if settings.password else "")

    def _fetch(self, number: int, uid: str, size: int) -> Popped:
        assert self._client is not None
        over = size > self._max_size
        try:
            lines = self._client.top(number, 0)[1] if over else self._client.retr(number)[1]
        except poplib.error_proto as error:
            if not str(error).startswith("b'-ERR"):
                raise
            note = f"mail {uid or number}, {size} octets, could not be fetched"
            return Popped(uid, note.encode(), f"the server refused this mail: {error}"[:300])
        fault = f"a mail of {size} octets is over max_size; only its header is kept" if over else ""
        return Popped(uid, b"\r\n".join(lines) + b"\r\n", fault)

    def _delete(self, number: int) -> None:
        assert self._client is not None
        self._client.dele(number)

    def _quit(self) -> None:
        if self._client is not None:
            self._client.quit()

    def examine(self) -> str:
        """Connect, log in and count, apart from what runs; give what was seen. Blocks; raises."""
        probe = Pop3Inbox(self._settings)
        try:
            return f"logged in; {len(probe._open())} mail(s) on the server"
        finally:
            with contextlib.suppress(*_FAULTS):
                probe._quit()
            probe._abort()

    def _abort(self) -> None:
        """Close whatever is open; a thread that waits for the server then finds the connection gone."""
        client, self._client = self._client, None
        if client is not None:
            connection: socket.socket | None = client.sock
            if connection is not None:
                with contextlib.suppress(*_FAULTS):
                    connection.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(*_FAULTS):
                client.close()
