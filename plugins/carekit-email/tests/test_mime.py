"""Parts are cut as the standard library's parser cuts them, over well-formed mail and broken mail."""

from __future__ import annotations

import itertools
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP, compat32
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_email import Limits
from carekit_email.codec.headers import repaired
from carekit_email.codec.limits import excess_of
from carekit_email.codec.mime import Part, parse


def theirs(message: Message) -> list[bytes]:
    """The bytes of every leaf in order, as the standard library has them; enclosed messages are one opaque leaf."""
    if message.get_content_maintype() == "message":
        return [b"(message)"]
    if message.is_multipart():
        return [leaf for child in message.get_payload() for leaf in theirs(child)]
    payload = message._payload  # its accessor would decode
    return [payload.encode("utf-8", "surrogateescape").rstrip(b"\r\n")]


def ours(part: Part) -> list[bytes]:
    if part.content_type.startswith("message/"):
        return [b"(message)"]
    if part.is_multipart:
        return [leaf for child in part.children for leaf in ours(child)]
    return [part.body.rstrip(b"\r\n")]


def same(raw: bytes) -> bool:
    raw = repaired(raw)
    return theirs(BytesParser(policy=compat32).parsebytes(raw)) == ours(parse(raw))


def boundary_is_sound(raw: bytes) -> bool:
    return len(theirs(BytesParser(policy=compat32).parsebytes(repaired(raw)))) > 1


_leaves = st.text(max_size=60) | st.sampled_from(["--x", "--x--", "\n--\n", "From a\n", "-- \nAda"])


@given(st.recursive(_leaves, lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=12))
def test_well_formed_mail_is_cut_alike(tree: object) -> None:
    """Trees of multiparts, as a program builds and writes them."""

    def build(node: object) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        if isinstance(node, list):
            message.make_mixed()
            for child in node:
                message.attach(build(child))
        else:
            message.set_content(str(node).encode("utf-8", "ignore").decode(), cte="base64")
        return message

    assert same(build(tree).as_bytes())


def test_broken_mail_is_cut_alike_but_for_types_that_are_none(mutations: ModuleType) -> None:
    """Of what differs, most is a type with junk in it, which is read as it was meant here and as text there.

    Where there is no boundary in the header that fits, it is looked for here, and not there.
    """
    mails = [raw for raw in itertools.islice(mutations.mails(3), 1_500) if excess_of(raw, Limits()) is None]
    mails = [raw for raw in mails if boundary_is_sound(raw)]
    assert len(mails) > 300
    assert sum(not same(raw) for raw in mails) < len(mails) * 0.02


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends_of_every_kind_are_line_ends(end: str) -> None:
    """The one before a delimiter belongs to it."""
    lines = [
        "Content-Type: multipart/mixed; boundary=x",
        "",
        "before",
        "--x",
        "A: b",
        " c",
        "",
        "one",
        "",
        "--x  ",
        "",
        "two",
        "--x--",
        "after",
    ]
    part = parse(end.join(lines).encode())
    assert [child.body for child in part.children] == [f"one{end}".encode(), b"two"]
    assert part.children[0].headers.text("a") == "b c"


def test_a_delimiter_must_be_a_line_of_its_own() -> None:
    """In the middle of a line, or with more behind it, it is text."""
    part = parse(b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\na --x\n--xy\n--x-\n--x--")
    assert [child.body for child in part.children] == [b"a --x\n--xy\n--x-"]
