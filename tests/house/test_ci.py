"""Continuous integration runs what the README tells everybody to run."""

from __future__ import annotations

import re

from tests.house._source import ROOT


def test_ci_runs_the_command_of_the_readme() -> None:
    """The README's test command is a line of .ci/run, word for word."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(?:\$ )?(python -m pip install tox && tox)\s*$", readme, re.MULTILINE)
    assert commands, "the README gives no test command"
    assert commands[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_runs_environments_that_exist() -> None:
    """Every ``tox -e`` in the README and in CONTRIBUTING.md names an environment of tox.ini."""
    config = (ROOT / "tox.ini").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        for names in re.findall(r"tox (?:run )?-e ([\w,-]+)", (ROOT / page).read_text(encoding="utf-8")):
            for name in names.split(","):
                factors = name.removeprefix("carekit-") if name.startswith("carekit-") else name.removeprefix("py")
                assert re.search(rf"(?<![\w-]){re.escape(factors)}(?![\w-])", config), f"{page}: no environment {name}"
