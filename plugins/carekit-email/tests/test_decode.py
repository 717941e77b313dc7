"""Bytes to InboundEmail: headers, bodies, attachments."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_email import decode, header_safe
from carekit_email.codec.bodies import unflowed

PLAIN = b"From: Ada <ada@host.example>\r\nSubject: Hello\r\nMessage-ID: <1@host.example>\r\n\r\nHello there\r\n"


def mail(*headers: str, body: str = "text") -> bytes:
    lines = headers or ("From: a@b.example",)
    return "\r\n".join([*lines, "", body]).encode("utf-8", "surrogateescape")


def multipart(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--x\r\n{part}\r\n" for part in parts) + "--x--\r\n"
    return mail("From: a@b.example", f"Content-Type: multipart/{kind}; boundary=x", body=body)


def test_a_plain_mail_is_decoded() -> None:
    """The ordinary case gives every field."""
    found = decode(PLAIN)
    assert (found.from_name, found.from_address, found.subject) == ("Ada", "ada@host.example", "Hello")
    assert (found.text, found.reply_text, found.message_id) == ("Hello there", "Hello there", "1@host.example")
    assert not found.auto_reply and not found.bounce and not found.list_mail


@given(st.binary(max_size=2_000))
def test_any_bytes_give_an_answer(raw: bytes) -> None:
    """No input raises anything."""
    found = decode(raw)
    assert found.message_id
    assert header_safe(found.subject) == found.subject


@given(
    st.text(max_size=80), st.text(max_size=80), st.sampled_from(["utf-8", "zlib", "undefined", "x-unknown", "../etc"])
)
def test_headers_and_charsets_of_any_kind_give_an_answer(name: str, subject: str, charset: str) -> None:
    """Names, subjects and charset names are hostile input, too."""
    raw = f'From: "{name}" <a@b.example>\nSubject: {subject}\nContent-Type: text/plain; charset={charset}\n\n{name}\n'
    decode(raw.encode("utf-8", "ignore"))


def test_a_missing_message_id_is_made_from_the_bytes() -> None:
    """A second delivery of the same bytes gets the same id, another mail another one."""
    one, two = mail(body="one"), mail(body="two")
    assert decode(one).message_id == decode(one).message_id
    assert decode(one).message_id != decode(two).message_id


def test_line_ends_hidden_in_encoded_words_never_come_out() -> None:
    """An encoded word may decode to a line end and a header; it becomes a space."""
    found = decode(mail("From: =?utf-8?q?a=0D=0ABcc:_x?= <a@b.example>", "Subject: =?utf-8?q?hi=0D=0ABcc:_v@x?="))
    assert found.subject == "hi Bcc: v@x"
    assert found.from_name == "a Bcc: x"


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ('"Last, First" <x@y.example>', "Last, First", "x@y.example"),
        ("x@y.example (Ada Byron)", "Ada Byron", "x@y.example"),
        ("=?utf-8?b?w4TDtg==?= <x@y.example>", "Äö", "x@y.example"),
        ('"unterminated <x@y.example>', "unterminated", "x@y.example"),
        ("(" * 60_000 + " x@y.example", "", ""),
        ("<>", "", ""),
        ("Group: x@y.example, z@y.example;", "", "x@y.example"),
    ],
)
def test_senders_of_every_shape(value: str, name: str, address: str) -> None:
    """Quotes, comments, groups and unclosed brackets are read as people meant them."""
    found = decode(mail(f"From: {value}"))
    assert (found.from_name, found.from_address) == (name, address)


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("John Doe john@doe.example", "John Doe", "john@doe.example"),
        ("<<a@b.example>>", "", "a@b.example"),
        ("Foo < a @ b.example >", "Foo", "a@b.example"),
        ('X <"john doe"@b.example>', "X", '"john doe"@b.example'),
        ("X <@a.example,@b.example:john@c.example>", "X", "john@c.example"),
        ("X <mailto:a@b.example>", "X", "a@b.example"),
        ("foo@bar.example <real@x.example>", "foo@bar.example", "real@x.example"),
        ("=?utf-8?Q?Doe,_J=C3=B6rg?= <x@y.example>", "Doe, Jörg", "x@y.example"),
    ],
)
def test_senders_of_careless_programs(value: str, name: str, address: str) -> None:
    """Brackets missing, doubled or spaced, and addresses that need their quotes."""
    found = decode(mail(f"From: {value}"))
    assert (found.from_name, found.from_address) == (name, address)


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        ("quoted- printable", "a=3Db", "a=b"),
        ("Quoted_Printable", "a=3Db", "a=b"),
        ('"base64"', "aGk=", "hi"),
        ("base64", "aGk=\r\n\r\n-- \r\nfooter of a list", "hi"),
        ("base64", "aG!k=", "hi"),
        ("8bits", "a=3Db", "a=3Db"),
    ],
)
def test_transfer_encodings_are_read_as_they_were_meant(encoding: str, body: str, expected: str) -> None:
    """Spaces and quotes in the name, foreign characters in the text, a footer that a list put behind it."""
    assert decode(mail("From: a@b.example", f"Content-Transfer-Encoding: {encoding}", body=body)).text == expected


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/mixed boundary=x1",
        "multipart/mixed; boundary=x1 (a comment)",
        'multipart/mixed; boundary="x1',
        "multipart/mixed; BOUNDARY=x1;",
        "multipart/; boundary=x1",
    ],
)
def test_boundaries_are_found_however_they_are_declared(kind: str) -> None:
    """Semicolons and quotes forgotten, comments, half a type."""
    body = "--x1\r\n\r\nhello\r\n--x1--"
    assert decode(mail("From: a@b.example", f"Content-Type: {kind}", body=body)).text == "hello"


def test_the_sender_falls_back_to_other_fields() -> None:
    """A From without an address leaves Reply-To, Return-Path and Sender to say who wrote."""
    assert decode(mail("From: Ada", "Return-Path: <r@y.example>")).from_address == "r@y.example"
    assert decode(mail("From: Ada", "Reply-To: p@y.example", "Return-Path: <r@y.example>")).from_name == "Ada"


@pytest.mark.parametrize(
    ("charset", "body", "expected"),
    [
        ("iso-8859-1", b"caf\xe9 \x80", "café €"),
        ("us-ascii", "café".encode(), "café"),
        ("fakescii", b"caf\xe9", "café"),
        ("gb2312", "中国镕".encode("gb18030"), "中国镕"),
        ("utf-8", b"caf\xe9 au lait", "café au lait"),
        ("zlib", "żółw".encode(), "żółw"),
    ],
)
def test_charsets_that_lie_are_repaired(charset: str, body: bytes, expected: str) -> None:
    """What was declared is believed only if it fits."""
    raw = b"From: a@b.example\r\nContent-Type: text/plain; charset=" + charset.encode() + b"\r\n\r\n" + body
    assert decode(raw).text == expected


def test_a_junk_line_does_not_end_the_header_block() -> None:
    """Fields after a broken line still count, and leading junk of mailboxes goes."""
    found = decode(b"From x@y Mon Jan 1\nSubject: s\njunk without colon\nFrom: a@b.example\n\nbody")
    assert (found.subject, found.from_address, found.text) == ("s", "a@b.example", "body")


def test_of_two_forms_the_plain_one_is_the_text() -> None:
    """An alternative gives its plain form as text and its HTML as html."""
    found = decode(
        multipart(
            "Content-Type: text/plain\r\n\r\nplain", "Content-Type: text/html\r\n\r\n<p>rich</p>", kind="alternative"
        )
    )
    assert (found.text, found.html) == ("plain", "<p>rich</p>")


def test_html_alone_is_turned_into_text() -> None:
    """A mail with HTML only still has a readable text."""
    found = decode(
        mail("From: a@b.example", "Content-Type: text/html", body="<p>One<br>two</p><ul><li>three</li></ul>")
    )
    assert found.text.split() == ["One", "two", "three"]


def test_html_is_made_safe() -> None:
    """Scripts, events, styles and remote images do not survive; inline images and links do."""
    body = (
        "<script>x()</script><p onclick=x() style='background:url(//t)'>hi</p><img src='https://t.example/p.gif'>"
        "<img src='cid:a@b' alt=logo><a href='javascript:x()'>j</a><a href='https://ok.example/'>ok</a><form><input></form>"
    )
    html = decode(mail("From: a@b.example", "Content-Type: text/html", body=body)).html
    assert "t.example" not in html and "script" not in html and "onclick" not in html and "style" not in html
    assert 'src="cid:a@b"' in html and 'href="https://ok.example/"' in html and "<form" not in html


def test_attachments_keep_name_type_and_bytes() -> None:
    """RFC 2231 names are decoded; the bytes are what was sent."""
    part = (
        "Content-Type: application/pdf\r\n"
        "Content-Disposition: attachment; filename*0*=utf-8''Rech; filename*1*=%C3%BCng.pdf\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nSGk="
    )
    (found,) = decode(multipart("Content-Type: text/plain\r\n\r\nsee file", part)).attachments
    assert (found.name, found.content_type, found.size, found.content) == ("Rechüng.pdf", "application/pdf", 2, b"Hi")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\..\\b.exe", "x\u202egnp.exe", "..\u200bhtaccess", "a%00b"])
def test_attachment_names_are_harmless_to_show(name: str) -> None:
    """Separators, leading dots and invisible characters never reach a name."""
    part = f'Content-Type: a/b\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\nx'
    (found,) = decode(multipart(part)).attachments
    assert not set(found.name) & set("/\\\u202e\u200b\x00") and not found.name.startswith("..")


def test_enclosed_messages_are_opaque() -> None:
    """The text and headers of a forwarded message are not those of the mail."""
    found = decode(multipart("Content-Type: message/rfc822\r\n\r\nFrom: evil@x.example\r\nSubject: other\r\n\r\ninner"))
    assert (found.text, found.subject, found.from_address) == ("", "", "a@b.example")
    assert b"inner" in found.attachments[0].content


def test_files_uuencoded_in_the_text_are_files_and_no_reply() -> None:
    """Old programs put files into the text; it stays as it came, and what is shown has them as files."""
    found = decode(mail("From: a@b.example", body="see\r\nbegin 644 a.txt\r\n#2&D*\r\n`\r\nend\r\nbye"))
    assert found.reply_text.split() == ["see", "bye"] and "#2&D*" in found.text
    (file,) = found.embedded
    assert (file.name, file.content) == ("a.txt", b"Hi\n")


def test_soft_line_breaks_are_joined_within_one_depth() -> None:
    """RFC 3676: quoted lines join only with quoted lines."""
    assert unflowed("> a \n> b\nc \nd", delsp=False) == "> a b\nc d"


def test_ids_are_found_among_junk() -> None:
    """References give distinct ids in order; In-Reply-To the first one."""
    found = decode(
        mail("From: a@b.example", "In-Reply-To: your mail <1@x> of today", "References: <0@x>\r\n <1@x> <1@x> junk")
    )
    assert found.in_reply_to == "1@x"
    assert found.references == ("0@x", "1@x")


def test_the_date_is_a_claim_in_utc() -> None:
    """A readable Date becomes aware UTC, any other is none."""
    assert decode(mail("Date: Tue, 3 Nov 2026 10:00:00 +0200")).date == datetime(2026, 11, 3, 8, tzinfo=UTC)
    assert decode(mail("Date: next week")).date is None
