"""Mail handed over by a server: answered when it is kept, refused when it is not ours, never relayed."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest

from carekit import Malformed, Unavailable
from carekit_email.codec import decode
from carekit_email.transport.listener import Accepted, Listener

pytestmark = pytest.mark.anyio

OURS = "help@shop.example"
MAIL = b"From: ada@host.example\r\nSubject: hi\r\n\r\nbody\r\n.dot\r\n"
FreePort = Callable[[], int]


class Keeper:
    """Keeps mails; raises the next of `failures` first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.mails: list[Accepted] = []
        self.kept = asyncio.Event()

    async def take(self, mail: Accepted) -> None:
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(mail)
        self.kept.set()


@contextlib.asynccontextmanager
async def listening(
    keeper: Keeper,
    port: int,
    *addresses: str,
    protocol: Literal["smtp", "lmtp"] = "smtp",
    max_size: int = 100_000,
) -> AsyncIterator[int]:
    """A listener on *port* for the length of the block."""
    listener = Listener("127.0.0.1", port, addresses or (OURS,), keeper.take, protocol=protocol, max_size=max_size)
    task = asyncio.create_task(listener.serve())
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            await writer.wait_closed()
            break
        yield port
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def hand_over(port: int, recipients: list[str], raw: bytes = MAIL, client: type[smtplib.SMTP] = smtplib.SMTP) -> Any:
    """Send with the standard library's client, in whatever thread this runs; give the refused recipients."""
    with client("127.0.0.1", port) as connection:
        return connection.sendmail("bounce@host.example", recipients, raw)


async def test_a_mail_is_kept_as_it_came(free_port: FreePort) -> None:
    """Envelope and bytes reach the handler; lines that begin with a dot are whole."""
    keeper = Keeper()
    async with listening(keeper, free_port()) as port:
        assert await asyncio.to_thread(hand_over, port, [OURS]) == {}
    (mail,) = keeper.mails
    assert (mail.sender, mail.recipients, mail.raw) == ("bounce@host.example", (OURS,), MAIL)
    found = decode(mail.with_envelope())
    assert (found.from_address, found.delivered_to, found.subject) == ("ada@host.example", (OURS,), "hi")


async def test_plus_addresses_are_ours(free_port: FreePort) -> None:
    """What stands behind the plus is for us to read."""
    keeper = Keeper()
    async with listening(keeper, free_port()) as port:
        await asyncio.to_thread(hand_over, port, ["Help+token@Shop.example"])
    assert keeper.mails[0].recipients == ("Help+token@Shop.example",)


@pytest.mark.parametrize("recipient", ["other@shop.example", "help@else.example", "help%else.example@shop.example"])
async def test_nothing_is_relayed(free_port: FreePort, recipient: str) -> None:
    """Any other recipient is refused for good."""
    keeper = Keeper()
    async with listening(keeper, free_port()) as port:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            await asyncio.to_thread(hand_over, port, [recipient])
    assert caught.value.recipients[recipient][0] == 550
    assert not keeper.mails


async def test_a_failure_to_keep_means_try_again(free_port: FreePort) -> None:
    """The sender keeps the mail as long as we could not."""
    keeper = Keeper(RuntimeError("the store is down"))
    async with listening(keeper, free_port()) as port:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await asyncio.to_thread(hand_over, port, [OURS])
        assert caught.value.smtp_code == 451
        assert b"store" not in caught.value.smtp_error
        await asyncio.to_thread(hand_over, port, [OURS])
    assert len(keeper.mails) == 1


async def test_a_store_that_is_away_fills_no_page_of_the_log(
    free_port: FreePort, caplog: pytest.LogCaptureFixture
) -> None:
    """What explains itself is one line, and no traceback."""
    keeper = Keeper(Unavailable("the store at db cannot be reached"))
    async with listening(keeper, free_port()) as port:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await asyncio.to_thread(hand_over, port, [OURS])
    assert caught.value.smtp_code == 451
    [record] = [each for each in caplog.records if each.name.startswith("carekit")]
    assert record.exc_info is None
    assert "cannot be reached" in record.getMessage()


async def test_a_refusal_is_final(free_port: FreePort) -> None:
    """What the handler refuses for good is answered with 5xx and its reason in one line."""
    keeper = Keeper(Malformed("no\r\n250 sense"))
    async with listening(keeper, free_port()) as port:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await asyncio.to_thread(hand_over, port, [OURS])
    assert (caught.value.smtp_code, caught.value.smtp_error) == (554, b"5.6.0 no 250 sense")


