"""How servers are reached: protected, verified, and with tokens, against a real server for each."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from mail_tests_mailroom import FILE

from carekit import Secret, Temporary
from carekit_email.channel import EmailChannel
from carekit_email.settings import EmailSettings, MailboxSettings, OAuthSettings, SmtpSettings
from carekit_email.transport.imap import Fetched, ImapInbox
from carekit_email.transport.oauth import Tokens
from carekit_email.transport.pop3 import Pop3Inbox, Popped

pytestmark = pytest.mark.anyio

USER = "access@mailbox.example"
NO_DESK: Any = None  # nothing is asked of it


def mailbox(dovecot: Any, **changes: Any) -> MailboxSettings:
    values: dict[str, Any] = {"host": "localhost", "user": USER, "password": Secret("care"), "ca": dovecot.ca}
    return MailboxSettings(**(values | changes))


def oauth(dovecot: Any, **changes: Any) -> OAuthSettings:
    values: dict[str, Any] = {
        "token_url": f"http://127.0.0.1:{dovecot.tokens.port}/token",
        "client_id": "carekit",
        "client_secret": Secret("hidden"),
        "refresh_token": Secret("refresh"),
    }
    return OAuthSettings(**(values | changes))


async def first_imap(settings: MailboxSettings) -> bytes:
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(fetched: Fetched) -> None:
        if not arrived.done():
            arrived.set_result(fetched.raw)

    task = asyncio.create_task(ImapInbox(settings).watch(None, take, lambda: date(2026, 11, 2)))
    try:
        return await asyncio.wait_for(arrived, 20)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def first_pop3(settings: MailboxSettings) -> bytes:
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(popped: Popped) -> None:
        if not arrived.done():
            arrived.set_result(popped.raw)

    async def known(_: object) -> set[str]:
        return set()

    task = asyncio.create_task(Pop3Inbox(settings).watch(take, known))
    try:
        return await asyncio.wait_for(arrived, 20)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_imap_is_protected_and_verified(dovecot: Any, tls: str) -> None:
    """From the first octet or after STARTTLS, with a certificate that somebody we trust vouches for."""
    dovecot.deliver(USER, f"imap-{tls}")
    port = dovecot.imaps_port if tls == "tls" else dovecot.imap_port
    assert b"host.example" in await first_imap(mailbox(dovecot, tls=tls, port=port))


@pytest.mark.parametrize("tls", ["tls", "starttls", "none"])
async def test_pop3_is_protected_and_verified(dovecot: Any, tls: str) -> None:
    """The same for the older protocol."""
    if not dovecot.pop3:
        pytest.skip("no POP3 server: apt-get install dovecot-pop3d")
    user = f"pop3-{tls}@mailbox.example"
    dovecot.deliver(user, f"pop3-{tls}")
    port = dovecot.pop3s_port if tls == "tls" else dovecot.pop3_port
    assert b"host.example" in await first_pop3(mailbox(dovecot, tls=tls, port=port, user=user, protocol="pop3"))


@contextlib.contextmanager
def nobody(port: int) -> Iterator[int]:
    """Hold *port*, so that no server of another test gets it, and do not listen."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", port))
        yield port


async def examined(settings: MailboxSettings) -> Any:
    channel = EmailChannel("mail", EmailSettings(address="a@b.example", mailboxes={"main": settings}))
    (found,) = await channel.examine(NO_DESK)
    return found


async def test_examining_says_what_is_wrong_with_each_server(dovecot: Any, free_port: Any) -> None:
    """Connected, logged in, and what was seen; else which step failed."""
    good = mailbox(dovecot, port=dovecot.imaps_port)
    found = await examined(good)
    assert (found.name, found.state) == ("mail: mailbox main", "ok") and "logged in" in found.detail
    for wrong, word in [
        (evolve(good, password=Secret("wrong")), "AUTHENTICATIONFAILED"),
        (evolve(good, ca=None), "certificate verify failed"),
        (evolve(good, folder="Nowhere"), "Nowhere"),
    ]:
        found = await examined(wrong)
        assert found.state == "failed" and word in found.detail, found
    with nobody(free_port()) as port:
        found = await examined(evolve(good, port=port))
        assert found.state == "failed" and "refused" in found.detail, found


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_token_opens_the_mailbox(dovecot: Any, protocol: str) -> None:
    """Asked for with the refresh token, and shown to the server instead of a password."""
    if protocol == "pop3" and not dovecot.pop3:
        pytest.skip("no POP3 server: apt-get install dovecot-pop3d")
    dovecot.tokens.user = user = f"token-{protocol}@mailbox.example"
    dovecot.deliver(user, f"token-{protocol}")
    port = dovecot.imaps_port if protocol == "imap" else dovecot.pop3s_port
    settings = mailbox(dovecot, port=port, user=user, password=None, oauth=oauth(dovecot), protocol=protocol)
    raw = await (first_imap if protocol == "imap" else first_pop3)(settings)
    assert f"token-{protocol}".encode() in raw


