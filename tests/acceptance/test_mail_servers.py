"""Mail with real servers: Dovecot's mailbox by IMAP, Postfix for what goes out, and Postfix delivering by LMTP."""

from __future__ import annotations

import imaplib
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from tests._borrowed import borrowed
from tests.acceptance._mail import answer_to, body, mail, parse
from tests.acceptance._shop import Shop, Table, until

DESK, LMTP_DESK, ANA, BEN = (
    f"{name}@{domain}.example"
    for name, domain in (("help", "mailbox"), ("care", "lmtp"), ("ana", "mailbox"), ("ben", "mailbox"))
)


servers = borrowed("carekit-email", "servers")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Any]:
    with servers.running_dovecot() as server:
        yield server


@pytest.fixture(scope="module")
def postfix(dovecot: Any) -> Iterator[Any]:
    with servers.running_postfix(dovecot) as server:
        yield server


@pytest.fixture(scope="module")
def shop(dovecot: Any, postfix: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    def edit(table: Table) -> None:
        out = {"host": "127.0.0.1", "port": postfix.port, "tls": "none"}
        box = {"host": "127.0.0.1", "port": dovecot.imap_port, "tls": "none", "user": DESK}
        mailbox = table["channels"]["support-mail"]
        for key in ("listen", "outbox"):
            del mailbox[key]
        mailbox |= {"address": DESK, "imap": {**box, "password": servers.PASSWORD}, "smtp": out, "plus": True}
        listener = {"listen": f"127.0.0.1:{postfix.lmtp_port}", "protocol": "lmtp", "smtp": out}
        table["channels"]["lmtp-mail"] = {"use": "email", "address": LMTP_DESK, "name": "Northwind", **listener}
        table["policies"]["acknowledgement"]["channels"] = ["support-mail", "lmtp-mail"]

    def staff(table: Table) -> None:
        for agent in table["agents"]:
            agent["capacity"] = 50

    with Shop(tmp_path_factory.mktemp("servers"), edit, staff) as shop:
        yield shop


def post(postfix: Any, message: EmailMessage, sender: str) -> None:
    """Send as the contact's mail program does."""
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as server:
        server.send_message(message, sender)


def mailbox(dovecot: Any, user: str) -> list[EmailMessage]:
    """What is in the mailbox of *user*, oldest first."""
    box = imaplib.IMAP4("127.0.0.1", dovecot.imap_port)
    try:
        box.login(user, servers.PASSWORD)
        box.select("INBOX", readonly=True)
        numbers = box.search(None, "ALL")[1][0].split()
        return [parse(box.fetch(number, "(RFC822)")[1][0][1]) for number in numbers]  # type: ignore[index]
    finally:
        box.logout()


def awaited(dovecot: Any, user: str, count: int) -> list[EmailMessage]:
    """The mails of *user* once there are *count*."""
    found = until(lambda: len(mails := mailbox(dovecot, user)) >= count and mails, f"{count} mail(s) of {user}")
    return list(found)


def round_trip(shop: Shop, dovecot: Any, postfix: Any, contact: str, desk: str) -> str:
    """A question, its acknowledgement, a reply, and the answer to that: all by real servers; the conversation's id."""
    question = mail(f"A question for {desk}", f"Ana <{contact}>", "Stove", to=desk)
    post(postfix, question, contact)
    id: str = shop.about(f"A question for {desk}")["id"]
    [acknowledgement] = awaited(dovecot, contact, 1)
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert acknowledgement["Return-Path"] == "<>"
    shop.act(id, "reply", agent="lena", text="It burns gas.")
    _, reply = awaited(dovecot, contact, 2)
    assert "It burns gas." in body(reply)
    assert reply["In-Reply-To"] == question["Message-ID"]
    assert question["Message-ID"] in reply["References"]
    assert reply["From"].addresses[0].addr_spec == desk
    post(postfix, answer_to(reply, "Then I take it.", f"Ana <{contact}>"), contact)
    until(lambda: shop.said(id)[-1] == ("contact", "Then I take it."), "the answer in its conversation")
    assert len(mailbox(dovecot, contact)) == 2
    return id


def test_by_imap_and_smtp_the_whole_way_and_back(shop: Shop, dovecot: Any, postfix: Any) -> None:
    """Fetched from a mailbox, answered through a server, and the contact's answer joins the conversation."""
    id = round_trip(shop, dovecot, postfix, ANA, DESK)
    statuses = {event["fact"]["status"] for event in shop.events(id, "delivery_changed")}
    assert statuses == {"sending", "sent"}


def test_by_lmtp_the_whole_way_and_back(shop: Shop, dovecot: Any, postfix: Any) -> None:
    """The mail server delivers to the service itself, and nothing else is different."""
    round_trip(shop, dovecot, postfix, BEN, LMTP_DESK)


def test_a_mail_that_cannot_be_read_holds_up_nothing(shop: Shop, dovecot: Any) -> None:
    """In the mailbox, too: it is set aside with its bytes, and the next one becomes a conversation."""
    with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as door:
        door.sendmail("", [DESK], b"Subject: nobody sends this\r\n\r\nThere is no From.\r\n")
    dovecot.deliver(DESK, "after-the-broken-one", body="The mail after the broken one", sender="flora@host.example")
    shop.about("The mail after the broken one")
    health = {each["name"]: each["detail"] for each in shop.http.get("/readyz").json()["components"]}
    assert "dead letter(s) need somebody to look at them" in health["channel support-mail"]


def test_a_restart_fetches_what_came_meanwhile_once(shop: Shop, dovecot: Any) -> None:
    """The service was away: what arrived is fetched afterwards, and nothing is fetched again."""
    shop.stop()
    dovecot.deliver(DESK, "while-away", body="Sent while you were away", sender="gina@host.example")
    shop.start()
    id = shop.about("Sent while you were away")["id"]
    dovecot.deliver(DESK, "after-that", body="Sent when you were back", sender="gina@host.example")
    shop.about("Sent when you were back")
    texts = [text for one in shop.conversations(limit=200) for _, text in shop.said(one["id"])]
    assert texts.count("Sent while you were away") == 1
    assert texts.count("The mail after the broken one") == 1
    assert len(shop.said(id)) == 2
