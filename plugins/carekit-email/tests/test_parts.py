"""What is inside the parts: TNEF containers, invitations, and what servers on the way wrote about a mail."""

from __future__ import annotations

import base64
import struct

import pytest

from carekit_email import Attachment, decode

INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:42@host.example
DTSTART;TZID=Europe/Berlin:20261102T100000
SUMMARY:Delivery\\, with
  stairs
ORGANIZER;CN=Ada:MAILTO:ada@host.example
LOCATION:12 Harbour Street
BEGIN:VALARM
SUMMARY:not this
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def container(*files: tuple[str, bytes], body: bytes = b"") -> bytes:
    """A TNEF stream: signature, key, then attributes of (level, id, length, data, checksum)."""

    def attribute(level: int, id: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, id, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    out = b"\x78\x9f\x3e\x22" + struct.pack("<H", 1)
    if body:
        out += attribute(1, 0x0002800C, body + b"\0")
    for name, data in files:
        out += attribute(2, 0x00069002, b"\1\0" + b"\0" * 12)
        out += attribute(2, 0x00018010, name.encode("cp1252") + b"\0")
        out += attribute(2, 0x0006800F, data)
    return out


def mail_with(kind: str, content: bytes, *, text: str = "See attachment.", name: str = "winmail.dat") -> bytes:
    encoded = base64.encodebytes(content).decode()
    return (
        "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n"
        f"--x\n\n{text}\n--x\nContent-Type: {kind}; name={name}\n"
        f"Content-Transfer-Encoding: base64\n\n{encoded}\n--x--\n"
    ).encode()


def test_a_tnef_container_keeps_its_bytes_and_shows_its_files() -> None:
    """The files are there beside the container, which is kept as it came."""
    raw = container(("Offer.doc", b"offer"), ("../plan.pdf", b"plan"))
    (found,) = decode(mail_with("application/ms-tnef", raw)).attachments
    assert (found.name, found.content) == ("winmail.dat", raw)
    assert [(one.name, one.content) for one in found.contains] == [("Offer.doc", b"offer"), ("__plan.pdf", b"plan")]


def test_the_text_of_a_container_is_the_body_of_a_mail_without_any() -> None:
    """Exchange may send the whole message inside."""
    raw = container(("a.txt", b"a"), body=b"Hello from inside")
    assert decode(mail_with("application/ms-tnef", raw, text="")).text == "Hello from inside"
    assert decode(mail_with("application/ms-tnef", raw, text="outside")).text == "outside"


@pytest.mark.parametrize("cut", [3, 6, 20, 45, 70])
def test_a_broken_container_is_an_attachment_like_any_other(cut: int) -> None:
    """Whatever its bytes are, the mail is decoded and they are kept."""
    raw = container(("Offer.doc", b"offer"))[:cut]
    (found,) = decode(mail_with("application/ms-tnef", raw)).attachments
    assert isinstance(found, Attachment) and found.content == raw


def test_an_invitation_is_read_and_stays_an_attachment() -> None:
    """What the event says about itself, unfolded and unescaped; alarms are not events."""
    raw = mail_with("text/calendar; method=REQUEST", INVITATION.encode(), name="invite.ics")
    found = decode(raw)
    (invitation,) = found.invitations
    assert (invitation.method, invitation.uid) == ("REQUEST", "42@host.example")
    assert (invitation.summary, invitation.organizer) == ("Delivery, with stairs", "ada@host.example")
    assert (invitation.starts, invitation.location) == ("20261102T100000", "12 Harbour Street")
    assert [one.name for one in found.attachments] == ["invite.ics"]


RESULTS = (
    "Authentication-Results: mx.shop.example (Postfix) 1; spf=pass smtp.mailfrom=b.example;\r\n"
    " dkim=pass (2048-bit key) header.d=b.example; dmarc=pass (p=none) header.from=b.example"
)


def test_results_of_our_own_server_are_believed() -> None:
    """One field with several methods, comments and folds."""
    found = decode(f"From: a@b.example\r\n{RESULTS}\r\n\r\nx".encode(), authserv_id="MX.shop.example").authentication
    assert dict(found.results) == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
    assert found.verified and not found.failed


@pytest.mark.parametrize("authserv_id", ["", "mx.other.example", "mx.shop"])
def test_results_of_anybody_else_are_not(authserv_id: str) -> None:
    """Everybody can write such a field."""
    assert not decode(
        f"From: a@b.example\r\n{RESULTS}\r\n\r\nx".encode(), authserv_id=authserv_id
    ).authentication.results


def test_the_topmost_result_counts() -> None:
    """Servers put theirs on top of what was there."""
    below = RESULTS.replace("dmarc=pass", "dmarc=fail").replace("spf=pass", "spf=none")
    raw = f"From: a@b.example\r\n{below}\r\n{RESULTS}\r\n\r\nx".encode()
    assert decode(raw, authserv_id="mx.shop.example").authentication.failed


@pytest.mark.parametrize(
    ("header", "expected"),
    [("X-Spam-Flag: YES", True), ("X-Spam-Status: Yes, score=7.1", True), ("X-Spam-Status: No, score=0.1", False)],
)
def test_marks_of_spam_filters_are_read(header: str, expected: bool) -> None:
    """Nobody marks their own mail."""
    assert decode(f"From: a@b.example\n{header}\n\nx".encode()).spam is expected
