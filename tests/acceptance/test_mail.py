"""Mail with nothing else installed: in by the shop's own listener, out into a folder of .eml files."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from tests.acceptance._mail import ADDRESS, answer_to, body, mail, outbox
from tests.acceptance._shop import Shop, Table, until

ACKNOWLEDGED = "thank you for your message"


def staff(table: Table) -> None:
    """The agent of these tests has room for all of them."""
    for agent in table["agents"]:
        agent["capacity"] = 50


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("mail"), staff=staff) as shop:
        yield shop


def received(shop: Shop, to: str, count: int) -> list[EmailMessage]:
    """The first *count* mails that went out to an address, awaited."""
    return list(until(lambda: len(outbox(shop.outbox, to)) >= count and outbox(shop.outbox, to), f"mail to {to}"))


def write(shop: Shop, sender: str, text: str, **headers: str) -> Any:
    """A mail to the shop; the conversation it became."""
    shop.deliver(mail(text, sender, **headers))
    return shop.about(text)


def test_a_mail_becomes_a_conversation_that_is_acknowledged(shop: Shop) -> None:
    """With its subject and sender; the acknowledgement is in its thread and marked as automatic."""
    sent = mail("Where is my tent?", "Ana Soler <ana@post.example>", "Order 4711")
    shop.deliver(sent)
    found = shop.about("Where is my tent?")
    assert (found["channel"], found["subject"], found["assignee"]) == ("support-mail", "Order 4711", "lena")
    [acknowledgement] = received(shop, "ana@post.example", 1)
    assert ACKNOWLEDGED in body(acknowledgement)
    assert "Hello Ana," in body(acknowledgement)
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert acknowledgement["In-Reply-To"] == sent["Message-ID"]
    assert shop.get(f"contacts/{found['contact']}")["name"] == "Ana Soler"


def test_a_second_mail_of_the_day_is_not_acknowledged(shop: Shop) -> None:
    """A new matter of the same sender is a new conversation, without another acknowledgement."""
    first = write(shop, "ben@post.example", "First matter of Ben")
    second = write(shop, "ben@post.example", "Second matter of Ben")
    assert first["id"] != second["id"]
    shop.act(second["id"], "reply", agent="lena", text="We have seen both.")
    mails = [body(each) for each in received(shop, "ben@post.example", 2)]
    assert [ACKNOWLEDGED in text for text in mails] == [True, False]


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"List_Id": "<hikers.lists.example>", "Precedence": "list"},
        {"X_Autoreply": "yes", "Precedence": "bulk"},
    ],
    ids=["auto-reply", "list", "old auto-reply"],
)
def test_a_machine_is_not_acknowledged(shop: Shop, headers: dict[str, str], request: pytest.FixtureRequest) -> None:
    """Its mail is kept as a conversation, and nothing goes back by itself; a person may still answer."""
    name = request.node.callspec.id.replace(" ", "-")
    found = write(shop, f"{name}@machine.example", f"I am away: {name}", **headers)
    assert shop.events(found["id"], "message_received")[0]["fact"]["automatic"]
    shop.act(found["id"], "reply", agent="lena", text="Answered by a person.")
    [only] = received(shop, f"{name}@machine.example", 1)
    assert "Answered by a person." in body(only)


def test_a_bounce_marks_the_message_and_begins_nothing(shop: Shop) -> None:
    """The report of a failed delivery is no conversation and is not answered; the message it is about has failed."""
    found = write(shop, "gone@post.example", "My address will be gone")
    shop.act(found["id"], "reply", agent="lena", text="This will not arrive.")
    _, reply = received(shop, "gone@post.example", 2)
    before = len(shop.conversations(limit=200))
    shop.hand_over(bounce(reply), sender="")
    failed = until(
        lambda: [e for e in shop.events(found["id"], "delivery_changed") if e["fact"]["status"] == "failed"],
        "the failure to be noted",
    )
    assert "gone@post.example" in failed[0]["fact"]["detail"]
    assert len(shop.conversations(limit=200)) == before
    assert outbox(shop.outbox, "mailer-daemon") == []


def bounce(failed: EmailMessage) -> bytes:
    """The report of a mail server (RFC 3464) that *failed* could not be delivered."""
    return f"""\
From: MAILER-DAEMON@mx.example
To: {ADDRESS}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-1@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_report"

