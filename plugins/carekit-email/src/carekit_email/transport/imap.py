"""Fetch a mailbox: every mail once, in order, after an outage of any length, without touching what is on the server.

The position is (UIDVALIDITY, UID). It moves past a mail only after the caller's commit, so a crash at any moment means
that a mail is handed over again, never that it is lost. Blocking calls run in one thread of the mailbox's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any, TypeVar

from attrs import evolve, frozen
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from carekit import CarekitError
from carekit_email.settings import MailboxSettings
from carekit_email.transport import tls
from carekit_email.transport.oauth import Tokens

log = logging.getLogger(__name__)
T = TypeVar("T")

_TIMEOUT = 30.0
_IDLE_SECONDS = 300.0  # also the longest delay should a server give no notice; servers end IDLE after 29 minutes
_POLL_SECONDS = 30.0
_LONGEST_WAIT = 60.0
_CHUNK = 200
_SIZE = re.compile(r"UID (\d+)[^)]*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^)]*UID (\d+)")
_REFUSALS = 3  # how often a server may refuse one mail before the next ones get their turn
_FAULTS = (OSError, EOFError, imaplib.IMAP4.error, ImapToolsError, CarekitError)
"""What a broken connection, a refusing server or a wrong password looks like; `ssl` and time-outs are OSErrors."""
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@frozen
class Mark:
    """How far a mailbox was read.

    `baseline` is the first UID that was new when the mailbox was first seen, `since` the day before that. Below the
    baseline only unread mail is taken: what was handled before the service was set up must not be answered again.
    After the server `renumbered` the mailbox, mail that came in `since` is taken below the baseline, too.
    """

    uidvalidity: int
    uid: int
    baseline: int
    since: date
    renumbered: bool = False

    def __str__(self) -> str:
        return f"{self.uidvalidity}:{self.uid}:{self.baseline}:{self.since.isoformat()}:{int(self.renumbered)}"

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """Give the mark that `str` of one gave, None for anything else."""
        try:
            uidvalidity, uid, baseline, since, renumbered = text.split(":")
            return cls(int(uidvalidity), int(uid), int(baseline), date.fromisoformat(since), renumbered == "1")
        except ValueError:
            return None


@frozen
class Fetched:
    """One mail as it is on the server, and the mark to store in the commit of it.

    `size` is that on the server. When it is over the limit, `raw` holds only the beginning, and when the server would
    not give the mail at all, a note about that; then `fault` says what is wrong, else it is "".
    """

    uidvalidity: int
    uid: int
    raw: bytes
    size: int
    fault: str
    mark: Mark


Take = Callable[[Fetched], Awaitable[None]]
"""Keeps one mail durably and returns; an exception means that it was not kept and must come again."""


class MailWithheld(CarekitError):
    """The server would not give one mail, though it goes on serving others."""


class ImapInbox:
    """Watches one folder. `state` is "" while it works, else what is wrong."""

    def __init__(
        self,
        settings: MailboxSettings,
        *,
        max_size: int = 50_000_000,
        idle_seconds: float = _IDLE_SECONDS,
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        self._settings = settings
        self._max_size = max_size
        self._idle_seconds = idle_seconds
        self._poll_seconds = poll_seconds
        self._box: BaseMailBox | None = None
        self.state = "not connected yet"
        self.connections = 0
        self._failures = 0
        self._mark: Mark | None = None
        self._refused: dict[int, int] = {}
        self._count: bytes | None = None
        self._tokens = Tokens(settings.oauth) if settings.oauth else None

    async def watch(self, mark: Mark | None, take: Take, today: Callable[[], date]) -> None:
        """Hand every new mail after *mark* to *take*, in order, until cancelled.

        Connections that fail are made again, at most one a second, with growing pauses up to a minute.
        """
        executor = ThreadPoolExecutor(1, thread_name_prefix="carekit-imap")
        self._mark, self._failures = mark, 0
        try:
            while True:
                try:
                    await self._open(executor, today())
                    while True:
                        await self._take_new(executor, take)
                        self._failures, self.state = 0, ""
                        await self._pause(executor)
                except Exception as error:  # noqa: BLE001 - connection, server or store: what was not kept comes again
                    await self._recover(executor, error)
        finally:
            self._abort()
            executor.submit(self._close)
            executor.shutdown(wait=False)

    async def _recover(self, executor: ThreadPoolExecutor, error: Exception) -> None:
        self._failures += 1
        self.state = f"{type(error).__name__}: {error}"
        log.warning("mailbox %s@%s: %s", self._settings.user, self._settings.host, self.state)
        await self._run(executor, self._close)
        await asyncio.sleep(min(_LONGEST_WAIT, 2.0 ** min(self._failures - 1, 10)))

    async def _run(self, executor: ThreadPoolExecutor, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, call, *args)

    async def _open(self, executor: ThreadPoolExecutor, today: date) -> None:
        self.connections += 1
        uidvalidity, uidnext = await self._run(executor, self._connect)
        if self._mark is None:
            self._mark = Mark(uidvalidity, 0, uidnext, today - timedelta(days=1))
        elif self._mark.uidvalidity != uidvalidity:
            # The numbers mean nothing any more. All that came since we first looked is taken again: what was kept
            # before is recognised by its id, and what was not is not lost.
            log.warning("mailbox %s: numbered anew by the server; reading it again", self._settings.user)
            self._mark = evolve(self._mark, uidvalidity=uidvalidity, uid=0, baseline=uidnext, renumbered=True)

    async def _take_new(self, executor: ThreadPoolExecutor, take: Take) -> None:
        """Hand over what is above the mark, which moves past each mail when it is kept, and not before."""
        assert self._mark is not None
        for uid, size in await self._run(executor, self._list_new, self._mark):
            raw, fault = await self._get(executor, uid, size)
            after = evolve(self._mark, uid=uid)
            if raw is not None:
                await take(Fetched(after.uidvalidity, uid, raw, size, fault, after))
            self._mark = after

    async def _get(self, executor: ThreadPoolExecutor, uid: int, size: int) -> tuple[bytes | None, str]:
        """Give a mail and what is wrong with it; a server that refuses one mail must not keep all others away."""
        try:
            raw = await self._run(executor, self._fetch, uid, size)
        except MailWithheld as error:
            refusals = self._refused[uid] = self._refused.get(uid, 0) + 1
            if refusals < _REFUSALS:
                raise
            note = f"mail {uid} of folder {self._settings.folder}, {size} octets, could not be fetched"
            return note.encode(), f"the server refused this mail {refusals} times: {error}"
        over = size > self._max_size
        return raw, f"a mail of {size} octets is over max_size; only its beginning is kept" if over else ""

    async def _pause(self, executor: ThreadPoolExecutor) -> None:
        if not await self._run(executor, self._idle):
            await asyncio.sleep(self._poll_seconds)
            await self._run(executor, self._noop)

    # --- in the thread

    def _connect(self) -> tuple[int, int]:
        settings = self._settings
        box: BaseMailBox
        trust = tls.context(settings.ca) if settings.tls != "none" else None
        if settings.tls == "tls":
            box = MailBox(settings.host, settings.effective_port, timeout=_TIMEOUT, ssl_context=trust)
        elif settings.tls == "starttls":
            box = MailBoxStartTls(settings.host, settings.effective_port, timeout=_TIMEOUT, ssl_context=trust)
        else:
            box = MailBoxUnencrypted(settings.host, settings.effective_port, timeout=_TIMEOUT)
        self._box = box
        self._log_in(box)
        box.folder.set(settings.folder, readonly=True)
        status = box.folder.status(settings.folder, ["UIDVALIDITY", "UIDNEXT"])
        return int(status["UIDVALIDITY"]), int(status["UIDNEXT"])

    def _log_in(self, box: BaseMailBox) -> None:
        user = self._settings.user
        if self._tokens is not None:
            try:
                box.xoauth2(user, self._tokens.get(), initial_folder=None)
            except imaplib.IMAP4.error:
                self._tokens.drop()
                raise
            return
        password = self._settings.password.reveal() if self._settings.password else ""
        login = box.login if (user + password).isascii() else box.login_utf8
        login(user, password, initial_folder=None)

    def examine(self) -> str:
        """Connect, log in and look at the folder, apart from what runs; give what was seen. Blocks; raises."""
        probe = ImapInbox(self._settings)
        try:
            _, uidnext = probe._connect()
            return f"logged in; folder {self._settings.folder} is open, its next mail has UID {uidnext}"
        finally:
            probe._close()

    def _client(self) -> imaplib.IMAP4:
        if self._box is None:
            raise EOFError("the connection was closed")
        client: imaplib.IMAP4 = self._box.client
        return client

    def _list_new(self, mark: Mark) -> list[tuple[int, int]]:
        """Give (UID, size) of every mail to take, in order."""
        self._told()  # of what the search will find
        uids = [uid for uid in self._search(f"UID {mark.uid + 1}:*") if uid > mark.uid]
        if uids and uids[0] < mark.baseline:
            day = f"{mark.since.day}-{_MONTHS[mark.since.month - 1]}-{mark.since.year}"
            wanted = set(self._search(f"OR UNSEEN SINCE {day}" if mark.renumbered else "UNSEEN"))
            uids = [uid for uid in uids if uid >= mark.baseline or uid in wanted]
        sizes: dict[int, int] = {}
        for start in range(0, len(uids), _CHUNK):
            sizes.update(self._sizes(uids[start : start + _CHUNK]))
        return [(uid, sizes[uid]) for uid in uids if uid in sizes]

    def _search(self, criteria: str) -> list[int]:
        status, data = self._client().uid("SEARCH", criteria)
        if status != "OK":
            raise imaplib.IMAP4.error(f"the server refused to search: {data!r}")
        return sorted(int(number) for line in data if line for number in line.split())

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        status, data = self._client().uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
        if status != "OK":
            raise imaplib.IMAP4.error(f"the server refused to tell sizes: {data!r}")
        found: dict[int, int] = {}
        for line in data:
            text = line.decode("ascii", "replace") if isinstance(line, bytes) else ""
            match = _SIZE.search(text)
            if match:
                first, second, third, fourth = match.groups()
                found[int(first or fourth)] = int(second or third)
        return found

    def _fetch(self, uid: int, size: int) -> bytes | None:
        """Give the mail, its beginning when it is over the limit, None when it was deleted meanwhile."""
        what = "BODY.PEEK[]" if size <= self._max_size else f"BODY.PEEK[]<0.{min(self._max_size, 65_536)}>"
        status, data = self._client().uid("FETCH", str(uid), f"(UID {what})")
        if status != "OK":
            raise MailWithheld(f"the server refused mail {uid}: {data!r}"[:300])
        return next((item[1] for item in data if isinstance(item, tuple)), None)

    def _idle(self) -> bool:
        """Wait for a notice; False when the server has no IDLE."""
        client = self._client()
        assert self._box is not None
        status, data = client.capability()
        if status != "OK" or b"IDLE" not in b" ".join(data).upper().split():
            return False
        if not self._told():
            with self._box.idle as idle:
                if not _read_already(client):
                    idle.poll(timeout=self._idle_seconds)
            self._count = None  # it has changed unseen
        return True

    def _told(self) -> bool:
        """Whether the server has told of new mail since this was last asked.

        It tells once, in its answer to whatever command comes next, and then not in IDLE any more (RFC 9051 section
        5.2). A number that it merely repeats is no news.
        """
        client = self._client()
        fewer = client.response("EXPUNGE")[1] != [None]
        count = client.response("EXISTS")[1][-1]
        told = count is not None and count != self._count
        self._count = None if fewer else count or self._count
        return told

    def _noop(self) -> None:
        self._client().noop()

    def _close(self) -> None:
        box, self._box = self._box, None
        if box is not None:
            with contextlib.suppress(*_FAULTS):
                box.client.shutdown()

    def _abort(self) -> None:
        """Wake the thread from whatever it waits for; it then finds the connection gone."""
        if self._box is not None:
            with contextlib.suppress(*_FAULTS):
                self._box.client.sock.shutdown(socket.SHUT_RDWR)


def _read_already(client: imaplib.IMAP4) -> list[bytes]:
    """Give the lines that came in one piece with what was read last: who waits for the socket waits past them."""
    lines: list[bytes] = []
    client.sock.settimeout(0)
    try:
        while True:
            lines.append(client._get_line())
    except (OSError, imaplib.IMAP4.abort):  # nothing more; the end of the connection is found by who reads next
        return lines
    finally:
        client.sock.settimeout(_TIMEOUT)
