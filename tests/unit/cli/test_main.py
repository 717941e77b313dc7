"""The command line as a whole: help, mistakes, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from carekit import __version__
from carekit.cli.main import COMMANDS
from tests.unit.cli.conftest import Run, module

Install = Callable[[Mapping[str, Any]], None]


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_lists_every_command(cli: Run, flag: str) -> None:
    """Each command stands there with its line."""
    said = cli(flag)
    assert said.exit_code == 0
    for name, line in COMMANDS.items():
        assert f"  {name} " in said.stdout and line in " ".join(said.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(cli: Run, name: str) -> None:
    """--help works for each, and says more than the name."""
    said = cli(name, "--help")
    assert said.exit_code == 0
    assert f"Usage: carekit {name}" in said.stdout and len(said.stdout.splitlines()) > 5


def test_the_help_loads_no_command_and_no_plugin() -> None:
    """Help is quick: it imports neither the service nor a plugin."""
    script = (
        "import sys\n"
        "from carekit.cli.main import run\n"
        "run(['--help'])\n"
        "print(*[m for m in sys.modules if m.startswith(('carekit.service', 'starlette', 'carekit.cli.'))])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "carekit.cli.main"


def test_the_version_is_ours(cli: Run) -> None:
    """--version names program and version."""
    assert cli("--version").stdout == f"carekit, version {__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("chekc", "check"), ("plugin", "plugins"), ("reprot", "report")])
def test_a_misspelt_command_is_guessed(cli: Run, typed: str, meant: str) -> None:
    """The nearest command is suggested, and the exit code is that of a wrong use."""
    said = cli(typed)
    assert said.exit_code == 2
    assert f"No such command '{typed}'." in said.stderr
    assert f'(did you mean "{meant}"?)' in said.stderr


def test_a_command_of_a_plugin_is_found(cli: Run, installed: Install) -> None:
    """Plugins add commands; ours come first."""

    @click.command("greet")
    def greet() -> None:
        click.echo("hello")

    @click.command("check")
    def check() -> None:
        click.echo("not ours")

    installed({"extra": module(carekit_commands=lambda: [greet, check])})
    assert cli("greet").stdout == "hello\n"
    assert "not ours" not in cli("check", "nowhere.toml").stdout


def test_a_misspelt_command_of_a_plugin_is_guessed(cli: Run, installed: Install) -> None:
    """Suggestions know what plugins add."""
    installed({"extra": module(carekit_commands=lambda: [click.Command("evaluate")])})
    assert '(did you mean "evaluate"?)' in cli("evalute").stderr


def test_a_fault_of_ours_shows_no_traceback(cli: Run, installed: Install) -> None:
    """An unexpected error is one line with what to do, and exit code 70."""

    @click.command("explode")
    def explode() -> None:
        raise RuntimeError("a bug")

    installed({"extra": module(carekit_commands=lambda: [explode])})
    said = cli("explode", env={"CAREKIT_DEBUG": None})
    assert said.exit_code == 70
    assert said.stderr == (
        "carekit: a fault in carekit or a plugin: RuntimeError: a bug\n"
        "Set CAREKIT_DEBUG=1 to see where; please report it.\n"
    )
    assert "Traceback" not in said.output


def test_whoever_asks_gets_the_traceback(cli: Run, installed: Install) -> None:
    """CAREKIT_DEBUG=1 lets the error through."""

    @click.command("explode")
    def explode() -> None:
        raise RuntimeError("a bug")

    installed({"extra": module(carekit_commands=lambda: [explode])})
    assert isinstance(cli("explode", env={"CAREKIT_DEBUG": "1"}).exception, RuntimeError)


def test_an_explained_error_is_shown_as_it_is(cli: Run, tmp_path: Path) -> None:
    """A missing file is one sentence with its remedy, and exit code 1."""
    said = cli("report", tmp_path / "none.toml")
    assert said.exit_code == 1
    assert said.stderr == (
        f"carekit: {tmp_path / 'none.toml'}: there is no such file; `carekit init` writes a working one\n"
    )


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`carekit … | head -1` ends quietly, however much was still to come."""
    script = (
        "import click\n"
        "from carekit.cli import main\n"
        "@click.command()\n"
        "def flood():\n"
        "    for _ in range(100_000):\n"
        "        click.echo('x' * 100)\n"
        "main.Lazy.get_command = lambda *_: flood\n"
        "main.main(['flood'])\n"
    )
    line = f'"{sys.executable}" -c "$SCRIPT" | head -1; echo ${{PIPESTATUS[0]}}'
    environment = {**os.environ, "SCRIPT": script}
    ran = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["x" * 100, "0"]
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete -o nosort -F"), ("zsh", "#compdef carekit"), ("fish", "complete --no-files")]
)
def test_each_shell_gets_its_completion(cli: Run, shell: str, sign: str) -> None:
    """The script names our program and the variable that click listens to."""
    said = cli("completion", shell)
    assert said.exit_code == 0
    assert sign in said.stdout and "_CAREKIT_COMPLETE" in said.stdout


def test_another_shell_is_refused(cli: Run) -> None:
    """Only the three shells have a script."""
    assert cli("completion", "tcsh").exit_code == 2


def test_the_completion_completes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bash script asks for is answered with the commands."""
    environment = {"_CAREKIT_COMPLETE": "bash_complete", "COMP_WORDS": "carekit re", "COMP_CWORD": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "carekit.cli"], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stdout == "plain,report\n"


def test_the_interpreter_runs_it_as_a_module() -> None:
    """As ``python -m carekit``, where the command is not on the path."""
    done = subprocess.run([sys.executable, "-m", "carekit", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"carekit, version {__version__}\n")
