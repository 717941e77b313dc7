"""The channel keeps its contract, and mail becomes conversations and comes back as answers."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from mail_tests_mailroom import ADDRESS, Mailroom, bounce, mail

from carekit import (
    Address,
    Channel,
    DeliveryChanged,
    DeliveryStatus,
    MessageReceived,
    MessageSent,
    Payload,
    Refused,
    Scope,
    Secret,
    Unavailable,
)
from carekit.testing import ChannelContract
from carekit_email.channel import EmailChannel
from carekit_email.codec import InboundEmail, decode
from carekit_email.faults import faults
from carekit_email.intake import Intake
from carekit_email.settings import (
    AliasSettings,
    EmailSettings,
    MailboxSettings,
    OAuthSettings,
    SmtpSettings,
    WebhookSettings,
)

SECRET = "k" * 32
MAILBOX = "channel@mailbox.example"
CONTACT = "channel-contact@mailbox.example"


def settings(folder: Path, **changes: Any) -> EmailSettings:
    values: dict[str, Any] = {"address": ADDRESS, "name": "Shop", "outbox": folder, "listen": "127.0.0.1:0"}
    return EmailSettings(**(values | {"secret": Secret(SECRET)} | changes))


class TestContract(ChannelContract):
    """The shared suite."""

    @pytest.fixture
    def channel(self, tmp_path: Path) -> Channel:
        return EmailChannel("mail", settings(tmp_path))

    @pytest.fixture
    def payload(self) -> Payload:
        return Payload(
            mail("See file\r\n\r\nOn 2026-11-01 Shop <help@shop.example> wrote:\r\n> old", Date="Mon, 2 Nov 2026")
        )

    @pytest.fixture
    def noise(self) -> Payload:
        return Payload(mail(From=ADDRESS))

    @pytest.fixture
    def unreachable(self, free_port: Callable[[], int]) -> Channel:
        smtp = SmtpSettings(host="127.0.0.1", port=free_port(), tls="none")
        return EmailChannel("mail", EmailSettings(address=ADDRESS, smtp=smtp, listen="127.0.0.1:0"))


def test_a_mail_becomes_a_conversation(room: Mailroom) -> None:
    """Visible text, subject, sender, raw bytes and attachments are kept."""
    raw = mail(
        '--x\r\n\r\nhello\r\n-- \r\nAda\r\n--x\r\nContent-Type: image/png; name="a.png"\r\n\r\nPNG\r\n--x--',
        Content_Type="multipart/mixed; boundary=x",
    )
    room.take(raw)
    (message,) = room.received()
    assert (message.text, message.subject, message.sender) == ("hello", "Order", "email:ada@host.example")
    assert room.kit.run(room.kit.desk.fetch(message.raw)) == raw
    assert message.attachments[0].name == "a.png"
    assert room.kit.run(room.kit.desk.fetch(message.attachments[0].digest)) == b"PNG"


def test_the_answer_goes_into_the_thread(room: Mailroom) -> None:
    """It carries the signature, one Re:, the references and a signed way back."""
    room.take(mail(Subject="AW: Order", Message_ID="<q@host.example>", References="<p@host.example>"))
    room.kit.reply("ana", "On its way.")
    (answer,) = room.answers()
    assert (answer.subject, answer.to, answer.from_name) == ("Re: Order", ("ada@host.example",), "Shop")
    assert answer.text == "On its way.\n\n-- \nYour shop"
    assert (answer.in_reply_to, answer.references) == ("q@host.example", ("p@host.example", "q@host.example"))
    assert answer.reply_to[0].startswith("help+c_")
    assert not answer.auto_reply
    assert room.facts(DeliveryChanged)[-1].external_id == answer.message_id


@pytest.mark.parametrize("how", ["reply-to", "in-reply-to", "references", "own message"])
def test_an_answer_to_the_answer_continues_the_conversation(room: Mailroom, how: str) -> None:
    """By plus-address, by our signed id, or by an id that was stored."""
    room.take(mail(Message_ID="<first@host.example>"))
    room.kit.reply("ana", "On its way.")
    answer = room.answers()[0]
    headers = {
        "reply-to": {"To": answer.reply_to[0]},
        "in-reply-to": {"In_Reply_To": f"<{answer.message_id}>"},
        "references": {"References": f"<{answer.message_id}> <unknown@x.example>"},
        "own message": {"In_Reply_To": "<first@host.example>"},
    }[how]
    room.take(mail("Thanks", Subject="something else", **headers))
    assert len(room.conversations()) == 1
    assert room.received()[-1].text == "Thanks"


def test_a_stranger_cannot_join_with_a_genuine_id(room: Mailroom) -> None:
    """Whoever got a copy of the thread writes as themselves, in a conversation of their own."""
    room.take(mail())
    room.kit.reply("ana", "On its way.")
    answer = room.answers()[0]
    room.take(
        mail("Refund it to me", From="eve@else.example", To=answer.reply_to[0], In_Reply_To=f"<{answer.message_id}>")
    )
    assert len(room.conversations()) == 2


def test_the_same_mail_again_is_one_message(room: Mailroom) -> None:
    """A second delivery, with other trace fields, is known; another mail under the same id is not lost."""
    raw = mail(Message_ID="<same@host.example>")
    room.take(raw)
    room.take(b"Received: by another.example\r\n" + raw)
    assert len(room.received()) == 1
    room.take(mail("Something else", Message_ID="<same@host.example>"))
    assert len(room.received()) == 2


def test_our_own_mail_is_left_alone(room: Mailroom) -> None:
    """Answers that come back (a copy to ourselves, a loop) begin nothing."""
    room.take(mail(From=f"Shop <{ADDRESS.title()}>"))
    assert not room.received()


def test_automatic_mail_is_kept_and_marked(room: Mailroom) -> None:
    """Policies see that no person wrote it."""
    room.take(mail(Auto_Submitted="auto-replied"))
    assert room.received()[0].automatic


def test_a_bounce_marks_the_message_that_failed(room: Mailroom) -> None:
    """Once, however often the report comes, and the daemon never becomes a contact."""
    room.take(mail())
    room.kit.reply("ana", "On its way.")
    report = bounce(room.answers()[0])
    room.take(report)
    room.take(report)
    failed = [fact for fact in room.facts(DeliveryChanged) if fact.status is DeliveryStatus.FAILED]
    (event,) = (event for event in room.events() if isinstance(event.fact, MessageSent))
    assert [fact.message for fact in failed] == [event.seq]
    assert "ada@host.example" in failed[0].detail
    assert len(room.received()) == 1
    assert len(room.conversations()) == 1


def test_a_forged_bounce_is_set_aside(room: Mailroom) -> None:
    """An id that only looks like ours fails nothing."""
    room.take(mail())
    room.kit.reply("ana", "On its way.")
    answer = room.answers()[0]
    conversation, seq, _ = answer.message_id.split(".", 2)
    forged = decode(mail(Message_ID=f"<{conversation}.{seq}.{'a' * 20}@shop.example>"))
    room.take(bounce(forged))
    assert not [fact for fact in room.facts(DeliveryChanged) if fact.status is DeliveryStatus.FAILED]
    assert len(room.quarantined()) == 1


def test_a_mail_that_cannot_be_read_is_set_aside_with_its_bytes(room: Mailroom) -> None:
    """The next one is not held up."""
    bomb = b"Content-Type: message/rfc822\r\n\r\n" * 500
    room.take(bomb)
    room.take(b"Subject: no sender\r\n\r\nx")
    room.take(mail())
    assert len(room.quarantined()) == 2
    assert len(room.received()) == 1


def test_what_was_not_kept_is_told(room: Mailroom) -> None:
    """A store that is down reaches the transport, which lets the mail come again."""

    class Down:
        async def keep(self, data: bytes) -> str:
            raise Unavailable("the store is down")

    intake = Intake(Down(), room.channel._way, room.channel._limits)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        room.kit.run(intake.take(mail()))


OAUTH = OAuthSettings(token_url="http://x.example/t", client_id="c", refresh_token=Secret("r"))
BOX = MailboxSettings(host="h", user="u", password=Secret("p"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"address": "Help <help@shop.example>"}, "address"),
        ({"address": "nobody"}, "address"),
        ({"outbox": None}, "outbox"),
        ({"smtp": SmtpSettings(host="h")}, "twice"),
        ({"listen": "25"}, "host:port"),
        ({"outbox": None, "smtp": SmtpSettings(host="h", user="u")}, "password"),
        ({"secret": Secret("short")}, "secret"),
        ({"aliases": {"Help <x@y.example>": AliasSettings()}}, "aliases"),
        ({"aliases": {"HELP@shop.example": AliasSettings()}}, "twice"),
        ({"aliases": {"-help@shop.example": AliasSettings()}}, "begins with a dash"),
        ({"imap": MailboxSettings(host="h", user="u")}, "password"),
        ({"imap": MailboxSettings(host="h", user="u", password=Secret("p"), keep=True)}, "pop3"),
        ({"imap": MailboxSettings(host="h", user="u", oauth=OAUTH)}, "https"),
        ({"mailboxes": {"imap": BOX}, "imap": BOX}, "another name"),
        ({"webhook": WebhookSettings(provider="mailgun")}, "secret"),
        ({"webhook": WebhookSettings(provider="raw")}, "anybody"),
        ({"webhook": WebhookSettings(provider="postmark", user="u")}, "password"),
        ({"webhook": WebhookSettings(provider="sendgrid")}, "public key"),
        ({"webhook": WebhookSettings(provider="ses", topic="x")}, "ARN"),
        ({"outbox": None, "smtp": SmtpSettings(host="h", connections=0)}, "connections"),
        ({"html_template": "{{ nobody }}"}, "html_template"),
        ({"unsubscribe": "javascript:x"}, "unsubscribe"),
        ({"per_sender": 0}, "per_sender"),
    ],
)
def test_each_fault_of_the_settings_is_named(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    """One sentence each, with the remedy."""
    (fault,) = faults(settings(tmp_path, **changes))
    assert word in fault


@contextlib.asynccontextmanager
async def running(room: Mailroom, channel: EmailChannel) -> AsyncIterator[None]:
    task = asyncio.gather(channel.run(room.kit.desk), channel.run_alone(room.kit.desk))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_it_runs_against_real_servers(tmp_path: Path, postfix: Any, dovecot: Any, free_port: Callable[[], int]) -> None:
    """What waits in the mailbox comes in once, over a restart, too, and the answer lands in the contact's mailbox."""
    room = Mailroom(tmp_path, _file(postfix, dovecot))
    with room.kit:
        dovecot.deliver(MAILBOX, "one", "two", body="hello", sender=CONTACT)

        async def until(done: Callable[[], bool]) -> None:
            async with asyncio.timeout(30):
                while not done():  # noqa: ASYNC110 - the store tells nobody
                    await asyncio.sleep(0.05)

        async def first() -> None:
            async with running(room, room.channel):
                await until(lambda: room.kit.service.store.last_position() > 0 and _count(room) == 2)

        room.kit.run(first())
        dovecot.deliver(MAILBOX, "three", body="hello again", sender=CONTACT)

        async def second() -> None:
            async with running(room, EmailChannel("mail", room.channel.settings)):
                await until(lambda: _count(room) == 3)

        room.kit.run(second())
        room.kit.reply("ana", "On its way.")
        sent = room.facts(DeliveryChanged)
        assert [fact.status for fact in sent] == [DeliveryStatus.SENDING, DeliveryStatus.SENT]
        assert sent[-1].detail.startswith("250")
        answer = _arrived(dovecot, CONTACT)
        assert (answer.text, answer.in_reply_to) == ("On its way.", "three@host.example")


