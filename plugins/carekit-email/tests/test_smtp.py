"""Handing over: what is known afterwards is what is said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from carekit import Permanent, Secret, Temporary, Unsure
from carekit_email.channel import EmailChannel
from carekit_email.codec import Outgoing, decode, encode
from carekit_email.settings import EmailSettings, MailboxSettings, SmtpSettings
from carekit_email.transport import smtp
from carekit_email.transport.imap import Fetched, ImapInbox
from carekit_email.transport.smtp import Sender

pytestmark = pytest.mark.anyio

HELLO = {"EHLO": "250 test", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 kept", "QUIT": "221 bye"}
RAW = b"Subject: x\r\n\r\nbody\r\n"


class Script:
    """An SMTP server that answers from a table; an empty answer closes the connection."""

    def __init__(self, **answers: str) -> None:
        self.answers = HELLO | {key.replace("END", "."): answer for key, answer in answers.items()}
        self.received: list[str] = []
        self.port = 0
        self.closed = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        in_data = False
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while line := await reader.readline():
                word = line.decode().strip()
                self.received.append(word)
                if in_data and word != ".":
                    continue
                verb = word if in_data else word[:4].upper()
                answer = self.answers.get(verb, "500 what")
                if not answer:
                    break
                in_data = answer.startswith("354")
                writer.write(answer.encode() + b"\r\n")
        self.closed.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[SmtpSettings]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield SmtpSettings(host="127.0.0.1", port=self.port, tls="none")
            await self.closed.wait()


async def handed_over(
    settings: SmtpSettings, sender: str = "help@shop.example", to: str = "ada@host.example", raw: bytes = RAW
) -> str:
    """Send one mail and say goodbye; the server's words."""
    way = Sender(settings)
    try:
        return await way.send(sender, (to,), raw)
    finally:
        await way.close()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"MAIL": "451 later"}, Temporary),
        ({"MAIL": "550 never"}, Permanent),
        ({"RCPT": "450 greylisted"}, Temporary),
        ({"RCPT": "550 5.1.1 unknown"}, Permanent),
        ({"MAIL": ""}, Temporary),
        ({"RCPT": ""}, Temporary),
        ({"DATA": "452 full"}, Temporary),
        ({"DATA": "554 no"}, Permanent),
        ({"END": "451 later"}, Temporary),
        ({"END": "554 spam"}, Permanent),
        ({"END": ""}, Unsure),
    ],
)
async def test_each_answer_has_its_outcome(answers: dict[str, str], outcome: type[Exception]) -> None:
    """4xx may be tried again, 5xx may not, and a connection lost after the data leaves it open."""
    async with Script(**answers).running() as settings:
        with pytest.raises(outcome):
            await handed_over(settings)


async def test_what_was_taken_is_told_in_the_servers_words() -> None:
    """The answer usually names the queue entry."""
    script = Script(END="250 2.0.0 queued as 4F2A")
    async with script.running() as settings:
        words = await handed_over(settings)
    assert words == "250 2.0.0 queued as 4F2A"
    assert "MAIL FROM:<help@shop.example>" in [line.split(" SIZE")[0] for line in script.received]


async def test_mail_that_must_not_bounce_has_no_sender() -> None:
    """The null return path of RFC 3834."""
    script = Script()
    async with script.running() as settings:
        await handed_over(settings, "")
    assert any(line.startswith("MAIL FROM:<>") for line in script.received)


async def test_a_server_that_is_not_there_means_later(free_port: Callable[[], int]) -> None:
    """Nothing was handed over."""
    settings = SmtpSettings(host="127.0.0.1", port=free_port(), tls="none")
    with pytest.raises(Temporary):
        await Sender(settings).send("a@b.example", ("c@d.example",), RAW)


async def test_protection_that_was_asked_for_is_never_given_up() -> None:
    """A server without STARTTLS gets neither the password nor the mail."""
    script = Script()
    async with script.running() as plain:
        settings = SmtpSettings(host=plain.host, port=plain.port, tls="starttls", user="u", password=Secret("hidden"))
        with pytest.raises(Temporary) as caught:
            await Sender(settings).send("help@shop.example", ("ada@host.example",), RAW)
    assert not any(line.startswith(("AUTH", "MAIL")) for line in script.received)
    assert "hidden" not in str(caught.value)


