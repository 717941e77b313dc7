"""Every command in the documentation is one that exists; stories are played by tests of their own."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from carekit.cli.main import cli
from carekit.service.plugins import load
from tests.docs._pages import ROOT, all_blocks

SHOWN_ONLY = {
    "pip install": "needs an index of packages; the names are checked here",
    "python -m pip install": "likewise",
    "python -m venv": "this environment is one",
    "mkdir": "of the story around it",
    "cd ": "of the story around it",
    "pytest": "the page's own test runs it",
    "python far_side.py": "the page's own test runs it",
    "python answer.py": "the page's own test runs it",
    "tox run": "takes minutes; continuous integration runs it",
    "createdb": "needs a server of PostgreSQL; the store's own tests run against one",
    "pg_dump": "likewise",
    "apt-get install": "changes the machine; continuous integration does",
    "bearerbox kannel.conf": "the page's own test runs it",
    "smsbox kannel.conf": "likewise",
    "/usr/lib/kannel/test/fakesmsc": "likewise",
    "python pretend.py": "likewise",
}
"""Commands that are not carekit's, by their beginning, and why nothing runs them here."""


def commands() -> list[tuple[str, str]]:
    """Every command with its place; a backslash at the end joins lines."""
    found = []
    for block in all_blocks("console"):
        text = block.text.replace("\\\n", " ")
        found += [(block.place, line[2:]) for line in text.splitlines() if line.startswith("$ ")]
    return found


def distributions() -> set[str]:
    """The names of what this repository makes."""
    return {"carekit", *(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))}


@pytest.mark.parametrize(("place", "command"), commands(), ids=lambda text: text)
def test_a_command_exists(place: str, command: str) -> None:
    """What begins with carekit is understood by its command line; anything else is listed as shown only."""
    words = shlex.split(command, comments=True)
    words = words[next(index for index, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)) :]
    if words[0] != "carekit":
        assert any(command.startswith(begin) for begin in SHOWN_ONLY), f"{place}: run it, or list why not"
        return
    if {command.name for command in load().commands} >= {words[1]} or words[1] in cli.list_commands(click.Context(cli)):
        _parse(cli, words[1:])
        return
    pytest.fail(f"{place}: there is no command {words[1]!r}")


def _parse(command: click.Command, words: list[str]) -> None:
    """Read *words* as click would, without running anything; raises `click.UsageError`."""
    context = command.make_context(command.name, list(words))
    rest = [*context._protected_args, *context.args]
    if isinstance(command, click.Group) and rest:
        _, below, remaining = command.resolve_command(context, rest)
        assert below is not None
        _parse(below, remaining)


@pytest.mark.parametrize(
    ("place", "command"), [found for found in commands() if "pip install " in found[1]], ids=lambda text: text
)
def test_what_is_installed_exists(place: str, command: str) -> None:
    """The distributions that a page installs are the ones that this repository makes."""
    names = [re.sub(r"\[.*", "", word) for word in shlex.split(command.split("pip install ")[1])]
    ours = [name for name in names if not name.startswith(("-", ".")) and name.startswith("carekit")]
    assert set(ours) <= distributions(), place