async def test_a_mail_over_the_size_is_refused(free_port: FreePort) -> None:
    """It is not read to the end and never reaches the handler."""
    keeper = Keeper()
    async with listening(keeper, free_port(), max_size=2_000) as port:
        with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected)):
            await asyncio.to_thread(hand_over, port, [OURS], MAIL + b"x" * 70 * 100)
    assert not keeper.mails


async def test_overlong_lines_are_taken(free_port: FreePort) -> None:
    """Mail with lines of more than 998 octets is common."""
    keeper = Keeper()
    async with listening(keeper, free_port()) as port:
        await asyncio.to_thread(hand_over, port, [OURS], MAIL + b"x" * 5_000 + b"\r\n")
    assert len(keeper.mails) == 1


async def test_lmtp_answers_for_every_recipient(free_port: FreePort) -> None:
    """RFC 2033: after the data as many answers as accepted recipients, then the session goes on."""
    keeper = Keeper()
    commands = ["LHLO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{OURS}>", "RCPT TO:<no@x.example>"]
    commands += ["RCPT TO:<sales@shop.example>", "DATA", "Subject: x\r\n\r\nbody\r\n.", "QUIT"]
    async with listening(keeper, free_port(), OURS, "sales@shop.example", protocol="lmtp") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write("".join(f"{command}\r\n" for command in commands).encode())
        answers = (await reader.read()).decode().splitlines()
        writer.close()
        await writer.wait_closed()
    codes = [answer[:3] for answer in answers if answer[3:4] != "-"]
    assert codes == ["220", "250", "250", "250", "550", "250", "354", "250", "250", "221"]
    assert [mail.recipients for mail in keeper.mails] == [(OURS, "sales@shop.example")]


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
async def test_a_real_mail_server_delivers_here(postfix: Any, protocol: Literal["smtp", "lmtp"]) -> None:
    """Postfix hands its mail over, and after a temporary failure it comes back with it."""
    recipient = f"help+tag@{protocol}.example"
    keeper = Keeper(RuntimeError("the store is down"))
    port = {"smtp": postfix.smtp_port, "lmtp": postfix.lmtp_port}[protocol]
    async with listening(keeper, port, f"help@{protocol}.example", protocol=protocol):
        await asyncio.to_thread(hand_over, postfix.port, [recipient])
        await asyncio.wait_for(keeper.kept.wait(), 60)
    (mail,) = keeper.mails
    assert mail.recipients == (recipient,)
    assert decode(mail.raw).text == "body\n.dot"


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
async def test_a_report_is_known_by_its_envelope(free_port: FreePort, protocol: Literal["smtp", "lmtp"]) -> None:
    """A mail from the null sender (RFC 5321 section 4.5.5) must never be answered, whatever its fields say."""
    keeper = Keeper()

    def report(port: int) -> None:
        client = smtplib.LMTP if protocol == "lmtp" else smtplib.SMTP
        with client("127.0.0.1", port) as connection:
            connection.sendmail("", [OURS], MAIL)

    async with listening(keeper, free_port(), protocol=protocol) as port:
        await asyncio.to_thread(report, port)
    (mail,) = keeper.mails
    assert mail.sender == ""
    assert mail.with_envelope().startswith(b"Return-Path: <>\r\n")
    assert decode(mail.with_envelope()).return_path == ""


async def test_a_line_that_makes_no_sense_is_refused_quietly(
    free_port: FreePort, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the peer nor the log gets to see the insides of the server, and the session goes on."""
    async with listening(Keeper(), free_port()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b'EHLO x\r\nMAIL FROM:<"\r\nNOOP\r\nQUIT\r\n')
        said = (await reader.read()).decode()
        writer.close()
    assert "500 5.5.2 This cannot be understood\r\n250" in said
    assert "Error" not in said
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this system lets no two processes share a port")
async def test_processes_of_one_desk_share_a_port(free_port: FreePort) -> None:
    """When one of two goes, the other takes what comes; without that a port in use is told."""
    port = free_port()
    keeper = Keeper()
    one, two = (Listener("127.0.0.1", port, (OURS,), keeper.take, several=True) for _ in range(2))
    first, second = asyncio.create_task(one.serve()), asyncio.create_task(two.serve())
    await asyncio.sleep(0.05)
    with pytest.raises(OSError, match="in use"):
        await Listener("127.0.0.1", port, (OURS,), keeper.take).serve()
    first.cancel()
    await asyncio.wait([first])
    await asyncio.to_thread(hand_over, port, [OURS])
    second.cancel()
    await asyncio.wait([second])
    assert len(keeper.mails) == 1
