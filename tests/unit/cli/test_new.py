"""``carekit new`` writes distributions that are green at once."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from carekit.cli.new import KINDS, describe, render
from carekit.service.plugins import KINDS as OFFERED
from tests.unit.cli.conftest import Run


def begin(cli: Run, folder: Path, kind: str) -> Path:
    """A plugin of *kind* called sms-box, of acme."""
    made = cli("new", kind, "sms-box", "--folder", folder, "--prefix", "acme")
    assert made.exit_code == 0, made.output
    return folder / "acme-carekit-sms-box"


def tool(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this interpreter in *folder*, with the plugin importable."""
    environment = {**os.environ, "PYTHONPATH": "src", "MYPYPATH": "src", "PYTEST_ADDOPTS": ""}
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def needs(*distributions: str) -> None:
    """Skip where a tool is not installed."""
    for name in distributions:
        try:
            version(name)
        except ModuleNotFoundError:
            pytest.skip(f"{name} is not installed here: pip install {name}")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_begun_passes_its_contract_suite(cli: Run, tmp_path: Path, kind: str) -> None:
    """The tests of a new plugin are green before a line is changed."""
    ran = tool(begin(cli, tmp_path, kind), "pytest", "-q", "-p", "no:cacheprovider")
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert " passed" in ran.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_begun_has_nothing_to_lint(cli: Run, tmp_path: Path, kind: str) -> None:
    """The rules that come with it find nothing, and the formatter has nothing to change."""
    needs("ruff")
    folder = begin(cli, tmp_path, kind)
    ruff = Path(sysconfig.get_path("scripts")) / "ruff"
    for command in (["check"], ["format", "--check"]):
        arguments = [ruff, *command, "--no-cache", "."]
        ran = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_is_begun_has_complete_types(cli: Run, tmp_path: Path) -> None:
    """The strict checker finds nothing in any of them."""
    needs("mypy")
    cache = str(tmp_path / "cache")
    for kind in KINDS:
        ran = tool(begin(cli, tmp_path / kind, kind), "mypy", "--cache-dir", cache, "src", "tests")
        assert ran.returncode == 0, f"{kind}: {ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_distribution_is_whole(cli: Run, tmp_path: Path, kind: str) -> None:
    """Metadata, README, licence note, typed package, plugin module and tests, named for their owner."""
    folder = begin(cli, tmp_path, kind)
    package = folder / "src" / "acme_carekit_sms_box"
    for path in ("README.md", "LICENSE", "tests/test_contract.py"):
        assert (folder / path).read_text("utf-8").strip()
    for path in ("__init__.py", "plugin.py", f"{kind}.py", "py.typed"):
        assert (package / path).exists()
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "acme-carekit-sms-box"
    assert project["entry-points"]["carekit"] == {"acme-sms-box": "acme_carekit_sms_box.plugin"}
    assert "carekit>=0.1,<0.2" in project["dependencies"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_in_the_readme_is_toml_that_names_it(cli: Run, tmp_path: Path, kind: str) -> None:
    """What a reader copies into the file can be read and chooses the plugin."""
    readme = (begin(cli, tmp_path, kind) / "README.md").read_text("utf-8")
    sample = tomllib.loads(readme.split("```toml\n")[1].split("```")[0])
    assert 'use = "sms-box"' in readme
    assert {"stores": "store", "buses": "bus"}.get(KINDS[kind].section, KINDS[kind].section) in sample


def test_what_it_prints_says_what_to_do_next(cli: Run, tmp_path: Path) -> None:
    """Install, test, choose."""
    said = cli("new", "bot", "guide", "--folder", tmp_path).stdout
    assert said.splitlines() == [
        f"wrote {tmp_path / 'my-carekit-guide'}",
        "next:",
        f'  pip install -e "{tmp_path / "my-carekit-guide"}[test]"',
        f"  pytest {tmp_path / 'my-carekit-guide'}",
        '  then choose it in a carekit.toml: use = "guide"',
    ]


@pytest.mark.parametrize(
    ("kind", "hint"),
    [("chanel", ' (did you mean "channel"?)'), ("xyz", "; choose channel, bot, policy, survey, store, bus")],
)
def test_an_unknown_kind_is_refused_with_the_known(cli: Run, tmp_path: Path, kind: str, hint: str) -> None:
    """A misspelt kind is guessed, a foreign one answered with all."""
    refused = cli("new", kind, "x", "--folder", tmp_path)
    assert refused.exit_code == 2
    assert f"'{kind}' cannot be begun{hint}" in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "Sms", "1st", "a--b", "-a", "a-", "a_b", "a b", "../x", "class", "é", "a/b", "a\n"]
)
def test_a_name_that_cannot_be_a_package_is_refused(cli: Run, tmp_path: Path, name: str) -> None:
    """Names are lower case with single dashes, so that they are identifiers, and never paths."""
    refused = cli("new", "bot", "--folder", tmp_path, "--", name)
    assert refused.exit_code == 2
    assert "must be lower-case letters, digits and single dashes" in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["Acme", "a/b", ""])