def _arrived(dovecot: Any, user: str) -> InboundEmail:
    deadline = time.monotonic() + 30
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as connection:
        connection.login(user, "care")
        while connection.select()[1] == [b"0"] and time.monotonic() < deadline:
            time.sleep(0.1)
        (_, raw), _ = connection.fetch("1", "(BODY.PEEK[])")[1]
    return decode(raw)


def _count(room: Mailroom) -> int:
    events = room.kit.service.store.feed(0, 1_000, Scope.everything())
    return sum(isinstance(event.fact, MessageReceived) for event in events)


def _file(postfix: Any, dovecot: Any) -> str:
    return f"""
[service]
name = "Shop"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.mail]
use = "email"
address = "{MAILBOX}"
imap = {{ host = "127.0.0.1", port = {dovecot.imap_port}, tls = "none", user = "{MAILBOX}", password = "care" }}
smtp = {{ host = "127.0.0.1", port = {postfix.port}, tls = "none" }}
"""


def test_no_more_is_begun_than_there_are_connections() -> None:
    """A mail that waits for a connection has not been handed over, and must not count so if the process dies."""
    smtp = SmtpSettings(host="127.0.0.1", connections=3)
    assert EmailChannel("mail", EmailSettings(address=ADDRESS, smtp=smtp, listen="127.0.0.1:0")).at_once == 3


