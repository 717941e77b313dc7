"""Mails as people and machines write them, and the mails of an outbox folder."""

from __future__ import annotations

import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

ADDRESS = "help@northwind.example"


def mail(text: str, sender: str, subject: str = "", to: str = ADDRESS, **headers: str) -> EmailMessage:
    """A mail; *headers* with underscores for dashes."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject or text
    made["Message-ID"] = f"<{uuid.uuid4().hex}@host.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def answer_to(original: EmailMessage, text: str, sender: str) -> EmailMessage:
    """What a mail program makes of "Reply": the ids of the thread, Reply-To honoured, the text quoted below."""
    quoted = "".join(f"> {line}\n" for line in body(original).splitlines())
    return mail(
        f"{text}\n\nOn Mon, 23 Nov 2026 at 10:00, Northwind wrote:\n{quoted}",
        sender,
        f"Re: {original['Subject'].removeprefix('Re: ')}",
        to=original["Reply-To"] or original["From"],
        In_Reply_To=original["Message-ID"],
        References=f"{original['References'] or ''} {original['Message-ID']}".strip(),
    )


def body(message: EmailMessage) -> str:
    """The plain text of a mail."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def parse(raw: bytes) -> EmailMessage:
    """A mail from its bytes."""
    made = message_from_bytes(raw, policy=policy.default)
    assert isinstance(made, EmailMessage)
    return made


def outbox(folder: Path, to: str) -> list[EmailMessage]:
    """The mails in *folder* that go to *to*, oldest first."""
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [message for message in (parse(path.read_bytes()) for path in files) if to in message["To"]]
