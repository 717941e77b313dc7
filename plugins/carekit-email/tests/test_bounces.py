"""Reports of failed and late deliveries, in the form of RFC 3464 and in the words of many programs."""

# ruff: noqa: E501 - samples are shown as they are

from __future__ import annotations

import json

import pytest

from carekit_email import FailedRecipient, decode

REPORT = b"""From: MAILER-DAEMON@mx.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x

Sorry.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@host.example
Action: %s
Status: %s
Diagnostic-Code: smtp; 550 5.1.1 <gone@host.example>:
 Recipient address rejected

--x
Content-Type: text/rfc822-headers

Message-ID: <conv.tag@shop.example>
Subject: Your order

--x--
"""


def prose(subject: str, body: str, *headers: str, sender: str = "Mail System <mailer-daemon@mx.example>") -> bytes:
    return "\n".join([f"From: {sender}", f"Subject: {subject}", *headers, "", body]).encode()


def test_a_report_says_who_was_not_reached_and_why() -> None:
    """Recipient, enhanced status code and the far side's words lead to the message and its state."""
    found = decode(REPORT % (b"failed", b"5.1.1")).bounce
    assert found is not None and found.failed
    assert found.recipients == (
        FailedRecipient("gone@host.example", "5.1.1", "550 5.1.1 <gone@host.example>: Recipient address rejected"),
    )
    assert (found.status, found.message_id, found.addresses) == (
        "5.1.1",
        "conv.tag@shop.example",
        ("gone@host.example",),
    )


def test_a_delay_is_told_from_a_failure() -> None:
    """A report that a mail is late says that it has not failed."""
    found = decode(REPORT % (b"delayed", b"4.4.1")).bounce
    assert found is not None and not found.failed


@pytest.mark.parametrize("action", [b"delivered", b"relayed", b"expanded"])
def test_a_report_of_success_is_no_bounce(action: bytes) -> None:
    """Servers that were asked to confirm say so in the same form."""
    raw = REPORT.replace(b"Undelivered Mail Returned to Sender", b"Delivered") % (action, b"2.0.0")
    assert decode(raw.replace(b"550 5.1.1", b"250 2.0.0").replace(b"\n Recipient address rejected", b"")).bounce is None


@pytest.mark.parametrize("kind", ["disposition-notification", "feedback-report"])
def test_receipts_and_complaints_are_no_bounces(kind: str) -> None:
    """They are reports as well, about other things."""
    raw = prose(
        "Undeliverable: x", "--x\n\nread\n--x--", f"Content-Type: multipart/report; report-type={kind}; boundary=x"
    )
    assert decode(raw).bounce is None


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("failure notice", "Hi. I wasn't able to deliver your message.\n<gone@host.example>:\nThis is a permanent error; I've given up."),
        ("Mail delivery failed: returning message to sender", "The following address(es) failed:\n\n  gone@host.example\n    SMTP error: 550 no"),
        ("Delivery Status Notification (Failure)", "Delivery to the following recipient failed permanently:\n\n     gone@host.example"),
        ("Undeliverable: Your order", "Your message did not reach the following recipient(s):\n\ngone@host.example on Mon"),
        ("Returned mail: User unknown", "   ----- The following addresses had permanent fatal errors -----\n<gone@host.example>"),
        ("Mail System Error - Returned Mail", "Each of the following recipients was rejected:\n<gone@host.example>: 550 user unknown"),
        ("Unzustellbar: Bestellung", "Die Nachricht konnte nicht zugestellt werden:\ngone@host.example"),
        ("Non remis : commande", "Échec de la remise pour les destinataires suivants :\ngone@host.example"),
        ("No se puede entregar: pedido", "No se ha podido entregar el mensaje a:\ngone@host.example"),
        ("Impossibile recapitare: ordine", "Recapito non riuscito per i destinatari seguenti:\ngone@host.example"),
        ("Ваше сообщение не доставлено", "Ваше сообщение не может быть доставлено:\ngone@host.example"),
        ("配信不能", "次の宛先に配信できませんでした\n<gone@host.example>"),
        ("退信", "无法投递到以下地址:\ngone@host.example"),
    ],
)  # fmt: skip
def test_prose_of_mail_systems_is_understood(subject: str, body: str) -> None:
    """Nearly half of all reports are in no standard form."""
    found = decode(prose(subject, body)).bounce
    assert found is not None and found.failed
    assert found.addresses == ("gone@host.example",)


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        ("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@b.example", "Undeliverable: x",
         "Delivery has failed to these recipients or groups:\n\ngone@host.example\nIt was rejected."),
        ('"Courier mail server at mx.example" <@mx.example>', "NOTICE: mail delivery status.",
         "YOUR MESSAGE WAS NOT DELIVERED TO THE FOLLOWING RECIPIENTS:\n\n<gone@host.example>:\n  User unknown"),
        ("mail-daemon@b.example", "Mail System Error - Returned Mail",
         "The message could not be delivered because the address gone@host.example does not exist"),
        ("postmaster@b.example", "Niet bezorgd: order", "Uw bericht kan niet worden bezorgd bij gone@host.example"),
        ("postmaster@b.example", "Não é possível entregar: x", "Falha na entrega ao destinatário gone@host.example"),
    ],
)  # fmt: skip
def test_daemons_go_by_many_names(sender: str, subject: str, body: str) -> None:
    """And name who was not reached on a line of its own or, if it is only one, in a sentence."""
    found = decode(prose(subject, body, sender=sender)).bounce
    assert found is not None and found.failed
    assert found.addresses == ("gone@host.example",)


def test_a_warning_in_prose_is_no_failure() -> None:
    """A mail system that goes on trying has not given up."""
    raw = prose(
        "Warning: message delayed 24 hours",
        "The message has not yet been delivered to gone@host.example. No action is required on your part.",
    )
    found = decode(raw).bounce
    assert found is not None and not found.failed


def test_fields_of_failed_recipients_are_believed() -> None:
    """Exim and Gmail name them in the header, whoever the sender is."""
    found = decode(prose("x", "y", "X-Failed-Recipients: gone@host.example", sender="a@b.example")).bounce
    assert found is not None and found.addresses == ("gone@host.example",)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_notice_of_a_provider_is_understood(wrapped: bool) -> None:
    """Amazon reports bounces as JSON, inside an envelope of its own or bare."""
    notice: dict[str, object] = {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent"}}
    body = json.dumps({"Message": json.dumps(notice)} if wrapped else notice)
    assert decode(prose("AWS Notification Message", body, sender="no-reply@sns.example")).bounce is not None


@pytest.mark.parametrize(
    "raw",
    [
        prose("Your receipt", "Thank you for your order.", "Return-Path: <>", sender="shop@b.example"),
        prose("Re: Undeliverable: x", "My message could not be delivered, why?", sender="ada@b.example"),
        prose("Undelivered parcel", "My parcel was not delivered.", sender="ada@b.example"),
        prose("Mail delivery failed", "It says that my mail could not be delivered. What now?", sender="ada@b.example"),
        prose("Server maintenance", "The postmaster wishes you a good day.", sender="postmaster@b.example"),
        prose("Delivery failed: parcel 7", "It could not be delivered.", "Return-Path: <>", sender="dhl@b.example"),
        prose("We could not deliver your package", "Click to reschedule", "Return-Path: <>", sender="dhl@b.example"),
    ],
)
def test_one_sign_alone_proves_nothing(raw: bytes) -> None:
    """Null paths, complaints about mail, and daemons with other news."""
    assert decode(raw).bounce is None
