"""The file of first agents is looked at as a whole before anybody is added."""

from __future__ import annotations

from pathlib import Path

import pytest

from carekit.ground.errors import ConfigError
from carekit.service.faults import FaultyFile
from carekit.service.seed import read_seed

ANA = 'id = "ana"\nname = "Ana"\nemail = "ana@desk.example"\npassword = "correct horse"\n'


def _faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "seed.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(FaultyFile) as caught:
        read_seed(path, {"EMPTY": ""})
    return [str(fault).removeprefix(f"{path}: ") for fault in caught.value.faults]


def test_good_agents_are_read(tmp_path: Path) -> None:
    """What is not said has its default."""
    (tmp_path / "seed.toml").write_text(f"[[agents]]\n{ANA}", "utf-8")
    (ana,) = read_seed(tmp_path / "seed.toml")
    assert (ana.id, ana.role, ana.capacity, ana.available) == ("ana", "agent", 5, False)


def test_every_fault_of_every_agent_is_told(tmp_path: Path) -> None:
    """Wrong types, values that the desk would refuse and what is missing, each with the agent's number."""
    told = _faults(
        tmp_path,
        '[[agents]]\nid = "a b"\nname = 5\nemail = "nobody"\npassword = "short"\nrole = "boss"\ncapacity = 0\n'
        '[[agents]]\npassword = { env = "EMPTY" }\nemial = "a@b.example"\n',
    )
    assert told == [
        "[[agents]] 1 name: must be a text, not 5",
        "[[agents]] 1 id: the id needs 1 to 40 letters, digits, dots, dashes or underscores",
        "[[agents]] 1 email: 'nobody' is not an e-mail address; write it like ana@mail.example",
        "[[agents]] 1 role: the role is agent or admin",
        "[[agents]] 1 capacity: the capacity is a whole number from 1 to 1,000",
        "[[agents]] 1 password: the password needs at least 8 characters",
        "[[agents]] 2 id: is missing",
        "[[agents]] 2 name: is missing",
        "[[agents]] 2 password: environment variable EMPTY is empty; put the secret into it",
        '[[agents]] 2 emial: is not a key here (did you mean "email"?)',
    ]


def test_two_agents_share_neither_name_nor_address(tmp_path: Path) -> None:
    """The desk would take the first and refuse the second."""
    told = _faults(tmp_path, f"[[agents]]\n{ANA}[[agents]]\n{ANA}")
    assert told == [
        "[[agents]] 2 id: another agent has 'ana'; give each their own",
        "[[agents]] 2 email: another agent has 'ana@desk.example'; give each their own",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("agents = 5", "[agents] must be a list of tables; write [[agents]] with two brackets"),
        (f"[agents]\n{ANA}", "[agents] must be a list of tables; write [[agents]] with two brackets"),
        ("agents = [5]", "[[agents]] 1: must be a table"),
        (f"[[agent]]\n{ANA}", 'top level agent: is not a key here (did you mean "agents"?); write [[agents]]'),
    ],
)
def test_what_is_no_list_of_agents_is_told(tmp_path: Path, text: str, told: str) -> None:
    """One fault, with how it is written."""
    assert _faults(tmp_path, text) == [told]


def test_a_seed_without_agents_is_of_no_use(tmp_path: Path) -> None:
    """Whoever names one expects agents of it."""
    (tmp_path / "seed.toml").touch()
    with pytest.raises(ConfigError, match=r"names no agents; add \[\[agents\]\], or take the key out"):
        read_seed(tmp_path / "seed.toml")
