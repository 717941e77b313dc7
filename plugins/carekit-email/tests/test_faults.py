"""F-09 and F-11: wires that break at every octet, servers that hang or come back after a day, mail that poisons.

Mails in are messages: none lost, none twice, and never more than one new connection a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import smtplib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mail_tests_broken_wire import Wire
from mail_tests_mailroom import FILE, mail

from carekit import MessageReceived, Scope, Temporary, Unsure
from carekit_email.settings import SmtpSettings
from carekit_email.transport import imap
from carekit_email.transport.smtp import Sender

CUTS = 18
"""How many places of a session are cut, evenly over it; the first and last octets are among them."""
MAILS = 4


def mailbox(user: str, port: int) -> str:
    table = f'imap = {{ host = "127.0.0.1", port = {port}, tls = "none", user = "{user}", password = "care" }}'
    return FILE.replace('listen = "127.0.0.1:0"', table)


@contextlib.asynccontextmanager
async def running(room: Any) -> AsyncIterator[None]:
    task = asyncio.gather(room.channel.run(room.kit.desk), room.channel.run_alone(room.kit.desk))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def texts(room: Any) -> Counter[str]:
    events = room.kit.service.store.feed(0, 1_000, Scope.everything())
    return Counter(event.fact.subject for event in events if isinstance(event.fact, MessageReceived))


async def until(done: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.02)


def once(wire: Wire) -> None:
    """Never more than one new connection a second."""
    gaps = [later - earlier for earlier, later in zip(wire.connections, wire.connections[1:], strict=False)]
    assert all(gap > 0.95 for gap in gaps), gaps


async def fetched(room: Any, wire: Wire, expected: set[str]) -> None:
    async with wire.up():
        async with running(room):
            await until(lambda: set(texts(room)) >= expected)
            await asyncio.sleep(0.1)
        assert texts(room) == Counter(expected)
        once(wire)


def subjects(user: str) -> set[str]:
    return {f"{user.split('@')[0]}-{number}" for number in range(MAILS)}


def test_f_09_a_mailbox_whose_wire_is_cut_anywhere(
    rooms: Callable[..., Any], dovecot: Any, free_port: Callable[[], int]
) -> None:
    """After so many octets of the session, for places all over it, greeting and logout included."""
    user = "cut@mailbox.example"
    dovecot.deliver(user, *subjects(user), body="text " * 50)

    def wired(after: int) -> tuple[Any, Wire]:
        wire = Wire(dovecot.imap_port, free_port())
        wire.cut_after = after
        return rooms("", mailbox(user, wire.port)), wire

    room, whole = wired(0)
    asyncio.run(fetched(room, whole, subjects(user)))
    stride = max(1, whole.octets // CUTS)
    broken = [wired(after) for after in [1, *range(stride, whole.octets, stride)]]

    async def everywhere() -> None:
        await asyncio.gather(*(fetched(room, wire, subjects(user)) for room, wire in broken))

    asyncio.run(everywhere())
    assert sum(len(wire.connections) == 2 for _, wire in broken) > CUTS // 2


@pytest.mark.parametrize("trouble", ["slices", "resets", "silence"])
def test_f_09_a_mailbox_behind_a_bad_wire(
    rooms: Callable[..., Any],
    dovecot: Any,
    free_port: Callable[[], int],
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One octet at a time; reset again and again; connections that stay open and say nothing."""
    user = f"{trouble}@mailbox.example"
    dovecot.deliver(user, *subjects(user))
    monkeypatch.setattr(imap, "_TIMEOUT", 1.0)
    wire = Wire(dovecot.imap_port, free_port())
    wire.slice = 1 if trouble == "slices" else 0
    wire.silent = trouble == "silence"
    room = rooms("", mailbox(user, wire.port))

    async def disturb() -> None:
        for number in (1, 2) if trouble == "resets" else ():
            await until(lambda number=number: len(wire.connections) >= number)
            wire.reset()
        await asyncio.sleep(1.2 if trouble == "silence" else 0)
        wire.silent = False

    async def use() -> None:
        disturbing = asyncio.create_task(disturb())
        await fetched(room, wire, subjects(user))
        await disturbing

    asyncio.run(use())
    assert (len(wire.connections) > 1) is (trouble != "slices")


def test_f_09_a_day_without_us_costs_nothing(rooms: Callable[..., Any], dovecot: Any) -> None:
    """What came in the meantime is taken in order, by the clock a day later and after a restart."""
    user = "day@mailbox.example"
    dovecot.deliver(user, "before")
    room = rooms("", mailbox(user, dovecot.imap_port))

    async def visit(count: int) -> None:
        async with running(room):
            await until(lambda: sum(texts(room).values()) >= count)

    room.kit.run(visit(1))
    dovecot.deliver(user, *(f"night-{number}" for number in range(5)))
    room.kit.advance("24h")
    room.kit.run(visit(6))
    assert list(texts(room)) == ["before", *(f"night-{number}" for number in range(5))]
    assert set(texts(room).values()) == {1}


@pytest.mark.anyio
async def test_f_09_a_mail_deleted_while_it_is_fetched_is_passed_over(dovecot: Any) -> None:
    """Somebody else empties the mailbox under us: what is gone is gone, and the next one comes."""
    from datetime import date

    from carekit import Secret
    from carekit_email.settings import MailboxSettings
    from carekit_email.transport.imap import Fetched, ImapInbox

    user = "expunge@mailbox.example"
    dovecot.deliver(user, "one", "two", "three")
    kept: list[int] = []
    done = asyncio.Event()

    def delete(uid: int) -> None:
        with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as other:
            other.login(user, "care")
            other.select()
            other.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
            other.expunge()

    async def take(fetched: Fetched) -> None:
        kept.append(fetched.uid)
        if fetched.uid == 1:
            await asyncio.to_thread(delete, 2)  # it is on our list already
        if fetched.uid == 3:
            done.set()

    settings = MailboxSettings(host="127.0.0.1", port=dovecot.imap_port, tls="none", user=user, password=Secret("care"))
    inbox = ImapInbox(settings)
    task = asyncio.create_task(inbox.watch(None, take, lambda: date(2026, 11, 2)))
    await asyncio.wait_for(done.wait(), 20)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert (kept, inbox.connections) == ([1, 3], 1)


