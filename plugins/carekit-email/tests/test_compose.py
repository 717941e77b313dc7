"""Outgoing mail: threading, marks of automatic mail, and headers nobody can add to."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_email.codec import Attachment, Outgoing, decode, encode, header_safe

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
EXPECTED = {
    "from", "to", "subject", "date", "message-id", "content-type", "mime-version", "content-transfer-encoding",
    "content-disposition",
}  # fmt: skip


def outgoing(**changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "from_address": "help@shop.example",
        "from_name": "Shop",
        "to": ("ada@host.example",),
        "subject": "Re: Order",
        "text": "It is on its way.",
        "message_id": "id@shop.example",
        "date": NOW,
    }
    return Outgoing(**(values | changes))


def test_what_goes_out_comes_back() -> None:
    """Our own decoder reads what we send."""
    sent = encode(
        outgoing(from_name="Böb, Ltd", subject="Füße", text="Grüße\nzwei", html="<p>Grüße</p>", cc=("c@d.example",))
    )
    found = decode(sent.as_bytes())
    assert (found.from_name, found.from_address, found.to) == ("Böb, Ltd", "help@shop.example", ("ada@host.example",))
    assert (found.subject, found.text, found.html, found.cc) == (
        "Füße",
        "Grüße\nzwei",
        "<p>Grüße</p>",
        ("c@d.example",),
    )
    assert (found.message_id, found.date, found.auto_reply) == ("id@shop.example", NOW, False)


def test_answers_carry_the_thread() -> None:
    """In-Reply-To is the answered mail, References its line of descent."""
    found = decode(encode(outgoing(in_reply_to="2@x", references=("0@x", "1@x"))).as_bytes())
    assert found.in_reply_to == "2@x"
    assert found.references == ("0@x", "1@x", "2@x")


def test_long_ids_and_links_stay_what_they_are() -> None:
    """They are folded between them; within them, or as an encoded word, no other program would know them again."""
    ids = tuple(f"{'A' * 80}{number}@mail.host.example" for number in range(5))
    links = (f"https://shop.example/{'x' * 120}", f"mailto:help@shop.example?subject={'y' * 100}")
    raw = encode(outgoing(message_id=ids[0], in_reply_to=ids[1], references=ids[2:], unsubscribe=links)).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"=?" not in head and max(map(len, head.split(b"\r\n"))) < 200
    unfolded = head.replace(b"\r\n ", b" ").decode().split("\r\n")
    assert f"Message-ID: <{ids[0]}>" in unfolded and f"In-Reply-To: <{ids[1]}>" in unfolded
    assert f"References: {' '.join(f'<{one}>' for one in (*ids[2:], ids[1]))}" in unfolded
    assert f"List-Unsubscribe: <{links[0]}>, <{links[1]}>" in unfolded


def test_references_are_capped_to_the_first_and_the_newest() -> None:
    """A long thread does not grow its header for ever."""
    sent = encode(outgoing(in_reply_to="99@x", references=tuple(f"{n}@x" for n in range(99))))
    found = decode(sent.as_bytes()).references
    assert len(found) == 20
    assert (found[0], found[-1]) == ("0@x", "99@x")
    assert max(map(len, sent.as_bytes().splitlines())) <= 998


def test_automatic_mail_says_so() -> None:
    """Machines that follow the rules do not answer it, ours included."""
    sent = encode(outgoing(automatic=True, in_reply_to="1@x"))
    assert (sent["Auto-Submitted"], sent["X-Auto-Response-Suppress"], sent["Precedence"]) == (
        "auto-replied",
        "All",
        "bulk",
    )
    assert decode(sent.as_bytes()).auto_reply
    assert encode(outgoing(automatic=True))["Auto-Submitted"] == "auto-generated"


def test_attachments_travel() -> None:
    """Bytes and names arrive; types that would be rendered or parsed go as plain bytes."""
    sent = encode(
        outgoing(attachments=(Attachment("ä.html", "text/html", 2, b"<b"), Attachment("p.png", "image/png", 1, b"x")))
    )
    found = decode(sent.as_bytes()).attachments
    assert [(one.name, one.content_type, one.content) for one in found] == [
        ("ä.html", "application/octet-stream", b"<b"),
        ("p.png", "image/png", b"x"),
    ]


@pytest.mark.parametrize("address", ["", "no-at", "a@", "@b", "a b"])
def test_a_recipient_that_is_no_address_is_refused(address: str) -> None:
    """Better an error now than a bounce later."""
    with pytest.raises(ValueError, match="no address"):
        encode(outgoing(to=(address,)))


HOSTILE = st.text(alphabet=st.sampled_from('a\r\n\x00\u2028\u0085 :<>@,"();=?é\ud800'), max_size=40)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_value_adds_a_header(name: str, subject: str, reference: str, text: str) -> None:
    """Line ends and controls in names, subjects, ids and texts never become structure."""
    message = outgoing(from_name=name, subject=subject, in_reply_to=reference, references=(reference,), text=text)
    sent: EmailMessage = encode(message)
    found = {key.lower() for key in decode_headers(sent.as_bytes())}
    assert found <= EXPECTED | {"in-reply-to", "references"}


def decode_headers(raw: bytes) -> list[str]:
    block = raw.split(b"\r\n\r\n", 1)[0].decode()
    return [line.partition(":")[0] for line in block.split("\r\n") if not line.startswith((" ", "\t"))]


@given(st.text(max_size=100))
def test_header_safe_gives_one_printable_line(value: str) -> None:
    """No controls, no line separators, no lone surrogates, and doing it twice changes nothing."""
    safe = header_safe(value)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u2028\u2029" for char in safe)
    assert (safe.encode() and header_safe(safe) == safe) or safe == ""