def test_a_prefix_is_a_name_too(cli: Run, tmp_path: Path, prefix: str) -> None:
    """The prefix becomes part of the package."""
    refused = cli("new", "bot", "guide", "--folder", tmp_path, "--prefix", prefix)
    assert refused.exit_code == 2
    assert "Invalid value for --prefix" in refused.stderr


def test_our_own_prefix_is_refused(cli: Run, tmp_path: Path) -> None:
    """Names that begin with carekit- are for carekit's own plugins."""
    refused = cli("new", "bot", "guide", "--folder", tmp_path, "--prefix", "carekit")
    assert refused.exit_code == 2
    assert "names that begin with carekit- are for carekit's own plugins" in refused.stderr


def test_an_existing_folder_is_left_alone(cli: Run, tmp_path: Path) -> None:
    """Nothing is written over what is there."""
    (tmp_path / "my-carekit-guide").mkdir()
    refused = cli("new", "bot", "guide", "--folder", tmp_path)
    assert refused.exit_code == 1
    expected = f"carekit: {tmp_path / 'my-carekit-guide'}: is there already; choose another name or folder\n"
    assert refused.stderr == expected
    assert list((tmp_path / "my-carekit-guide").iterdir()) == []


def test_a_name_that_is_offered_already_is_refused(cli: Run, tmp_path: Path) -> None:
    """Two offers of one name would stop every desk on this machine."""
    refused = cli("new", "policy", "route", "--folder", tmp_path)
    assert refused.exit_code == 1
    expected = "carekit: 'route' in policies is offered by plugin 'builtin'; choose another name\n"
    assert refused.stderr == expected


def test_a_folder_that_cannot_be_written_is_said_so(cli: Run, tmp_path: Path) -> None:
    """A file in the way is no traceback."""
    (tmp_path / "taken").write_text("", "utf-8")
    refused = cli("new", "bot", "guide", "--folder", tmp_path / "taken" / "more")
    assert refused.exit_code == 1
    assert "cannot be written: Not a directory" in refused.stderr


def test_every_kind_that_has_a_contract_can_be_begun() -> None:
    """The sections named here are those that plugins can offer (apps have no contract suite)."""
    assert {kind.section for kind in KINDS.values()} == set(OFFERED) - {"apps"}


@pytest.mark.parametrize(
    ("kind", "name", "cls"),
    [("channel", "sms", "SmsChannel"), ("policy", "night-shift", "NightShiftPolicy"), ("bot", "faq-bot", "FaqBot")],
)
def test_the_class_is_named_for_the_plugin(kind: str, name: str, cls: str) -> None:
    """Dashes become capitals, and the kind is not said twice."""
    assert describe(kind, name, "acme")["cls"] == cls


@pytest.mark.parametrize("kind", KINDS)
def test_no_placeholder_is_left(kind: str) -> None:
    """Every skeleton is filled in completely."""
    for path, text in render(kind, describe(kind, "sms", "acme")):
        assert "${" not in text, path
        assert not text.endswith("\n\n"), path
