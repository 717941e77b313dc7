"""Mail through channel, desk, policies and database in one process: bytes in, a file out."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from carekit import Inbound, Payload
from carekit.testing import DeskKit
from tests.integration._desks import desk


def mail(text: str, sender: str, **headers: str) -> bytes:
    """The bytes of a mail to the desk."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "help@northwind.example", "Boots"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def take(kit: DeskKit, raw: bytes) -> str:
    """What the listener does with a mail; the id of its conversation."""
    inbounds: list[Inbound] = list(kit.channel("mail").decode(Payload(raw)))
    [receipt] = [kit.run(kit.desk.receive(each)) for each in inbounds]
    kit.settle()
    return receipt.conversation


def written(folder: Path) -> list[EmailMessage]:
    """The mails in the outbox."""
    files = sorted((folder / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]  # type: ignore[misc]


def test_a_thread_by_mail_survives_a_restart(tmp_path: Path) -> None:
    """The answer to a mail that went out before the restart joins its conversation after it."""
    with desk(tmp_path) as kit:
        kit.add_agent("lena")
        id = take(kit, mail("Do they fit?", "ana@post.example", Message_ID="<one@post.example>"))
        kit.reply("lena", "They do.", id)
        [reply] = written(tmp_path)
        assert reply["In-Reply-To"] == "<one@post.example>"
    with desk(tmp_path, kit.clock.now()) as kit:
        ids = {"Message_ID": "<two@post.example>", "In_Reply_To": reply["Message-ID"]}
        assert take(kit, mail("Then I keep them.", "ana@post.example", **ids)) == id
        assert kit.thread(id)[-1] == ("contact", "Then I keep them.")


def test_the_same_bytes_after_a_restart_are_the_same_message(tmp_path: Path) -> None:
    """A mailbox that is read again from the start changes nothing."""
    raw = mail("Only once.", "ana@post.example", Message_ID="<one@post.example>")
    with desk(tmp_path) as kit:
        id = take(kit, raw)
        events = kit.events(conversation=id)
    with desk(tmp_path, kit.clock.now()) as kit:
        assert take(kit, raw) == id
        assert kit.events(conversation=id) == events
