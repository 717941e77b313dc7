"""Names of mails in marks: what is remembered, what is forgotten, and what is written for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mail_tests_mailroom import FILE, mail
from mail_tests_pop3_server import Server

from carekit_email.transport.seen import Seen

names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=70)
steps = st.lists(st.tuples(st.sampled_from(["take", "visit"]), st.lists(names, max_size=6)), max_size=30)


@given(steps)
def test_marks_hold_what_was_taken_and_is_still_there(plan: list[tuple[str, list[str]]]) -> None:
    """Over restarts after every step: each visit forgets what is gone, and nothing else."""
    stored: dict[str, str] = {}
    expected: set[str] = set()
    for what, some in plan:
        seen = Seen("box")
        seen.load(stored)
        assert seen.known([*expected, *some]) == expected
        if what == "visit":
            expected &= set(some)
            for mark, value in seen.keep_only(some).items():
                if value is None:
                    del stored[mark]
                else:
                    stored[mark] = value
            continue
        for name in set(some) - expected:
            stored |= seen.mark_with(name)
            seen.add(name)
            expected.add(name)
    assert sorted(" ".join(stored.values()).split()) == sorted(expected)


def test_one_mail_writes_a_small_part_of_all_names() -> None:
    """A mailbox with ten thousand mails must not be written down anew for each."""
    seen = Seen("box")
    for number in range(10_000):
        seen.add(f"uid{number}")
    (value,) = seen.mark_with("another").values()
    assert len(value.split()) < 400


def test_a_channel_forgets_the_mails_that_are_gone_from_its_mailbox(
    rooms: Callable[..., Any], free_port: Callable[[], int]
) -> None:
    """Its marks name what is on the server, also our own mail, which is no message; no mail is taken twice."""
    server = Server(mail("one"), mail(From="help@shop.example"), mail("three"))
    port = free_port()
    box = f'imap = {{ protocol = "pop3", keep = true, host = "127.0.0.1", port = {port}, tls = "none", '
    room = rooms("", FILE.replace('listen = "127.0.0.1:0"', box + 'user = "u", password = "p" }'))
    (inbox,) = room.channel._inboxes.values()
    inbox._poll_seconds = 0.02
    marks = Seen("email|mail|u@127.0.0.1|INBOX|kept").marks

    async def until(names: set[str]) -> None:
        async with asyncio.timeout(20):
            while set(" ".join((await room.kit.desk.marks(marks)).values()).split()) != names:  # noqa: ASYNC110 - marks tell nobody
                await asyncio.sleep(0.01)

    async def use() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", port):
            task = asyncio.create_task(room.channel.run_alone(room.kit.desk))
            await until({"uid1", "uid2", "uid3"})
            del server.mails["uid2"], server.mails["uid3"]
            await until({"uid1"})
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    room.kit.run(use())
    assert server.fetched == ["uid1", "uid2", "uid3"]
    assert [message.text for message in room.received()] == ["one", "three"]
