"""From a table to an attrs class: every fault at once, and a stand-in to look for more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from carekit.seams.settings import Secret, setting
from carekit.service.structure import Structurer


@attrs.frozen
class Server:
    """A table in another."""

    host: str = setting("where")
    port: int = setting("which", default=25)


@attrs.frozen
class Example:
    """Of every kind something."""

    name: str = setting("what people call it")
    limit: int = setting("how many", default=3)
    wait: timedelta = setting("how long", default=timedelta(hours=1))
    words: tuple[str, ...] = setting("which", factory=tuple)
    server: Server | None = setting("where", default=None)
    secret: Secret | None = setting("what nobody sees", default=None)


def read(table: object, **environment: str) -> tuple[Any, dict[str, str]]:
    """What is made, and what is wrong by the dotted keys."""
    value, problems = Structurer(Path("/nowhere"), environment).read(Example, table, others=("calendar",))
    return value, {".".join(problem.keys): problem.message for problem in problems}


def test_faults_leave_a_stand_in() -> None:
    """What is wrong has its default, what is right stays, also within a table."""
    made, told = read({"name": "x", "limit": "5", "words": ["a"], "server": {"host": "h", "port": True}})
    assert told == {
        "limit": "must be a whole number, not '5'",
        "server.port": "must be a whole number, not true",
    }
    assert made == Example(name="x", words=("a",), server=Server(host="h"))


def test_what_has_no_default_has_no_value_in_a_stand_in() -> None:
    """Whoever reads it is stopped, and nobody takes a made-up value for one of the file."""
    made, told = read({"limit": 4, "wait": 5, "server": {"port": 1}})
    assert set(told) == {"name", "wait", "server.host"}
    assert (made.limit, made.wait, made.words, made.server.port) == (4, timedelta(hours=1), (), 1)
    for owner, name in ((made, "name"), (made.server, "host")):
        with pytest.raises(AttributeError):
            getattr(owner, name)


def test_a_misspelt_key_is_told_once() -> None:
    """What is missing only because of it is not told, and keys that others read are known."""
    _, told = read({"nmae": "x", "calender": "office"})
    assert told == {
        "calender": 'is not a key here (did you mean "calendar"?)',
        "nmae": 'is not a key here (did you mean "name"?)',
    }


def test_a_text_with_a_nul_is_refused_and_not_shown() -> None:
    """No path, database or server could be given it; the secret that holds it is not told."""
    _, told = read({"name": "sqlite:///care\0.db", "secret": "hunter\0two", "words": ["fine", "\0"]})
    assert set(told) == {"name", "secret", "words"}
    for message in told.values():
        assert "holds the character NUL" in message
        assert "take it out" in message
        assert not {"hunter", "care"} & set(message.replace("\0", " ").split())


def test_every_entry_of_a_list_is_looked_at() -> None:
    """Not only the first that is wrong."""
    _, problems = Structurer(Path()).read(Example, {"name": "x", "words": ["a", 1, 2]})
    assert [problem.message for problem in problems] == ["must be a text, not 1", "must be a text, not 2"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"env": "UNSET"}, "environment variable UNSET is not set; set it before starting"),
        ({"env": "EMPTY"}, "environment variable EMPTY is empty; put the secret into it"),
        ({"file": "none"}, "there is no file /nowhere/none; put the secret into it"),
        ({"file": "/"}, "cannot be read: Is a directory"),
    ],
)
def test_a_secret_that_is_not_there_is_told(given: dict[str, str], words: str) -> None:
    """One that is empty is another mistake than one that is not set."""
    _, told = read({"name": "x", "secret": given}, EMPTY="")
    assert words in told["secret"]


def test_a_long_value_is_not_repeated_whole() -> None:
    """A message stays readable, whatever stands in the file."""
    _, told = read({"name": "x", "limit": "y" * 500})
    assert len(told["limit"]) < 100
