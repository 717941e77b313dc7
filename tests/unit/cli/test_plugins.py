"""``carekit plugins`` shows what is installed, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from carekit.builtin.loopback import Loopback
from tests.unit.cli.conftest import Run, module

Install = Callable[[Mapping[str, Any]], None]


@pytest.mark.usefixtures("alone")
def test_core_itself_is_a_plugin(cli: Run) -> None:
    """What core offers is shown like everything else."""
    said = cli("plugins").stdout
    assert said.startswith("builtin  carekit 0.1.0\n")
    assert "  channels: loopback\n" in said and "  stores: memory\n" in said


def test_what_a_plugin_offers_is_shown_by_kind(cli: Run, installed: Install) -> None:
    """Names as the file will use them, and commands at the end."""
    installed(
        {
            "sms": module(
                carekit_channels=lambda: {"sms": Loopback, "mms": Loopback},
                carekit_commands=lambda: [click.Command("sms-test")],
            )
        }
    )
    said = cli("plugins").stdout
    assert "sms  \n  channels: mms, sms\n" in said
    assert said.endswith("commands: sms-test\n")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("no_such_module_here", "it cannot be loaded: ModuleNotFoundError: No module named 'no_such_module_here'"),
        (module(carekit_channels=lambda: 1 / 0), "carekit_channels failed: ZeroDivisionError: division by zero"),
        (
            module(carekit_channels=lambda: ["sms"]),
            "carekit_channels failed: TypeError: carekit_channels must return a mapping of names to classes, not list",
        ),
        (
            module(carekit_channels=lambda: {"sms": str}),
            "carekit_channels must map names to subclasses of Channel; 'sms' is <class 'str'>",
        ),
        (module(carekit_chanels=lambda: 0), "it implements a hook that does not exist: carekit_chanels; the hooks"),
    ],
)
def test_a_broken_plugin_is_set_aside_with_its_reason(
    cli: Run, installed: Install, broken: ModuleType | str, reason: str
) -> None:
    """The others stay in use, and the command succeeds."""
    installed({"bad": broken, "good": module(carekit_channels=lambda: {"post": Loopback})})
    said = cli("plugins")
    assert said.exit_code == 0
    assert "bad  \n  set aside: " in said.stdout and reason in said.stdout
    assert "good  \n  channels: post\n" in said.stdout


def test_json_has_a_row_for_each_plugin(cli: Run, installed: Install) -> None:
    """Programs read the same."""
    installed({"bad": "no_such_module_here", "good": module(carekit_channels=lambda: {"post": Loopback})})
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json").stdout)}
    assert set(rows) == {"builtin", "bad", "good"}
    assert rows["good"] == {
        "name": "good",
        "distribution": "",
        "version": "",
        "offers": {"channels": ["post"]},
        "error": None,
    }
    assert rows["bad"]["error"].startswith("it cannot be loaded")


def test_two_offers_of_one_name_stop_with_an_explanation(cli: Run, installed: Install) -> None:
    """No file could tell them apart."""
    one = {"post": Loopback}
    installed({"a": module(carekit_channels=lambda: one), "b": module(carekit_channels=lambda: one)})
    said = cli("plugins")
    assert said.exit_code == 1
    assert said.stderr == "carekit: plugins 'a' and 'b' both offer 'post' in channels; uninstall one of them\n"


def test_a_module_that_ends_the_process_is_set_aside(
    cli: Run, installed: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that calls exit while it is imported takes no command with it."""
    (tmp_path / "leaving_plugin.py").write_text("raise SystemExit('no licence')\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    installed({"bad": "leaving_plugin"})
    assert "set aside: it cannot be loaded: SystemExit: no licence" in cli("plugins").stdout
