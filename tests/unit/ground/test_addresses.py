"""What passes for an address of mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.addresses import LONGEST, email_fault, is_email


@pytest.mark.parametrize(
    "text",
    [
        "ana@mail.example",
        "a.b+c@x.co",
        "o'hara@post.example",
        "ñandú@correo.españa.example",
        "x@1.2.3.4",
        "a-@a-b.example",
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


@pytest.mark.parametrize("text", ["-@a-b.example", "-oQ/tmp@mail.example", "--help@mail.example"])
def test_what_a_program_would_take_for_an_option_is_none(text: str) -> None:
    """It begins with a dash, and is told so."""
    assert not is_email(text)
    assert "begins with a dash" in email_fault(text)


def test_a_fault_of_an_address_is_told_with_an_example() -> None:
    """There is none where mail could go there."""
    assert email_fault("ana") == "'ana' is not an e-mail address; write it like ana@mail.example"
    assert email_fault("ana@mail.example") == ""


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
