"""A mailbox on a real Dovecot: everything once, in order, nothing marked before it is kept."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import itertools
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit import Secret
from carekit_email.codec import decode
from carekit_email.settings import MailboxSettings
from carekit_email.transport.imap import Fetched, ImapInbox, Mark

pytestmark = pytest.mark.anyio

_users = itertools.count()
Watch = Callable[..., Awaitable[Mark | None]]


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture
def user() -> str:
    return f"user{next(_users)}@mailbox.example"


@pytest.fixture
def settings(dovecot: Any, user: str) -> MailboxSettings:
    return MailboxSettings(host="127.0.0.1", port=dovecot.imap_port, tls="none", user=user, password=Secret("care"))


class Kept:
    """Keeps subjects; fails for those in `refuse`, once each; sets `done` when *count* are kept."""

    def __init__(self, count: int, refuse: tuple[str, ...] = ()) -> None:
        self.count = count
        self.refuse = list(refuse)
        self.subjects: list[str] = []
        self.fetched: list[Fetched] = []
        self.done = asyncio.Event()

    async def take(self, fetched: Fetched) -> None:
        subject = decode(fetched.raw).subject
        if subject in self.refuse:
            self.refuse.remove(subject)
            raise RuntimeError("the store is down")
        self.subjects.append(subject)
        self.fetched.append(fetched)
        if len(self.subjects) >= self.count:
            self.done.set()


@contextlib.asynccontextmanager
async def watching(inbox: ImapInbox, mark: Mark | None, kept: Kept) -> Any:
    """Watch in the background for the length of the block."""
    task = asyncio.create_task(inbox.watch(mark, kept.take, today))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def collect(inbox: ImapInbox, mark: Mark | None, kept: Kept) -> Mark:
    """Watch until everything that *kept* waits for is kept; give the last mark."""
    async with watching(inbox, mark, kept):
        await asyncio.wait_for(kept.done.wait(), 30)
    return kept.fetched[-1].mark


@contextlib.contextmanager
def client(dovecot: Any, user: str) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as connection:
        connection.login(user, "care")
        yield connection


async def test_what_waits_is_taken_in_order_and_stays_unread(
    dovecot: Any, user: str, settings: MailboxSettings
) -> None:
    """Mail that came before the service first looked is taken oldest first, and the server's flags are left alone."""
    dovecot.deliver(user, "one", "two", "three")
    kept = Kept(3)
    await collect(ImapInbox(settings), None, kept)
    assert kept.subjects == ["one", "two", "three"]
    with client(dovecot, user) as connection:
        connection.select()
        assert connection.search(None, "UNSEEN")[1] == [b"1 2 3"]


@pytest.mark.parametrize("waiting", [("one",), ("one", "two")])
async def test_mail_that_comes_while_another_is_taken_is_noticed(
    dovecot: Any, user: str, settings: MailboxSettings, waiting: tuple[str, ...]
) -> None:
    """The server tells of it before the next IDLE, or together with its beginning; nobody waits for the IDLE to end."""
    dovecot.deliver(user, *waiting)
    kept = Kept(len(waiting) + 1)

    async def take(fetched: Fetched) -> None:
        await kept.take(fetched)
        if len(kept.subjects) == 1:
            await asyncio.to_thread(dovecot.deliver, user, "meanwhile")

    inbox = ImapInbox(settings, idle_seconds=300)
    task = asyncio.create_task(inbox.watch(None, take, today))
    try:
        await asyncio.wait_for(kept.done.wait(), 20)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert kept.subjects == [*waiting, "meanwhile"]
    assert inbox.connections == 1


async def test_mail_read_before_the_first_visit_is_left_alone(
    dovecot: Any, user: str, settings: MailboxSettings
) -> None:
    """A mailbox that people already worked with does not flood the desk."""
    dovecot.deliver(user, "old-read", "old-unread")
    with client(dovecot, user) as connection:
        connection.select()
        connection.store("1", "+FLAGS", "\\Seen")
    kept = Kept(1)
    await collect(ImapInbox(settings), None, kept)
    assert kept.subjects == ["old-unread"]