--=_report
Content-Type: text/plain

I am sorry to have to inform you that your message could not be delivered.
--=_report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {failed["To"]}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--=_report
Content-Type: message/rfc822

{failed.as_string()}
--=_report--
""".replace("\n", "\r\n").encode()


def test_the_thread_is_kept_in_both_directions(shop: Shop) -> None:
    """The agent's mail refers to the contact's, and the contact's answer to it joins the same conversation."""
    sent = mail("Can I exchange my boots?", "Cleo <cleo@post.example>", "Boots", References="<earlier@host.example>")
    shop.deliver(sent)
    id = shop.about("Can I exchange my boots?")["id"]
    shop.act(id, "reply", agent="lena", text="Yes, within sixty days.")
    _, reply = received(shop, "cleo@post.example", 2)
    assert reply["In-Reply-To"] == sent["Message-ID"]
    assert reply["References"].split() == ["<earlier@host.example>", sent["Message-ID"]]
    assert reply["Subject"] == "Re: Boots"
    assert reply["Auto-Submitted"] is None
    shop.hand_over(answer_to(reply, "Great, thanks.", "Cleo <cleo@post.example>").as_bytes(), "cleo@post.example")
    assert shop.about("Great, thanks.")["id"] == id
    assert shop.said(id)[-1] == ("contact", "Great, thanks.")
    assert len(outbox(shop.outbox, "cleo@post.example")) == 2


def test_the_same_mail_twice_is_one_message(shop: Shop) -> None:
    """A server that delivers again after a lost answer changes nothing."""
    sent = mail("Only once, please", "dora@post.example")
    shop.deliver(sent)
    id = shop.about("Only once, please")["id"]
    shop.deliver(sent)
    shop.deliver(mail("Dora again", "dora@post.example", In_Reply_To=sent["Message-ID"]))
    until(lambda: ("contact", "Dora again") in shop.said(id), "the mail that came afterwards")
    assert [text for _, text in shop.said(id)].count("Only once, please") == 1


def test_a_stranger_does_not_get_into_the_thread(shop: Shop) -> None:
    """A mail of somebody else with the same ids is a conversation of its own."""
    id = write(shop, "eve.honest@post.example", "A private matter")["id"]
    shop.act(id, "reply", agent="lena", text="Your secret is safe.")
    _, reply = received(shop, "eve.honest@post.example", 2)
    forged = answer_to(reply, "Send it to me instead", "mallory@evil.example")
    shop.hand_over(forged.as_bytes(), "mallory@evil.example")
    other = shop.about("Send it to me instead")
    assert other["id"] != id
    assert shop.get(f"contacts/{other['contact']}")["addresses"] == ["email:mallory@evil.example"]


def test_a_mail_that_cannot_be_read_is_set_aside(shop: Shop) -> None:
    """Its bytes are kept, the health tells of it, and the next mail is handled."""
    raw = b"Subject: nobody sends this\r\n\r\nThere is no From.\r\n"
    shop.hand_over(raw, sender="")
    write(shop, "flora@post.example", "The mail after the broken one")
    health = {each["name"]: each for each in shop.http.get("/readyz").json()["components"]}
    told = health["channel support-mail"]
    assert told["state"] == "degraded"
    assert "dead letter(s) need somebody to look at them" in told["detail"]
    assert shop.http.get("/readyz").status_code == 200
    feed = shop.get("events", limit=200, after=0)["items"]
    [aside] = [event for event in feed if event["kind"] == "inbound_quarantined"] or quarantined(shop)
    kept = list((shop.folder / "data" / "blobs").rglob(f"*{aside['fact']['raw'][-20:]}*"))
    assert len(kept) == 1
    assert b"There is no From." in kept[0].read_bytes()


def quarantined(shop: Shop) -> list[Any]:
    """The mails that were set aside, from the whole feed."""
    after, found = 0, []
    while items := (page := shop.get("events", after=after, limit=200))["items"]:
        found += [event for event in items if event["kind"] == "inbound_quarantined"]
        after = page["cursor"]
    return found


def test_nobody_else_can_use_the_listener_as_a_relay(shop: Shop) -> None:
    """A recipient that is not the shop's is refused."""
    import smtplib

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        shop.hand_over(mail("Buy now", "spam@evil.example").as_bytes(), "spam@evil.example", "victim@other.example")
