"""What answers look like: from which address, with which signature, in which forms, signed for the world."""

from __future__ import annotations

import asyncio
import base64
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from mail_tests_mailroom import FILE, mail

from carekit import Attachment, Contact, Conversation, MessageSent, Outbound, Permanent, Send
from carekit_email.channel import EmailChannel
from carekit_email.settings import DkimSettings, EmailSettings
from carekit_email.signing import Signer


def sent(room: Any) -> list[EmailMessage]:
    paths = sorted(room.out.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [BytesParser(policy=email.policy.default).parsebytes(path.read_bytes()) for path in paths]


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content().replace("\r\n", "\n")
    return content


ALIASES = """
[channels.mail.aliases."billing@shop.example"]
name = "Billing"
signature = "The billing people"
[channels.mail.aliases."info@shop.example"]
"""


@pytest.mark.parametrize(
    ("to", "sender", "signature"),
    [
        ("help@shop.example", "Shop <help@shop.example>", "Your shop"),
        ("billing@shop.example", "Billing <billing@shop.example>", "The billing people"),
        ("Billing+x@SHOP.example", "Billing <billing@shop.example>", "The billing people"),
        ("info@shop.example", "Shop <info@shop.example>", "Your shop"),
    ],
)
def test_an_answer_comes_from_the_address_that_was_written_to(
    rooms: Callable[..., Any], to: str, sender: str, signature: str
) -> None:
    """With that address's own name and signature, and its own way back."""
    room = rooms(ALIASES)
    room.take(mail(To=to))
    room.kit.reply("ana", "Hello")
    (answer,) = sent(room)
    assert answer["From"] == sender
    assert body(answer, "plain").strip().endswith(f"-- \n{signature}")
    assert str(answer["Reply-To"]).split("<")[-1].split("+")[0] == sender.split("<")[1].split("@")[0]


def test_html_from_a_template(rooms: Callable[..., Any]) -> None:
    """Both forms go out; what an agent writes is text, so nothing of it is markup."""
    template = "html_template = '<div><h1>{{ name }}</h1>{{ text }}<hr>{{ signature }}</div>'\n"
    room = rooms(template)
    room.take(mail())
    room.kit.reply("ana", "1 < 2\nand <b>so</b>")
    (answer,) = sent(room)
    assert answer.get_content_type() == "multipart/alternative"
    assert "<h1>Shop</h1>1 &lt; 2<br>\nand &lt;b&gt;so&lt;/b&gt;<hr>Your shop" in body(answer, "html")
    assert body(answer, "plain").startswith("1 < 2\nand <b>so</b>")


def test_the_answered_message_may_stand_below(rooms: Callable[..., Any]) -> None:
    """As a quotation that every program, ours included, takes for one."""
    room = rooms("quote = true\n")
    room.take(mail("Where is it?\n\nAda"))
    room.kit.reply("ana", "On its way.")
    (answer,) = room.answers()
    assert answer.text.endswith("ada@host.example wrote:\n> Where is it?\n>\n> Ada")
    assert answer.reply_text == "On its way."


def test_images_of_the_text_stand_in_it(room: Any) -> None:
    """A file that the HTML names is related to it; any other is attached."""
    room.take(mail())
    kept = [Attachment("logo.png", "image/png", 3, room.kit.run(room.kit.desk.keep(b"PNG")))]
    kept.append(Attachment("list.pdf", "application/pdf", 3, room.kit.run(room.kit.desk.keep(b"PDF"))))
    html = f'<p>See</p><img src="cid:{kept[0].digest}">'
    room.kit.act(Send("See", html=html, attachments=tuple(kept)), "agent:ana")
    (answer,) = sent(room)
    ids = {part["Content-ID"]: part.get_content() for part in answer.walk() if part["Content-ID"]}
    assert ids == {f"<{kept[0].digest}>": b"PNG"}
    assert [part.get_filename() for part in answer.iter_attachments()] == ["list.pdf"]


def test_automatic_mail_says_so_and_has_no_way_to_bounce(rooms: Callable[..., Any]) -> None:
    """RFC 3834, and a way out where nobody asked for it."""
    room = rooms('unsubscribe = "https://shop.example/stop"\n')
    room.take(mail())
    room.kit.act(Send("How was it?", purpose="survey"), "policy:csat")
    room.kit.reply("ana", "Hello")
    survey, answer = sent(room)
    assert (survey["Auto-Submitted"], survey["Precedence"]) == ("auto-replied", "bulk")
    assert survey["List-Unsubscribe"] == "<https://shop.example/stop>"
    assert survey["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert answer["Auto-Submitted"] is None and answer["List-Unsubscribe"] is None


def test_a_mail_bears_the_date_of_its_writing(tmp_path: Path) -> None:
    """However long it waited for the server, and whatever happened in its conversation since."""
    written = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
    later = written + timedelta(days=1)
    conversation = Conversation("c_1", "mail", "mail", "p_1", written, later)
    message = MessageSent("agent:ana", "Hello")
    outbound = Outbound(conversation, Contact("p_1", written), 3, message, "ada@host.example", written)
    channel = EmailChannel("mail", EmailSettings(address="help@shop.example", outbox=tmp_path))
    channel.secret = b"s" * 32
    asyncio.run(channel.send(outbound))
    (path,) = tmp_path.glob("*.eml")
    assert BytesParser().parsebytes(path.read_bytes())["Date"] == "Mon, 02 Nov 2026 10:30:00 +0000"


def key_pair(folder: Path) -> tuple[Path, str]:
    """The file of a private key, and the public one as it stands in the DNS."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption())
    private = folder / "dkim.pem"
    private.write_bytes(pem)
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return private, base64.b64encode(public).decode()


def test_answers_are_signed_for_the_world(rooms: Callable[..., Any], tmp_path: Path) -> None:
    """A verifier that knows the public key from the DNS is satisfied, until somebody changes the mail."""
    dkim = pytest.importorskip("dkim")
    private, public = key_pair(tmp_path)
    room = rooms("", FILE + f'dkim = {{ selector = "care", key = "{private}" }}\n')
    room.take(mail())
    room.kit.reply("ana", "Grüße\n.\n")
    (path,) = room.out.glob("*.eml")
    raw = path.read_bytes()

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"care._domainkey.shop.example."
        return f"v=DKIM1; k=rsa; p={public}".encode()

    assert dkim.verify(raw, dnsfunc=dns)
    assert not dkim.verify(raw.replace(b"Subject: ", b"Subject: not "), dnsfunc=dns)


def test_a_key_that_cannot_sign_is_told(tmp_path: Path) -> None:
    """The mail is not sent unsigned behind anybody's back."""
    pytest.importorskip("dkim")
    for content in (None, b"no key"):
        path = tmp_path / "key.pem"
        if content:
            path.write_bytes(content)
        with pytest.raises(Permanent, match="cannot be signed"):
            Signer(DkimSettings(selector="s", key=path), "shop.example").sign(b"From: a@b.example\r\n\r\nx\r\n")
