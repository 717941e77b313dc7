"""Limits are checked on the bytes, and what is under them is decoded in time that grows with the size only."""

from __future__ import annotations

import time

import pytest

from carekit_email.codec import Limits, Unreadable, decode


def nested(levels: int) -> bytes:
    opening = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(levels))
    return ("From: a@b.example\r\n" + opening + "Content-Type: text/plain\r\n\r\ndeep\r\n").encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"From: a@b.example\n\n" + b"x" * 2_000, Unreadable.SIZE),
        (b"X: " + b"y" * 700 + b"\n\n", Unreadable.HEADERS),
        (b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n\n" * 30, Unreadable.PARTS),
        (nested(9), Unreadable.DEPTH),
        (b"Content-Type: message/rfc822\n\n" * 9, Unreadable.DEPTH),
    ],
)
def test_each_limit_names_itself(raw: bytes, reason: Unreadable) -> None:
    """The answer says which limit was passed, and holds nothing of the body."""
    found = decode(raw, Limits(size=1_500, headers=600, parts=20, depth=8))
    assert found.excess is not None
    assert found.excess.reason is reason
    assert (found.text, found.attachments, found.bounce) == ("", (), None)


def test_the_header_of_a_mail_over_a_limit_is_read() -> None:
    """Who wrote about what is known even then."""
    found = decode(b"From: Ada <ada@host.example>\r\nSubject: Big\r\n\r\n" + b"x" * 2_000, Limits(size=1_500))
    assert (found.from_address, found.subject, found.excess is not None) == ("ada@host.example", "Big", True)


def test_thousands_of_levels_never_reach_the_parser() -> None:
    """What would exhaust the stack is told before parsing."""
    assert decode(nested(900)).excess is not None


def test_ordinary_nesting_is_read() -> None:
    """A mail some levels deep is no attack."""
    assert decode(nested(20)).text == "deep"


def test_many_parts_in_a_row_are_not_deep() -> None:
    """Siblings do not add up to depth."""
    part = b"--x\nContent-Type: multipart/alternative; boundary=y%d\n\n--y%d\n\na\n--y%d--\n"
    raw = b"Content-Type: multipart/mixed; boundary=x\n\n" + b"".join(part % (n, n, n) for n in range(100))
    assert decode(raw).text


HTML = b"From: a@b.example\nContent-Type: text/html\n\n"
TEXT = b"From: a@b.example\n\n"


@pytest.mark.parametrize(
    "raw",
    [
        HTML + b"<b" * 100_000,
        HTML + b"<div>" * 100_000,
        HTML + b"<!--" * 100_000,
        TEXT + b"On " * 60_000,
        TEXT + b"On \n" * 20_000,
        TEXT + b"-" * 200_000,
        TEXT + b">" * 200_000,
        TEXT + b"From: x\n" * 20_000,
        b"Subject: " + b"re: " * 60_000 + b"\n\nx",
        b"From: " + b"(" * 50_000 + b"\n\nx",
        b'From: "' + b"a" * 200_000 + b"\n\nx",
        b"Content-Type: text/plain; a*0*=x''%41" + b";a*1=b" * 5_000 + b"\n\nx",
        TEXT + b"From: a@b.example\n" * 50_000,
        TEXT + b"On Mon, 3 Jan 2022 at 10:00 x\n" * 50_000,
        TEXT + b"Date: 2022\nTo: x\n" * 50_000,
        TEXT + b"```\nx\n" * 50_000,
        TEXT + b"begin 644 a\n" * 50_000,
        b"From: MAILER-DAEMON@x\nSubject: failure notice\n\n" + (b"a@b.c " * 20 + b"\n") * 3_000,
        b"X: y\n" * 100_000 + TEXT + b"x",
        b"junk line\n" * 100_000,
        b"Content-Type: multipart/mixed; " + b"boundary=x; " * 100_000 + b"\n\n--x\n\nhi\n--x--",
        b"From: a@b.example\nSubject: x\n" + b" y\n" * 200_000 + b"\nx",
        HTML + b"<" * 500_000,
        HTML + b"<table><tr><td>" * 50_000,
        b"From: a@b.example\nContent-Transfer-Encoding: base64\n\n" + b"YQ==" * 500_000,
        b"\r" * 2_000_000,
        b"\x00" * 2_000_000,
    ],
    ids=range(27),
)
def test_known_slow_inputs_are_decoded(raw: bytes) -> None:
    """These took decoders from ten seconds to hours."""
    began = time.process_time()  # whatever else the machine does
    assert decode(raw).message_id
    assert time.process_time() - began < 5
