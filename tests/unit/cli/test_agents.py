"""``carekit agents``: the people who answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

ANA = ("ana", "--name", "Ana Gil", "--email", "ana@desk.example")


INBOXES = """
inbox = "sales"
[channels.other]
use = "loopback"
inbox = "support"
"""
"""What goes to the end of the file, so that it has these."""


def add(cli: Run, file: Path, *arguments: str, password: str = "correct horse") -> str:
    """Add an agent that must be accepted."""
    said = cli("agents", "add", file, *(arguments or ANA), "--password", password)
    assert said.exit_code == 0, said.output
    return said.stdout


def test_an_agent_is_added_and_listed(cli: Run, lasting: Path) -> None:
    """What one command adds, the next one shows."""
    assert add(cli, lasting) == "added Ana Gil (ana), capacity 5\n"
    assert cli("agents", "list", lasting).stdout == "ana  Ana Gil <ana@desk.example>  agent, off, 0 of 5\n"


def test_role_capacity_and_inboxes_are_kept(cli: Run, lasting: Path) -> None:
    """The options say what the agent may and can."""
    lasting.write_text(lasting.read_text("utf-8") + INBOXES, "utf-8")
    add(cli, lasting, *ANA, "--role", "admin", "--capacity", "2", "--inbox", "sales", "--inbox", "support")
    said = cli("agents", "list", lasting).stdout
    assert said == "ana  Ana Gil <ana@desk.example>  admin, off, 0 of 2, inboxes sales, support\n"


def test_an_inbox_that_no_channel_has_is_refused(cli: Run, lasting: Path) -> None:
    """The ones there are, and the one that was probably meant, are named before a password is asked for."""
    lasting.write_text(lasting.read_text("utf-8") + INBOXES, "utf-8")
    said = cli("agents", "add", lasting, *ANA, "--inbox", "sale")
    assert (said.exit_code, said.stderr) == (
        1,
        "carekit: there is no inbox 'sale' (did you mean \"sales\"?); the inboxes are sales, support\n",
    )


def test_the_inboxes_of_an_agent_are_changed(cli: Run, lasting: Path) -> None:
    """To some of those that channels have, or to all."""
    lasting.write_text(lasting.read_text("utf-8") + INBOXES, "utf-8")
    add(cli, lasting)
    assert cli("agents", "inboxes", lasting, "ana", "support").stdout == "ana sees support\n"
    assert "there is no inbox 'nope'" in cli("agents", "inboxes", lasting, "ana", "nope").stderr
    assert cli("agents", "list", lasting).stdout.endswith("inboxes support\n")
    assert cli("agents", "inboxes", lasting, "ana").stdout == "ana sees all inboxes\n"


def test_json_is_an_array_of_agents(cli: Run, lasting: Path) -> None:
    """Programs read the same, and no password."""
    add(cli, lasting)
    said = cli("agents", "list", lasting, "--json").stdout
    assert [(agent["id"], agent["email"]) for agent in json.loads(said)] == [("ana", "ana@desk.example")]
    assert "argon" not in said and "correct horse" not in said


def test_an_empty_desk_says_how_to_begin(cli: Run, lasting: Path) -> None:
    """No agents is not nothing to say."""
    assert cli("agents", "list", lasting).stdout == "no agents yet; add one with `carekit agents add`\n"


def test_the_password_is_asked_for_twice_and_not_shown(cli: Run, lasting: Path) -> None:
    """Without the option it is typed, hidden and repeated."""
    said = cli("agents", "add", lasting, *ANA, typed="correct horse\ncorrect horse\n")
    assert said.exit_code == 0, said.output
    assert "correct horse" not in said.output


def test_the_password_may_come_from_the_environment(cli: Run, lasting: Path) -> None:
    """Scripts need not put it on the command line, where others see it."""
    said = cli("agents", "add", lasting, *ANA, env={"CAREKIT_AGENT_PASSWORD": "correct horse"})
    assert said.exit_code == 0, said.output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("ana", "--name", "Other", "--email", "other@desk.example"),
            "carekit: there is an agent 'ana' already",
        ),
        (
            ("other", "--name", "Other", "--email", "ANA@desk.example"),
            "carekit: an agent has the address 'ANA@desk.example' already",
        ),
        (("a b", "--name", "A", "--email", "a@desk.example"), "carekit: the id needs 1 to 40 letters"),
        (("bo", "--name", " ", "--email", "bo@desk.example"), "carekit: the name needs 1 to 100 characters"),
        (("bo", "--name", "Bo", "--email", "bo"), "carekit: 'bo' is not an e-mail address"),
    ],
)
def test_who_cannot_be_added_is_told_why(cli: Run, lasting: Path, arguments: tuple[str, ...], error: str) -> None:
    """Ids and addresses are unique, and each fault is one sentence."""
    add(cli, lasting)
    said = cli("agents", "add", lasting, *arguments, "--password", "correct horse")
    assert said.exit_code == 1
    assert said.stderr.startswith(error), said.stderr
    assert len(cli("agents", "list", lasting).stdout.splitlines()) == 1


def test_a_short_password_is_refused(cli: Run, lasting: Path) -> None:
    """Eight characters at least, for new agents and for changes."""
    add(cli, lasting)
    for command in (
        ("add", lasting, "bo", "--name", "Bo", "--email", "bo@desk.example"),
        ("password", lasting, "ana"),
    ):
        said = cli("agents", *command, "--password", "short")
        assert said.exit_code == 1
        assert said.stderr == "carekit: the password needs at least 8 characters\n"


def test_a_password_can_be_changed(cli: Run, lasting: Path) -> None:
    """It says what it did, sessions included."""
    add(cli, lasting)
    said = cli("agents", "password", lasting, "ana", "--password", "battery staple")
    assert said.stdout == "the password of ana is changed, and every session of theirs has ended\n"


def test_the_password_of_nobody_is_not_asked_for(cli: Run, lasting: Path) -> None:
    """An unknown id is said before anything is typed."""
    said = cli("agents", "password", lasting, "nobody")
    assert said.exit_code == 1
    assert said.stderr == "carekit: there is no agent 'nobody'; `carekit agents list` shows who there is\n"


def test_an_agent_is_deactivated_and_activated(cli: Run, lasting: Path) -> None:
    """Each says what it did, and the list shows it."""
    add(cli, lasting)
    said = cli("agents", "deactivate", lasting, "ana")
    assert said.stdout == (
        "ana is deactivated, every session of theirs has ended, and their open conversations are free\n"
    )
    assert "agent, deactivated, 0 of 5" in cli("agents", "list", lasting).stdout
    assert cli("agents", "activate", lasting, "ana").stdout == "ana is active and may log in\n"
    assert "agent, off, 0 of 5" in cli("agents", "list", lasting).stdout


def test_a_capacity_is_set(cli: Run, lasting: Path) -> None:
    """It says how much of it is in use."""
    add(cli, lasting)
    assert cli("agents", "capacity", lasting, "ana", "8").stdout == "ana has a capacity of 8, 0 in use\n"
    assert "0 of 8" in cli("agents", "list", lasting).stdout


def test_a_capacity_of_nothing_is_refused(cli: Run, lasting: Path) -> None:
    """Who should get nothing is away, or deactivated."""
    add(cli, lasting)
    assert cli("agents", "capacity", lasting, "ana", "0").exit_code == 2
    assert "0 of 5" in cli("agents", "list", lasting).stdout


@pytest.mark.parametrize("command", [("deactivate",), ("activate",), ("capacity", "3")])
def test_nobody_is_not_changed(cli: Run, lasting: Path, command: tuple[str, ...]) -> None:
    """An unknown id is said so, with where to look."""
    said = cli("agents", command[0], lasting, "nobody", *command[1:])
    assert said.exit_code == 1
    assert said.stderr == "carekit: there is no agent 'nobody'; `carekit agents list` shows who there is\n"


def test_a_store_that_forgets_takes_no_agents(cli: Run, file: Path) -> None:
    """Saying "added" of somebody who is gone a moment later would be a lie."""
    said = cli(
        "agents", "add", file, "ana", "--name", "Ana", "--email", "ana@desk.example", "--password", "correct horse"
    )
    assert (said.exit_code, "a store in memory forgets the agent" in said.stderr) == (1, True)
