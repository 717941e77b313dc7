"""The pytest plugin: a desk for those who ask, and nothing for those who do not."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from carekit.testing import DeskKit, FrozenClock
from carekit.testing.clock import START

SUITE = '''
"""A stranger's tests."""
import sys
import pytest

seen = []

@pytest.mark.carekit_file("""
[store]
use = "memory"
[channels.fax]
use = "loopback"
""")
def test_the_marker_gives_the_file(desk):
    desk.write("hello", channel="fax")
    assert list(desk.desk.channels) == ["fax"]

def test_time_stands_still(desk, clock):
    before = clock.now()
    assert desk.desk.now() == before
    desk.advance("4h")
    assert (clock.now() - before).total_seconds() == 4 * 3600

def test_each_test_has_a_desk_of_its_own(desk):
    assert desk.service.store.last_position() == 0
    seen.append(desk)

def test_a_desk_is_closed_after_its_test():
    assert seen[0]._closed
'''

NOTHING = '''
"""Tests of something else."""
import sys

def test_nothing_is_loaded():
    heavy = {"carekit.service.service", "carekit.testing.desk", "msgspec", "argon2", "starlette"}
    assert not heavy & set(sys.modules)
'''


def _run(folder: Path, text: str) -> str:
    (folder / "test_it.py").write_text(text, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", str(folder)]
    if not any(entry.name == "carekit" for entry in entry_points(group="pytest11")):
        command += ["-p", "carekit.testing.plugin"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return done.stdout + done.stderr


def test_a_strangers_suite_gets_a_desk(tmp_path: Path) -> None:
    """Fixtures and marker work in a folder that knows nothing of this repository."""
    assert "4 passed" in _run(tmp_path, SUITE)


def test_it_costs_nothing_when_unused(tmp_path: Path) -> None:
    """A suite that uses no fixture of it loads nothing of carekit but the plugin itself."""
    assert "1 passed" in _run(tmp_path, NOTHING)


def test_the_clock_stands_until_it_is_moved(clock: FrozenClock) -> None:
    """It begins on a Monday at nine, and moves by durations, forwards and back."""
    assert clock.now() == START
    assert (clock.advance("90m") - START).total_seconds() == 5400
    clock.set(START)
    assert clock.now() == START


def test_a_kit_may_be_closed_twice() -> None:
    """Closing is harmless when it has been done."""
    kit = DeskKit(discover=False)
    kit.close()
    kit.close()


def test_a_desk_needs_no_real_time(desk: DeskKit) -> None:
    """A year passes at once."""
    desk.write("hello")
    assert (desk.advance("365d") - START).days == 365


@pytest.mark.parametrize("kind", ["Store", "Channel", "Bot", "Policy", "Survey"])
def test_the_suites_are_public(kind: str) -> None:
    """Each suite can be imported from carekit.testing, and is not collected by itself."""
    import carekit.testing

    name = f"{kind}Contract"
    suite = getattr(carekit.testing, name)
    assert name in carekit.testing.__all__
    assert not suite.__name__.startswith("Test")


def test_an_unknown_name_is_told() -> None:
    """A misspelt import says where the names are listed."""
    import carekit.testing

    with pytest.raises(AttributeError, match=r"see carekit\.testing\.__all__"):
        carekit.testing.ChanelContract  # noqa: B018 - the access itself is the test
