"""Hostile mail by the thousand: whole features of real mail, cut, doubled, shuffled and sprinkled with poison."""

# ruff: noqa: E501 - samples are shown as they are

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from carekit_email import Limits, decode

SLOWEST = 5.0
"""Seconds that no mail may take."""

_SEEDS = [
    b"""From: =?utf-8?q?Ada_=22B=22?= <ada@host.example>\r
To: help@shop.example, "x, y" <x@y.example>, Group: a@b.example;\r
Subject: =?iso-2022-jp?b?GyRCJUYlOSVIGyhC?= =?utf-8?b?w6TDtg==?=\r
Date: Mon, 2 Nov 2026 10:00:00 +0100 (CET)\r
References: <1@x> <2@x>\r
In-Reply-To: <2@x>\r
Content-Type: multipart/mixed; boundary="outer"\r
\r
--outer\r
Content-Type: multipart/alternative; boundary=inner\r
\r
--inner\r
Content-Type: text/plain; charset=iso-8859-1; format=flowed\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=FC=DFe =\r
weiter\r
\r
On Mon, Nov 2, 2026 at 10:00 AM Help <help@shop.example> wrote:\r
> old\r
--inner\r
Content-Type: text/html; charset=utf-8\r
\r
<p>Gr&uuml;&szlig;e</p><div class="gmail_quote"><blockquote>old</blockquote></div><img src=cid:a>\r
--inner--\r
--outer\r
Content-Type: application/octet-stream; name*0*=utf-8''a%20; name*1=b.pdf\r
Content-Disposition: attachment; filename="=?utf-8?q?=C3=A4.pdf?="\r
Content-Transfer-Encoding: base64\r
\r
SGVsbG8gd29ybGQ=\r
--outer\r
Content-Type: message/rfc822\r
\r
From: b@c.example\r
Subject: inner\r
\r
begin 644 a.txt\r
#2&D*\r
`\r
end\r
--outer--\r
""",
    b"""Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x

550 5.1.1 <gone@host.example>: user unknown
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@host.example
Action: failed
Status: 5.1.1
--x
Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:x
END:VEVENT
END:VCALENDAR
--x
Content-Type: application/ms-tnef; name=winmail.dat
Content-Transfer-Encoding: base64

eJ8+IgEAAQaQCAAEAAAAAAABAAEAAQeQBgAI
--x--
""",
]  # fmt: skip
_POISON = [
    b"\r", b"\n", b"\r\n\r\n", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b$B", b"=?", b"?=", b"=?utf-8?b?", b"=?x?q?=0D=0A?=",
    b"(", b'"', b"<", b">", b"[", b"--x\n", b"--outer--\n", b"charset=zlib", b"charset=utf-16", b"charset=utf-7", b"charset=\"",
    b"Content-Type: message/rfc822\n\n", b"Content-Type: multipart/mixed; boundary=x\n\n", b"Content-Transfer-Encoding: base64\n",
    b"begin 644 x\n", b"On ", b"wrote:", b"<div>", b"<table><td>", b"&#x110000;", b"From: ", b"> ", b";" * 50, b"*0*=", b"%", b"=",
]  # fmt: skip


def mails(seed: int) -> Iterator[bytes]:
    """Mails without end, the same ones for the same *seed*."""
    source = random.Random(seed)
    while True:
        raw = bytearray(source.choice(_SEEDS))
        for _ in range(source.randint(1, 12)):
            _mutate(raw, source)
        yield bytes(raw)


def _mutate(raw: bytearray, source: random.Random) -> None:
    start = source.randrange(len(raw) + 1)
    end = min(len(raw), start + source.choice([1, 2, 8, 60, 400]))
    kind = source.randrange(6)
    if kind == 0:
        del raw[start:end]
    elif kind == 1:
        raw[start:start] = raw[start:end] * source.choice([1, 2, 30])
    elif kind == 2:
        raw[start:start] = source.choice(_POISON) * source.choice([1, 1, 3, 200])
    elif kind == 3:
        raw[start:end] = source.randbytes(end - start)
    elif kind == 4:
        del raw[start:]
    else:
        other = source.choice(_SEEDS)
        raw[start:end] = other[source.randrange(len(other)) :]


def fuzz(seed: int, seconds: float) -> int:
    """Decode mails for so many *seconds*; give how many. Raises AssertionError with the seed and number of a bad one."""
    until = time.monotonic() + seconds
    for number, raw in enumerate(mails(seed)):
        began = time.monotonic()
        if began > until:
            return number
        try:
            found = decode(raw, Limits(size=1_000_000))
            assert found.message_id and "\x00" not in found.text and "\n" not in found.subject + found.from_name
            (found.text + found.html + found.reply_text + found.subject).encode("utf-8")
        except Exception as error:
            raise AssertionError(f"seed {seed}, mail {number}: {type(error).__name__}: {error}") from error
        assert time.monotonic() - began < SLOWEST, f"seed {seed}, mail {number} took too long"
    raise AssertionError("unreachable")


if __name__ == "__main__":
    import sys

    at, limit = int(sys.argv[1]), float(sys.argv[2])
    sys.stdout.write(f"{fuzz(at, limit)} mails, no exception, none slow\n")
