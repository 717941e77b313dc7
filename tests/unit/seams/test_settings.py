"""Secrets that never show themselves, and keys that describe themselves."""

from __future__ import annotations

import json

import attrs
import pytest

from carekit.seams.settings import Secret, setting

SECRET = Secret("hunter2")


@pytest.mark.parametrize("shown", [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r}", repr([SECRET])])
def test_a_secret_never_shows_itself(shown: str) -> None:
    """No way of printing a secret gives it away."""
    assert "hunter2" not in shown


def test_a_secret_is_revealed_on_purpose_only() -> None:
    """Only reveal gives the text, and JSON refuses it."""
    assert SECRET.reveal() == "hunter2"
    with pytest.raises(TypeError):
        json.dumps(SECRET)
    with pytest.raises(AttributeError):
        SECRET.__dict__  # noqa: B018 - it must have none


def test_secrets_compare_by_value() -> None:
    """Two secrets of the same text are equal; a plain text is none."""
    assert Secret("hunter2") == SECRET
    assert hash(Secret("hunter2")) == hash(SECRET)
    assert Secret("other") != SECRET
    assert SECRET != "hunter2"


def test_a_key_describes_itself() -> None:
    """Its line for the reference and what it refers to stay with the field; without a default it is required."""

    @attrs.frozen
    class Keys:
        calendar: str = setting("when it is open", refers="calendars")
        names: list[str] = setting("names", factory=list)

    fields = attrs.fields(Keys)
    assert fields.calendar.metadata == {"doc": "when it is open", "refers": "calendars"}
    with pytest.raises(TypeError, match="calendar"):
        Keys()  # type: ignore[call-arg]
    assert Keys(calendar="office").names is not Keys(calendar="office").names