async def test_new_mail_is_noticed_while_idle(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """The server's notice brings it, long before the idle time is over."""
    dovecot.deliver(user, "one")
    first, second = Kept(1), Kept(2)
    second.subjects = first.subjects

    async def take(fetched: Fetched) -> None:
        await first.take(fetched)
        if len(first.subjects) == 2:
            second.done.set()

    task = asyncio.create_task(ImapInbox(settings, idle_seconds=600).watch(None, take, today))
    await asyncio.wait_for(first.done.wait(), 30)
    dovecot.deliver(user, "two")
    await asyncio.wait_for(second.done.wait(), 30)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert first.subjects == ["one", "two"]


async def test_without_idle_it_polls(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """A server that cannot notify is asked again and again."""

    class NoIdle(ImapInbox):
        def _idle(self) -> bool:
            return False

    kept = Kept(1)
    async with watching(NoIdle(settings, poll_seconds=0.1), None, kept):
        await asyncio.sleep(0.3)
        dovecot.deliver(user, "late")
        await asyncio.wait_for(kept.done.wait(), 30)
    assert kept.subjects == ["late"]


async def test_an_outage_loses_and_repeats_nothing(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """Starting again from the stored mark brings exactly what came meanwhile, read or not."""
    dovecot.deliver(user, "before")
    mark = await collect(ImapInbox(settings), None, Kept(1))
    dovecot.deliver(user, "during-1", "during-2")
    with client(dovecot, user) as connection:
        connection.select()
        connection.store("2", "+FLAGS", "\\Seen")
    kept = Kept(2)
    await collect(ImapInbox(settings), Mark.parse(str(mark)), kept)
    assert kept.subjects == ["during-1", "during-2"]


async def test_a_mail_that_was_not_kept_comes_again(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """The mark never passes a mail whose commit failed, and the order holds."""
    dovecot.deliver(user, "one", "two", "three")
    kept = Kept(3, refuse=("two",))
    inbox = ImapInbox(settings)
    await collect(inbox, None, kept)
    assert kept.subjects == ["one", "two", "three"]
    assert inbox.connections == 2


async def test_a_folder_numbered_anew_is_read_again(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """After a change of UIDVALIDITY old marks mean nothing; what came since the first visit is taken again."""
    folder = MailboxSettings(
        host=settings.host, port=settings.port, tls="none", user=user, password=settings.password, folder="Care"
    )
    mail = b"Subject: %s\r\n\r\nx"
    with client(dovecot, user) as connection:
        connection.create("Care")
        connection.append("Care", "", "", mail % b"one")
    mark = await collect(ImapInbox(folder), None, Kept(1))
    with client(dovecot, user) as connection:
        connection.delete("Care")
        await asyncio.sleep(1.1)  # Dovecot makes UIDVALIDITY from the time in seconds
        connection.create("Care")
        connection.append("Care", "(\\Seen)", "", mail % b"one")
        connection.append("Care", "", "", mail % b"two")
    kept = Kept(2)
    after = await collect(ImapInbox(folder), mark, kept)
    assert kept.subjects == ["one", "two"]
    assert after.uidvalidity != mark.uidvalidity
    assert after.renumbered


async def test_a_restart_of_the_server_is_survived(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """A lost connection is made again, and what came meanwhile is taken."""
    dovecot.deliver(user, "one")
    kept, both = Kept(1), Kept(2)

    async def take(fetched: Fetched) -> None:
        await kept.take(fetched)
        await both.take(fetched)

    inbox = ImapInbox(settings)
    task = asyncio.create_task(inbox.watch(None, take, today))
    await asyncio.wait_for(kept.done.wait(), 30)
    await asyncio.to_thread(dovecot.stop)
    await asyncio.to_thread(dovecot.start)
    dovecot.deliver(user, "two")
    await asyncio.wait_for(both.done.wait(), 30)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert both.subjects == ["one", "two"]
    assert inbox.connections >= 2


async def test_a_mail_over_the_limit_comes_cut_and_says_so(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """Its beginning is enough to set it aside; the next mail is not held up."""
    dovecot.deliver(user, "big", body="x" * 5_000)
    dovecot.deliver(user, "small")
    kept = Kept(2)
    await collect(ImapInbox(settings, max_size=2_000), None, kept)
    assert [bool(one.fault) for one in kept.fetched] == [True, False]
    assert len(kept.fetched[0].raw) == 2_000
    assert kept.fetched[0].size > 5_000


async def test_a_refused_login_is_told_and_tried_again(dovecot: Any, user: str, settings: MailboxSettings) -> None:
    """The state says what is wrong in the server's words; the password is in none of them."""
    wrong = MailboxSettings(
        host=settings.host, port=settings.port, tls="none", user=user, password=Secret("wrong-password")
    )
    inbox = ImapInbox(wrong)
    async with watching(inbox, None, Kept(1)):
        while "Authentication failed" not in inbox.state:  # noqa: ASYNC110 - the state is for people, nothing signals it
            await asyncio.sleep(0.05)
    assert "wrong-password" not in inbox.state


@given(
    st.builds(Mark, st.integers(0), st.integers(0), st.integers(0), st.dates(min_value=date(1000, 1, 1)), st.booleans())
)
def test_marks_survive_being_stored(mark: Mark) -> None:
    """What `str` gives, `parse` takes."""
    assert Mark.parse(str(mark)) == mark


@pytest.mark.parametrize("text", ["", "1:2", "1:2:3:4:5", "x:1:1:2026-01-01:0"])
def test_a_damaged_mark_is_no_mark(text: str) -> None:
    """It means a first visit, not a crash."""
    assert Mark.parse(text) is None