def test_the_doctor_tries_the_outbox(tmp_path: Path) -> None:
    """A folder that cannot be written fails with its place; one that can is made."""
    (tmp_path / "file").write_text("no folder")
    for folder, state in ((tmp_path / "out", "ok"), (tmp_path / "file" / "out", "failed")):
        channel = EmailChannel("mail", EmailSettings(address=ADDRESS, outbox=folder, listen="127.0.0.1:0"))
        [health] = asyncio.run(channel.examine(None))  # type: ignore[arg-type]
        assert (health.name, health.state) == ("mail: outbox", state)
        assert str(folder) in health.detail


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_cannot_be_is_a_fault(port: int) -> None:
    """It is found before anything connects."""
    smtp = SmtpSettings(host="127.0.0.1", port=port)
    told = list(EmailChannel("mail", EmailSettings(address=ADDRESS, smtp=smtp, listen="127.0.0.1:0")).check())
    assert any(fault.startswith("smtp.port must be 1 to 65535") for fault in told)


@pytest.mark.parametrize(
    ("to", "told"),
    [
        (Address("phone", "+34600000001"), "is not an address of mail"),
        (Address("email", "ana"), "is not an address of mail"),
        (Address("email", "-oQ/tmp@mail.example"), "begins with a dash"),
        (Address("email", "Help+x@shop.example"), "is our own address"),
    ],
)
def test_what_cannot_be_written_to_is_refused_at_once(tmp_path: Path, to: Address, told: str) -> None:
    """Nobody has to find it among the dead letters."""
    with pytest.raises(Refused, match=told):
        EmailChannel("mail", settings(tmp_path)).keys_for(to)