async def test_connections_are_kept_for_the_next_mail() -> None:
    """One login serves many mails, and a connection that died unnoticed costs nobody a mail."""
    script = Script()
    async with script.running() as settings:
        sender = Sender(settings)
        for _ in range(3):
            await sender.send("help@shop.example", ("ada@host.example",), RAW)
        assert sender.connections == 1
        script.answers["MAIL"] = ""  # the server hangs up when it is spoken to again
        with pytest.raises(Temporary):
            await sender.send("help@shop.example", ("ada@host.example",), RAW)
        script.answers["MAIL"] = "250 ok"
        await sender.send("help@shop.example", ("ada@host.example",), RAW)
        assert sender.connections == 3
        await sender.close()
    assert script.received.count("QUIT") == 1


async def test_the_channel_says_goodbye_when_it_is_finished() -> None:
    """Its connections end with the service, not with the server's patience."""
    script = Script()
    async with script.running() as settings:
        channel = EmailChannel("mail", EmailSettings(address="help@shop.example", smtp=settings))
        assert channel._sender is not None
        await channel._sender.send("help@shop.example", ("ada@host.example",), RAW)
        await channel.finish()
    assert script.received[-1] == "QUIT"


async def test_a_connection_that_nobody_needs_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a goodbye, before the server loses patience with it."""
    monkeypatch.setattr(smtp, "_IDLE", 0.05)
    script = Script()
    async with script.running() as settings:
        sender = Sender(settings)
        await sender.send("help@shop.example", ("ada@host.example",), RAW)
        await asyncio.wait_for(script.closed.wait(), 10)
        await sender.send("help@shop.example", ("ada@host.example",), RAW)
        assert sender.connections == 2
        await sender.close()
    assert script.received.count("QUIT") == 2


async def test_a_refused_mail_does_not_cost_the_connection() -> None:
    """The server said no to the mail, and goes on with the next."""
    script = Script(RCPT="550 5.1.1 unknown")
    script.answers["RSET"] = "250 ok"
    async with script.running() as settings:
        sender = Sender(settings)
        with pytest.raises(Permanent):
            await sender.send("help@shop.example", ("ada@host.example",), RAW)
        script.answers["RCPT"] = "250 ok"
        await sender.send("help@shop.example", ("ada@host.example",), RAW)
        assert (sender.connections, sender.state) == (1, "")
        await sender.close()


async def test_an_answer_travels_through_real_servers(postfix: Any, dovecot: Any) -> None:
    """Encoded here, taken by Postfix, kept by Dovecot, fetched and decoded again: the thread is intact."""
    user = "smtp-round-trip@mailbox.example"
    mail = Outgoing(
        from_address="help@shop.example",
        from_name="Böb",
        to=(user,),
        subject="Re: Füße " * 20,
        text="Grüße\n.dot\n" + "long " * 500,
        html="<p>Grüße</p>",
        message_id="c_1.5.tag@shop.example",
        date=datetime(2026, 11, 2, tzinfo=UTC),
        in_reply_to="1@host.example",
        references=tuple(f"{n}@host.example" for n in range(40)),
    )
    raw = encode(mail).as_bytes()
    server = SmtpSettings(host="127.0.0.1", port=postfix.port, tls="none")
    await handed_over(server, to=user, raw=raw)
    arrived: asyncio.Future[Fetched] = asyncio.get_running_loop().create_future()

    async def take(fetched: Fetched) -> None:
        if not arrived.done():
            arrived.set_result(fetched)

    settings = MailboxSettings(host="127.0.0.1", port=dovecot.imap_port, tls="none", user=user, password=Secret("care"))
    task = asyncio.create_task(ImapInbox(settings).watch(None, take, lambda: date(2026, 11, 2)))
    found = decode((await asyncio.wait_for(arrived, 60)).raw)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    sent = decode(raw)
    for name in (
        "from_name",
        "from_address",
        "to",
        "subject",
        "text",
        "html",
        "message_id",
        "in_reply_to",
        "references",
    ):
        assert getattr(found, name) == getattr(sent, name), name
