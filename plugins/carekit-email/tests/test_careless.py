"""Mail of careless programs, field by field: what they wrote is read as they meant it."""

from __future__ import annotations

import base64

import pytest

from carekit_email import decode
from carekit_email.codec.bodies import unenriched
from carekit_email.codec.charsets import known_charset, to_text
from carekit_email.codec.words import decode_words, from_base64, parameters


def mail(*headers: str, body: str = "text") -> bytes:
    return "\r\n".join([*(headers or ("From: a@b.example",)), "", body]).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("Byron, Ada <ada@x.example>", "Byron, Ada", "ada@x.example"),
        ("Byron, Ada, Sales (North) <ada@x.example>", "Byron, Ada, Sales", "ada@x.example"),
        ("one@x.example, Ada <ada@x.example>", "", "one@x.example"),
        ("Team: Ada <ada@x.example>, b@x.example;", "Ada", "ada@x.example"),
        ("Support: Ada <ada@x.example>", "Support: Ada", "ada@x.example"),
        ("<ada@x.example> Ada Byron", "Ada Byron", "ada@x.example"),
        ("Ada <ada@x.example> Bob <bob@x.example>", "Ada", "ada@x.example"),
        ("Ada [mailto:ada@x.example]", "Ada", "ada@x.example"),
        ("Ada [Sales] <ada@x.example>", "Ada [Sales]", "ada@x.example"),
        ('"ada byron"@x.example', "", '"ada byron"@x.example'),
        ("Ada Byron (ada@x.example)", "Ada Byron", "ada@x.example"),
    ],
)
def test_senders_without_quotes_commas_or_brackets(value: str, name: str, address: str) -> None:
    """Names with commas that are not quoted, groups, names behind the address, addresses in comments."""
    found = decode(mail(f"From: {value}"))
    assert (found.from_name, found.from_address) == (name, address)


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        ("Windows_1252", "cp1252"),
        ("win-1251", "cp1251"),
        ("ibm-850", "cp850"),
        ("8859-2", "iso8859-2"),
        ("ISO8859_15", "iso8859-15"),
        ("csISO2022JP", "iso2022_jp_ext"),
        ("x-x-big5", "cp950"),
        ("x-mac-roman", "mac-roman"),
        ("csShiftJIS", "cp932"),
        ("koi8", "koi8-r"),
        ("zlib", None),
        ("unicode_escape", None),
    ],
)
def test_charsets_are_known_in_every_spelling(declared: str, meant: str | None) -> None:
    """Prefixes, dashes and numbers of pages vary; what is no charset of text is none."""
    assert known_charset(declared) == meant


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1251", "Здравствуйте, когда придёт мой заказ? Спасибо."),
        ("koi8-r", "Здравствуйте, когда придёт мой заказ? Спасибо."),
        ("cp1252", "Bonjour, où est passée ma commande d'août ? Ça va être trop tard."),
        ("iso8859-2", "Dzień dobry, proszę o zwrot pieniędzy. Żółw się zgubił."),
        ("cp1253", "Καλημέρα, πού είναι η παραγγελία μου;"),
        ("gb18030", "您好，我的订单什么时候能到？我已经等了三个星期了，请尽快答复我。"),
        ("gb18030", "我的订单什么时候到"),
        ("cp932", "こんにちは。注文した商品がまだ届いていません。いつ届きますか？"),
        ("euc_jp", "注文の件"),
        ("iso2022_jp", "注文の件"),
        ("cp949", "주문 문의"),
        ("big5", "我的訂單什麼時候到貨"),
        ("cp874", "คำสั่งซื้อของฉันอยู่ที่ไหน"),
        ("koi8-u", "Коли прийде моє замовлення, її"),
        ("cp1254", "Şişli'de güneş doğdu"),
    ],
)
def test_text_without_a_charset_is_read_in_the_one_that_makes_sense(charset: str, text: str) -> None:
    """The letters tell which language it is, and so which charset."""
    assert to_text(text.encode(charset)) == text
    assert to_text(text.encode(charset), "us-ascii") == text


