"""S-14: nothing that anybody writes becomes a header, a recipient or a command of ours, as seen at the far side."""

from __future__ import annotations

import asyncio
import contextlib
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st
from mail_tests_mailroom import FILE, mail

from carekit import Send
from carekit_email import Attachment, Outgoing, encode

EVIL = [
    "x\r\nBcc: victim@host.example",
    "x\nBcc: victim@host.example",
    "x\rBcc: victim@host.example",
    "x\x00Bcc: victim@host.example",
    "x\u2028Bcc: victim@host.example",
    "x\x85Bcc: victim@host.example",
    "=?utf-8?q?x=0D=0ABcc:_victim@host.example?=",
    'x" <victim@host.example>, "y',
    "x>\r\nRCPT TO:<victim@host.example>\r\n",
    "\r\n.\r\nMAIL FROM:<x@y.example>\r\n",
]


class Peer:
    """A mail server that remembers what it was given."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 kept"


@pytest.fixture
def peer(free_port: Callable[[], int]) -> Iterator[tuple[Peer, int]]:
    """One that listens."""
    made, port = Peer(), free_port()
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    yield made, port
    controller.stop()


@pytest.mark.parametrize("evil", EVIL)
def test_s_14_the_far_side_gets_one_mail_for_the_one_recipient(
    rooms: Callable[..., Any], peer: tuple[Peer, int], evil: str
) -> None:
    """Name, subject and ids of what came in, text and subject of what goes out: all at once."""
    seen, port = peer
    file = FILE.replace('outbox = "out"', f'smtp = {{ host = "127.0.0.1", port = {port}, tls = "none" }}')
    room = rooms("", file)
    header = evil.replace("\r", "").replace("\n", "").replace("\x00", "")
    room.take(
        mail(
            "Hello",
            From=f"=?utf-8?q?{encoded(evil)}?= <ada@host.example>",
            Subject=f"=?utf-8?q?{encoded(evil)}?=",
            Message_ID=f"<{header}@host.example>",
            References=f"<{header}@host.example>",
        )
    )
    room.kit.act(Send(f"{evil}\n.\nBcc: victim@host.example", subject=evil), "agent:ana")
    ((sender, recipients, raw),) = seen.mails
    assert recipients == ["ada@host.example"]
    assert sender.startswith("help+b-") and sender.endswith("@shop.example")
    found = BytesParser(policy=email.policy.default).parsebytes(raw)
    assert found["Bcc"] is None and found["Cc"] is None
    assert "victim@host.example" not in str(found["To"]) + str(found["From"]) + str(found["Reply-To"])
    assert found.get_content_type() == "text/plain"


def encoded(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())


_text = st.text(max_size=60) | st.sampled_from(EVIL)


@given(_text, _text, _text, _text, _text)
@rules(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_s_14_no_value_of_a_mail_becomes_a_field(name: str, subject: str, id: str, file: str, way: str) -> None:
    """Whatever text stands anywhere, the fields are those we wrote, each once."""
    from datetime import UTC, datetime

    with contextlib.suppress(ValueError):  # a value that can be no address is refused instead
        made = encode(
            Outgoing(
                from_address="help@shop.example",
                from_name=name,
                to=("ada@host.example",),
                subject=subject,
                text=name,
                html=f"<p>{subject}</p>",
                message_id="1@shop.example",
                date=datetime(2026, 11, 2, tzinfo=UTC),
                in_reply_to=id,
                references=(id, subject),
                unsubscribe=f"https://x.example/{way}",
                attachments=(Attachment(file, "image/png", 1, b"x", content_id=way),),
            )
        )
        found = BytesParser(policy=email.policy.compat32).parsebytes(made.as_bytes())
        names = [field.lower() for field in found]
        assert len(names) == len(set(names))
        assert set(names) <= {
            "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "list-unsubscribe",
            "list-unsubscribe-post", "mime-version", "content-type",
        }  # fmt: skip
        assert isinstance(made, EmailMessage)


def test_s_14_an_address_with_a_command_in_it_is_refused() -> None:
    """Better no mail than one for somebody else."""
    from carekit_email.settings import SmtpSettings
    from carekit_email.transport.smtp import Sender

    sender = Sender(SmtpSettings(host="127.0.0.1", port=1, tls="none"))
    with pytest.raises(Exception, match=r".+"):
        asyncio.run(sender.send("a@b.example", ("x@y.example>\r\nRCPT TO:<victim@host.example",), b"x"))
