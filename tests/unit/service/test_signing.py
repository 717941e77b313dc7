"""Tokens and passwords."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, tzinfo

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings

from carekit.ground.errors import NotAllowed, Refused
from carekit.service.signing import Passwords, Signer
from carekit.testing.strategies import texts

SIGNER = Signer("a secret for tests only")


@settings(max_examples=40)
@given(value=texts)
def test_a_token_carries_its_value(value: str) -> None:
    """Any text comes back out of both kinds of token."""
    assert SIGNER.unsign("x", SIGNER.sign("x", value)) == value
    assert SIGNER.unseal("x", SIGNER.seal("x", value)) == value


def test_a_sealed_token_is_always_the_same() -> None:
    """Rules may make one: the same value gives the same token."""
    assert SIGNER.seal("x", "c1") == SIGNER.seal("x", "c1")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\x00", "ü", "." * 1000])
def test_nonsense_is_not_allowed(token: str) -> None:
    """What is no token at all is refused like a forged one."""
    for read in (SIGNER.unsign, SIGNER.unseal):
        with pytest.raises(NotAllowed):
            read("x", token)


def test_a_token_is_for_one_purpose_kind_and_desk() -> None:
    """Another purpose, the other kind, another secret: not allowed."""
    signed, sealed = SIGNER.sign("x", "v"), SIGNER.seal("x", "v")
    attempts = [
        lambda: SIGNER.unsign("y", signed),
        lambda: SIGNER.unseal("y", sealed),
        lambda: SIGNER.unseal("x", signed),
        lambda: SIGNER.unsign("x", sealed),
        lambda: Signer("another").unsign("x", signed),
        lambda: Signer("another").unseal("x", sealed),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed):
            attempt()


@pytest.mark.parametrize(("hours", "good"), [(-1, True), (1, True), (24, True), (26, False)])
def test_a_token_ages_and_survives_a_clock_set_back(monkeypatch: pytest.MonkeyPatch, hours: int, good: bool) -> None:
    """It is refused when it is too old; one that a clock before its time meets is as good as new."""
    token, later = SIGNER.sign("x", "v"), time.time() + hours * 3600

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.fromtimestamp(later, tz)

    monkeypatch.setattr("carekit.service.signing.datetime", Later)
    if good:
        assert SIGNER.unsign("x", token, timedelta(hours=25)) == "v"
    else:
        with pytest.raises(NotAllowed):
            SIGNER.unsign("x", token, timedelta(hours=25))


def test_a_changed_token_is_not_allowed() -> None:
    """Each single changed character spoils the token."""
    token = SIGNER.seal("x", "conversation")
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        try:
            assert SIGNER.unseal("x", changed) == "conversation"  # the last character may have spare bits
            assert place == len(token) - 1
        except NotAllowed:
            continue


def test_a_token_grows_too_old() -> None:
    """After its age a token is not allowed; without a limit it is."""
    token = SIGNER.sign("x", "v")
    assert SIGNER.unsign("x", token, timedelta(days=1)) == "v"
    with pytest.raises(NotAllowed):
        SIGNER.unsign("x", token, timedelta(seconds=-1))


PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_a_password_fits_its_hash_alone() -> None:
    """The right password fits, another does not, and a hash never shows the password."""
    hashed = PASSWORDS.hash("correct horse")
    assert PASSWORDS.matches(hashed, "correct horse")
    assert not PASSWORDS.matches(hashed, "Correct horse")
    assert "horse" not in hashed
    assert hashed != PASSWORDS.hash("correct horse")


@pytest.mark.parametrize("hashed", [None, "", "nonsense", "$argon2id$broken"])
def test_without_a_hash_nothing_fits(hashed: str | None) -> None:
    """An unknown account and a damaged hash refuse every password, also the one of the decoy."""
    for password in ("", "nobody", "anything"):
        assert not PASSWORDS.matches(hashed, password)


@pytest.mark.parametrize("password", ["", "short77", "x" * 1025])
def test_too_short_and_absurdly_long_passwords_are_refused(password: str) -> None:
    """A password has 8 to 1,024 characters."""
    with pytest.raises(Refused) as caught:
        PASSWORDS.hash(password)
    assert caught.value.field == "password"
