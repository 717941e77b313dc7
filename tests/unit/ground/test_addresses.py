"""What passes for an address of mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.addresses import LONGEST, is_email


@pytest.mark.parametrize(
    "text",
    [
        "ana@mail.example",
        "a.b+c@x.co",
        "o'hara@post.example",
        "ñandú@correo.españa.example",
        "x@1.2.3.4",
        "-@a-b.example",
    ],
)
def test_what_people_give_is_an_address(text: str) -> None:
    """Plus signs, apostrophes, letters of every script, and hosts of any kind that have a dot."""
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "not an address", "ana", "@mail.example", "ana@", "ana@localhost", "ana@mail.example.", "ana@.example",
        "ana@mail..example", "a@b@mail.example", "ana @mail.example", "ana@mail.example\n", "Ana <ana@mail.example>",
        "ana@mail.example,bo@mail.example", '"a b"@mail.example', "mailto:ana@mail.example", "ana@mail.example\x00",
    ],
)  # fmt: skip
def test_what_no_mail_could_reach_is_none(text: str) -> None:
    """No name, no host, a host without a dot, several of them, or more than the address."""
    assert not is_email(text)


def test_an_address_has_its_limit() -> None:
    """The longest that a mail server must take passes, and not one character more."""
    host = "@mail.example"
    assert is_email("a" * (LONGEST - len(host)) + host)
    assert not is_email("a" * (LONGEST - len(host) + 1) + host)


@given(st.text())
def test_an_address_never_breaks_a_line(text: str) -> None:
    """Whatever passes holds no white space and one at sign: it may stand in a header."""
    if is_email(text):
        assert text.split() == [text]
        assert text.count("@") == 1
