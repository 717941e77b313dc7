"""Automatic mail, bounces and lists are told from what people write."""

from __future__ import annotations

import pytest

from carekit_email.codec import decode

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
Status: 5.1.1

--x
Content-Type: text/rfc822-headers

Message-ID: <conv.tag@shop.example>
Subject: Your order

--x--
"""


def mail(*headers: str, body: str = "text") -> bytes:
    return "\n".join(["From: a@b.example", *headers, "", body]).encode()


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (failure)",
        "Precedence: bulk",
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: yes",
        "X-Loop: help@shop.example",
        "List-Id: <news.shop.example>",
        "Subject: Automatic reply: your order",
        "Subject: Abwesenheitsnotiz",
        "Subject: Out of Office",
    ],
)
def test_automatic_mail_is_recognised(header: str) -> None:
    """Any of these means that no answer may go out by itself."""
    assert decode(mail(header)).auto_reply


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: auto-forwarded",
        "Subject: Re: your automatic door",
        "Precedence: first-class",
    ],
)
def test_mail_of_people_is_not_automatic(header: str) -> None:
    """Forwarding rules and similar words do not make a machine."""
    assert not decode(mail(header)).auto_reply


def test_a_list_is_told_by_its_headers() -> None:
    """List-Id or List-Post; an unsubscribe link alone is in every newsletter and receipt."""
    assert decode(mail("List-Post: <mailto:l@x.example>")).list_mail
    assert not decode(mail("List-Unsubscribe: <mailto:l@x.example>")).list_mail


def test_a_delivery_report_says_what_failed() -> None:
    """Recipient and original id lead to the conversation and the message."""
    found = decode(REPORT % b"failed")
    assert found.bounce
    assert found.failed_recipients == ("gone@host.example",)
    assert found.failed_message_id == "conv.tag@shop.example"


def test_a_delay_is_no_bounce() -> None:
    """A report of a delay does not mean that the message failed."""
    assert not decode(REPORT % b"delayed").bounce


def test_read_receipts_are_no_bounces() -> None:
    """A disposition notification is a report as well."""
    raw = mail(
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x", body="--x\n\nread\n--x--"
    )
    found = decode(raw)
    assert found.auto_reply and not found.bounce


def test_bounces_without_a_report_are_told_by_sender_and_wording() -> None:
    """Many servers send prose only."""
    raw = (
        b"From: Mail System <mailer-daemon@mx.example>\nSubject: failure notice\n\n"
        b"Hi. I wasn't able to deliver your message."
    )
    assert decode(raw).bounce


def test_a_null_return_path_alone_is_no_bounce() -> None:
    """Newsletters and receipts have it, too."""
    assert not decode(mail("Return-Path: <>", "Subject: Your receipt")).bounce
