"""A desk in memory with one e-mail channel whose answers land in a folder, and the mails that tests write to it.

Tests import it by the name under which conftest.py loads it.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from carekit import ConversationStarted, InboundQuarantined, MessageReceived, Scope
from carekit.testing import DeskKit
from carekit_email import InboundEmail, decode
from carekit_email.channel import EmailChannel

ADDRESS = "help@shop.example"
_numbers = itertools.count(1)


def mail(text: str = "Where is my order?", **headers: str) -> bytes:
    fields = {
        "From": "Ada <ada@host.example>",
        "To": ADDRESS,
        "Subject": "Order",
        "Message-ID": f"<{next(_numbers)}@host.example>",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return "\r\n".join([*(f"{name}: {value}" for name, value in fields.items()), "", text]).encode()


FILE = """
[service]
name = "Shop"
secret = "a secret for tests only"

[store]
use = "memory"

[channels.mail]
use = "email"
address = "help@shop.example"
name = "Shop"
listen = "127.0.0.1:0"
outbox = "out"
signature = "Your shop"
secret = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
"""


class Mailroom:
    """A desk in memory with one e-mail channel whose answers land in a folder."""

    def __init__(self, folder: Path, file: str = FILE) -> None:
        from carekit_email import plugin

        self.kit = DeskKit(file, folder=folder, extra={"email": plugin}, discover=False)
        self.out = folder / "out"
        channel = self.kit.service.settings.channels["mail"].component
        assert isinstance(channel, EmailChannel)
        self.channel = channel
        self.intake = channel._take_for(self.kit.desk)

    def take(self, raw: bytes) -> None:
        self.kit.run(self.intake.take(raw))
        self.kit.settle()

    def answers(self) -> list[InboundEmail]:
        return [
            decode(path.read_bytes())
            for path in sorted(self.out.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        ]

    def events(self) -> list[Any]:
        return self.kit.run(self.kit.desk.feed(0, Scope.everything(), limit=1_000))

    def facts(self, kind: type[Any]) -> list[Any]:
        return [event.fact for event in self.events() if isinstance(event.fact, kind)]

    def received(self) -> list[MessageReceived]:
        return self.facts(MessageReceived)

    def conversations(self) -> set[str]:
        return {event.stream for event in self.events() if isinstance(event.fact, ConversationStarted)}

    def quarantined(self) -> list[InboundQuarantined]:
        return self.facts(InboundQuarantined)


def bounce(answer: InboundEmail, recipient: str = "ada@host.example") -> bytes:
    body = (
        "--x\r\n\r\nSorry\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--x\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{answer.message_id}>\r\n\r\n--x--"
    )
    kind = "multipart/report; report-type=delivery-status; boundary=x"
    return mail(body, From="MAILER-DAEMON@mx.example", Subject="Undelivered Mail", Content_Type=kind)