class Peer:
    """A mail server that counts what it took, by subject."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken[envelope.content.split(b"\r\n")[0].decode()] += 1
        return "250 kept"


@pytest.mark.anyio
async def test_f_09_sending_over_a_wire_that_is_cut_anywhere() -> None:
    """Not handed over is told as such, taken is taken once, and only what nobody can know is told as unsure."""
    from aiosmtpd.smtp import SMTP

    peer = Peer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(peer, loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outcomes: Counter[str] = Counter()

    async def send(after: int) -> None:
        wire = Wire(port)
        wire.cut_after, wire.cuts = after, 1_000
        name = f"Subject: {after}"
        raw = f"{name}\r\n\r\nbody\r\n".encode()
        async with wire.up():
            sender = Sender(SmtpSettings(host="127.0.0.1", port=wire.port, tls="none"))
            try:
                await sender.send("help@shop.example", ("ada@host.example",), raw)
                outcome = "sent"
            except Temporary:
                outcome = "temporary"
            except Unsure:
                outcome = "unsure"
            await sender.close()
        await asyncio.sleep(0.05)
        outcomes[outcome] += 1
        allowed = {"sent": {1}, "temporary": {0}, "unsure": {0, 1}}[outcome]
        assert peer.taken[name] in allowed, (after, outcome, peer.taken[name])

    async with server:
        await asyncio.gather(*(send(after) for after in range(1, 420, 6)))
    assert all(outcomes[kind] for kind in ("sent", "temporary", "unsure")), outcomes


def test_f_09_a_server_that_delivers_over_a_wire_that_is_cut_anywhere(
    rooms: Callable[..., Any], free_port: Any
) -> None:
    """It comes again until it has its 250, and each mail is one message all the same."""
    port = free_port()
    room = rooms("", FILE.replace("127.0.0.1:0", f"127.0.0.1:{port}"))

    def deliver(wire: Wire, number: int) -> None:
        raw = mail(f"text {number}", Subject=f"s{number}", Message_ID=f"<cut{number}@host.example>")
        for _ in range(5):
            try:
                with smtplib.SMTP("127.0.0.1", wire.port, timeout=5) as door:
                    door.sendmail("ada@host.example", ["help@shop.example"], raw)
                return
            except (OSError, smtplib.SMTPException):
                continue
        raise AssertionError(f"mail {number} was never taken")

    clients = ThreadPoolExecutor(20)  # the service needs the loop's own threads

    async def one(number: int, after: int) -> None:
        wire = Wire(port)
        wire.cut_after, wire.cuts = after, 2
        async with wire.up():
            await asyncio.get_running_loop().run_in_executor(clients, deliver, wire, number)

    async def use() -> None:
        async with running(room):
            await asyncio.sleep(0.2)
            await asyncio.gather(*(one(number, after) for number, after in enumerate(range(1, 360, 20))))

    with clients:
        room.kit.run(use())
    found = texts(room)
    assert set(found.values()) == {1} and len(found) == 18


def test_f_11_poison_holds_up_nobody(rooms: Callable[..., Any], mutations: Any) -> None:
    """Hundreds of broken mails become messages or are set aside, and the good one behind them arrives."""
    room = rooms("per_sender = 100000\n")
    source = mutations.mails(7)
    poison = [next(source) for _ in range(150)]
    poison += [
        b"To: a@[\n\nx",
        b"From: <\n\nx",
        b"Subject: =?utf-8?b?%%?=\n\nx",
        b"From: =?x?q?a@b?=\n\nx",
        b"",
        b"\xff" * 500,
    ]

    async def use() -> None:
        for raw in poison:
            await room.intake.take(raw)
        await room.intake.take(mail("good", Subject="good"))

    room.kit.run(use())
    assert texts(room)["good"] == 1
    assert len(room.quarantined()) > 5


@pytest.mark.anyio
async def test_f_11_a_mail_that_the_server_withholds_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After some tries: one mail that cannot be fetched must not stop the inbox."""
    from datetime import date

    from carekit_email.settings import MailboxSettings
    from carekit_email.transport.imap import Fetched, ImapInbox, MailWithheld, Mark

    inbox = ImapInbox(MailboxSettings(host="h", user="u"))
    taken: list[tuple[int, bool]] = []

    def fetch(uid: int, size: int) -> bytes:
        if uid == 2:
            raise MailWithheld("the server refused mail 2")
        return b"Subject: x\r\n\r\ny"

    async def take(fetched: Fetched) -> None:
        taken.append((fetched.uid, bool(fetched.fault)))

    monkeypatch.setattr(inbox, "_list_new", lambda mark: [(uid, 10) for uid in (1, 2, 3) if uid > mark.uid])
    monkeypatch.setattr(inbox, "_fetch", fetch)
    inbox._mark = Mark(1, 0, 1, date(2026, 11, 2))
    with ThreadPoolExecutor(1) as executor:
        for _ in range(2):
            with pytest.raises(MailWithheld):
                await inbox._take_new(executor, take)
        await inbox._take_new(executor, take)
    assert taken == [(1, False), (2, True), (3, False)]