def test_japanese_of_windows_is_read_under_the_name_of_the_standard() -> None:
    """Circled digits are in no standard ISO-2022-JP, and in much Japanese mail."""
    raw = b'\x1b$B-!\x1b(B and \x1b$B$"\x1b(B'
    assert to_text(raw, "iso-2022-jp") == "① and あ"


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: multipart/mixed",
        "Content-Type: multipart/mixed; boundary=other",
        'Content-Type: multipart/mixed; boundary=""',
    ],
)
def test_a_boundary_that_is_not_in_the_header_is_found_in_the_body(header: str) -> None:
    """By a line that looks like a delimiter and has a header or a blank line under it."""
    part = "--=_real\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    file = "--=_real\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nfile\r\n"
    found = decode(mail("From: a@b.example", header, body=f"{part}{file}--=_real--\r\n"))
    assert (found.text, [one.name for one in found.attachments]) == ("hello", ["a.txt"])


def test_text_that_only_says_it_is_base64_is_read_as_it_stands() -> None:
    """Words with spaces between them are no base64."""
    raw = mail("From: a@b.example", "Content-Transfer-Encoding: base64", body="This was never encoded, sorry.")
    assert decode(raw).text == "This was never encoded, sorry."


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (base64.b64encode(b"one!") + base64.b64encode(b"two!"), b"one!two!"),
        (b"-_-_", b"\xfb\xff\xbf"),
        (b"aGk", b"hi"),
        (b"aGkx=junk!", b"hi1"),
    ],
)
def test_base64_is_decoded_as_far_as_it_goes(data: bytes, expected: bytes) -> None:
    """Pieces one after the other, the alphabet for links, padding forgotten or in the wrong place."""
    assert from_base64(data) == expected


def test_soft_line_breaks_with_blanks_are_soft_line_breaks() -> None:
    """Blanks between the equals sign and the end of the line were put there on the way."""
    raw = mail("From: a@b.example", "Content-Transfer-Encoding: quoted-printable", body="one=20tw= \r\no")
    assert decode(raw).text == "one two"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=?utf-8?q?What??=", "What?"),
        ("=?utf-8?q?a?=b=?utf-8?q?c?=", "abc"),
        ("=?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?=", "äö"),
        ("=?utf-8?B?w?= =?utf-8?B?6Q=?=", "ä"),
        ("=?utf-8*de?q?=C3=A4?=", "ä"),
    ],
)
def test_encoded_words_of_careless_programs(value: str, expected: str) -> None:
    """Question marks in the text, words without blanks, characters and base64 split between two words."""
    assert decode_words(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("attachment filename=a.pdf", "a.pdf"),
        ('attachment; filename=""a.pdf""', "a.pdf"),
        ("attachment; filename='a.pdf'", "a.pdf"),
        ('attachment; filename="a.pdf" (the offer)', "a.pdf"),
        ("attachment; filename=old.pdf; filename*=utf-8''%C3%A4.pdf", "ä.pdf"),
        ("attachment; filename*0*=utf-8''%C3; filename*1*=%A4.pdf", "ä.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("attachment; filename*0*=utf-8''a%20; filename*1=b%20.pdf", "a b%20.pdf"),
    ],
)
def test_file_names_of_careless_programs(value: str, expected: str) -> None:
    """Semicolons forgotten, quotes doubled, comments, and the forms of RFC 2231 in any order."""
    assert parameters(value)[1]["filename"] == expected


def test_enriched_text_is_read_without_its_commands() -> None:
    """RFC 1896: a single line end is a blank, two are one, and a doubled bracket is a bracket."""
    assert unenriched("<bold>Now</bold>\nis <<the\n\n<color><param>red</param>time</color>") == "Now is <the\ntime"


def test_a_first_part_that_has_a_name_is_the_text_all_the_same() -> None:
    """Some programs name the body; a later part with a name is a file."""
    body = (
        '--x\r\nContent-Type: text/plain; name="body.txt"\r\n\r\nhello\r\n'
        '--x\r\nContent-Type: text/plain; name="notes.txt"\r\n\r\nnotes\r\n--x--'
    )
    found = decode(mail("From: a@b.example", "Content-Type: multipart/mixed; boundary=x", body=body))
    assert (found.text, [one.name for one in found.attachments]) == ("hello", ["notes.txt"])
