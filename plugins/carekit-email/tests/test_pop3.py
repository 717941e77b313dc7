"""A POP3 mailbox: everything once, whatever happens between, and nothing deleted before it is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from mail_tests_pop3_server import Server

from carekit import Secret
from carekit_email.settings import MailboxSettings
from carekit_email.transport.pop3 import Pop3Inbox, Popped

pytestmark = pytest.mark.anyio


class Kept:
    """Keeps the mails, fails for those in `refuse`, once each; remembers those that stay on the server."""

    def __init__(self, *refuse: str) -> None:
        self.refuse = list(refuse)
        self.all_stay = False
        self.popped: list[Popped] = []

    async def take(self, popped: Popped) -> None:
        if popped.uid in self.refuse:
            self.refuse.remove(popped.uid)
            raise RuntimeError("the store is down")
        self.popped.append(popped)

    async def known(self, uids: Any) -> set[str]:
        return {one.uid for one in self.popped if self.all_stay or one.fault} & set(uids)


@contextlib.asynccontextmanager
async def watching(server: Server, kept: Kept, **changes: Any) -> Any:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        values: dict[str, Any] = {"host": "127.0.0.1", "user": "u", "password": Secret("p"), "tls": "none"}
        settings = MailboxSettings(**(values | {"protocol": "pop3", "port": port} | changes))
        kept.all_stay = settings.keep
        inbox = Pop3Inbox(settings, max_size=1_000, poll_seconds=0.05)
        task = asyncio.create_task(inbox.watch(kept.take, kept.known))
        try:
            yield inbox
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110 - the server under test tells nobody
            await asyncio.sleep(0.01)


def mail(number: int, text: str = "x") -> bytes:
    return f"From: a@b.example\r\nSubject: {number}\r\n\r\n{text}".encode()


async def test_mail_is_kept_and_then_deleted() -> None:
    """In order, once each; the next visit finds an empty box."""
    server, kept = Server(mail(1), mail(2, "..dots\r\n.")), Kept()
    async with watching(server, kept):
        await until(lambda: not server.mails)
    assert [one.uid for one in kept.popped] == ["uid1", "uid2"]
    assert kept.popped[1].raw.endswith(b"..dots\r\n.\r\n")


async def test_what_was_not_kept_stays_on_the_server() -> None:
    """A store that is down ends the visit; what was kept before is gone, and the rest comes again."""
    server, kept = Server(mail(1), mail(2), mail(3)), Kept("uid2")
    async with watching(server, kept) as inbox:
        await until(lambda: not server.mails)
        assert inbox.connections >= 2
    assert [one.uid for one in kept.popped] == ["uid1", "uid2", "uid3"]


async def test_mail_that_stays_is_taken_once() -> None:
    """By its unique id, over many visits."""
    server, kept = Server(mail(1), mail(2)), Kept()
    async with watching(server, kept, keep=True):
        await until(lambda: server.sessions >= 4)
        server.mails["uid9"] = mail(9)
        await until(lambda: len(kept.popped) == 3)
    assert [one.uid for one in kept.popped] == ["uid1", "uid2", "uid9"]
    assert len(server.mails) == 3


async def test_one_mail_that_cannot_be_had_holds_up_nobody() -> None:
    """It is handed over as a note with the reason, and so is one over the limit with its header; both stay there."""
    server, kept = Server(mail(1), mail(2, "y" * 2_000), mail(3)), Kept()
    server.refused = {"uid1"}
    async with watching(server, kept):
        await until(lambda: len(kept.popped) == 3 and server.sessions >= 3)
    refused, large, good = kept.popped
    assert "refused" in refused.fault and refused.raw
    assert "over max_size" in large.fault and b"Subject: 2" in large.raw and b"yyy" not in large.raw
    assert good.fault == ""
    assert list(server.mails) == ["uid1", "uid2"]


async def test_a_broken_connection_is_told_and_made_again() -> None:
    """At most once a second, and nothing is lost or deleted by it."""
    server, kept = Server(mail(1), mail(2)), Kept()
    server.drop_after = 5
    async with watching(server, kept) as inbox:
        await until(lambda: inbox.state not in {"", "not connected yet"})
        began, before = asyncio.get_running_loop().time(), inbox.connections
        await asyncio.sleep(1.5)
        assert inbox.connections - before <= asyncio.get_running_loop().time() - began + 1
        assert len(server.mails) == 2
        server.drop_after = 10_000
        await until(lambda: not server.mails)
    assert {one.uid for one in kept.popped} == {"uid1", "uid2"}