async def test_a_withdrawn_consent_is_told_without_the_secret(dovecot: Any) -> None:
    """What the provider said, and nothing of what it was sent."""
    tokens = Tokens(oauth(dovecot, refresh_token=Secret("s3cret")))
    with pytest.raises(Temporary) as caught:
        await asyncio.to_thread(tokens.get)
    assert "invalid_grant" in str(caught.value) and "s3cret" not in str(caught.value)


async def test_a_token_is_kept_until_it_ends(dovecot: Any) -> None:
    """One request serves many logins; a token about to end, or one that was refused, is asked for again."""
    tokens = Tokens(oauth(dovecot))
    first = await asyncio.to_thread(tokens.get)
    assert await asyncio.to_thread(tokens.get) == first
    tokens.drop()
    assert await asyncio.to_thread(tokens.get) != first
    dovecot.tokens.life = 30
    short = Tokens(oauth(dovecot))
    assert await asyncio.to_thread(short.get) != await asyncio.to_thread(short.get)
    dovecot.tokens.life = 3600


async def test_examining_names_every_server_of_the_channel(dovecot: Any, free_port: Any) -> None:
    """Mailboxes by their names, and the way out."""
    boxes = {"a": mailbox(dovecot, port=dovecot.imaps_port), "b": mailbox(dovecot, port=dovecot.imaps_port)}
    with nobody(free_port()) as port:
        smtp = SmtpSettings(host="127.0.0.1", port=port, tls="none")
        channel = EmailChannel("mail", EmailSettings(address="a@b.example", mailboxes=boxes, smtp=smtp))
        found = await channel.examine(NO_DESK)
    assert [(one.name, one.state) for one in found] == [
        ("mail: mailbox a", "ok"),
        ("mail: mailbox b", "ok"),
        ("mail: smtp", "failed"),
    ]


async def test_examining_a_channel_without_a_way_in_says_how_mail_comes(tmp_path: Path) -> None:
    """Nothing is wrong with it where a mail server pipes into a command, and elsewhere it is worth knowing."""
    *_, found = await EmailChannel("mail", EmailSettings(address="a@b.example", outbox=tmp_path)).examine(NO_DESK)
    assert found.state == "ok" and "carekit email deliver" in found.detail


@pytest.mark.parametrize("keep", [False, True])
def test_a_pop3_mailbox_becomes_conversations_once(rooms: Any, dovecot: Any, keep: bool) -> None:
    """Through the whole channel, over a restart, whether mail stays on the server or not."""
    if not dovecot.pop3:
        pytest.skip("no POP3 server: apt-get install dovecot-pop3d")
    user = f"pop3-keep-{keep}@mailbox.example".lower()
    dovecot.deliver(user, "one", "two")
    table = f'protocol = "pop3", host = "127.0.0.1", port = {dovecot.pop3_port}, tls = "none", user = "{user}"'
    more = f'{table}, password = "care", keep = {str(keep).lower()}'
    room = rooms("", FILE.replace('listen = "127.0.0.1:0"', f"imap = {{ {more} }}"))

    async def visit() -> None:
        channel = EmailChannel("mail", room.channel.settings)
        await channel.run(room.kit.desk)  # every process does, and none of them fetches
        assert channel._inboxes["imap"].state == "not connected yet"
        assert [one.name for one in await channel.health()] == ["mail"]
        task = asyncio.create_task(channel.run_alone(room.kit.desk))
        async with asyncio.timeout(20):
            while channel._inboxes["imap"].state:  # noqa: ASYNC110 - it is set when a visit is over
                await asyncio.sleep(0.05)
        assert [one.name for one in await channel.health()] == ["mail: mailbox imap"]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    for _ in range(2):
        room.kit.run(visit())
    assert [message.subject for message in room.received()] == ["one", "two"]
