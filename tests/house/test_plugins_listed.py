"""Each distribution under plugins/ is known to every tool that must know it, and is whole."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import carekit
from tests.house._source import PLUGINS, ROOT, plugin_folders

NAMES = [folder.name for folder in plugin_folders()]


def metadata(folder: Path) -> dict[str, Any]:
    """The [project] table of the plugin."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_plugin_is_installed_for_the_shared_suites() -> None:
    """plugins/all.txt lists the folders."""
    listed = re.findall(r"^\./plugins/([\w-]+)", (PLUGINS / "all.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == NAMES


def test_every_plugin_has_an_environment_of_its_own() -> None:
    """tox.ini names each plugin, in what runs by default and in what it means."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini", encoding="utf-8")
    section = next(name for name in config.sections() if name.startswith("testenv:carekit-"))
    for text in (config["tox"]["env_list"], section):
        kinds = re.findall(r"carekit-\{([\w,]+)\}", text)[0].split(",")
        assert sorted(f"carekit-{kind}" for kind in kinds) == NAMES


def test_every_plugin_is_measured() -> None:
    """The coverage settings name core and each plugin's package."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]
    assert settings["run"]["source_pkgs"] == ["carekit", *(name.replace("-", "_") for name in NAMES)]
    assert list(settings["paths"]) == ["core", *(name.removeprefix("carekit-") for name in NAMES)]


@pytest.mark.parametrize("folder", plugin_folders(), ids=lambda folder: folder.name)
def test_a_plugin_is_whole(folder: Path) -> None:
    """A plugin has its metadata, its README, its typed package and its tests under the names a reader expects."""
    package = folder / "src" / folder.name.replace("-", "_")
    assert metadata(folder)["name"] == folder.name
    for part in (folder / "README.md", package / "plugin.py", package / "py.typed", folder / "tests"):
        assert part.exists(), f"{part.relative_to(ROOT)} is missing"


@pytest.mark.parametrize("folder", plugin_folders(), ids=lambda folder: folder.name)
def test_a_plugin_is_found_by_its_entry_point(folder: Path) -> None:
    """The entry point's name is the name that ``use`` gives, and it leads to the plugin module."""
    kind = folder.name.removeprefix("carekit-")
    assert metadata(folder)["entry-points"]["carekit"] == {kind: f"carekit_{kind}.plugin"}


@pytest.mark.parametrize("folder", plugin_folders(), ids=lambda folder: folder.name)
def test_a_plugin_shares_the_version_of_core(folder: Path) -> None:
    """During 0.x all distributions have one version, and a plugin asks for core of the same minor."""
    major, minor, _ = carekit.__version__.split(".")
    project = metadata(folder)
    assert project["version"] == carekit.__version__
    assert f"carekit>={major}.{minor},<{major}.{int(minor) + 1}" in project["dependencies"]
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "Apache-2.0"
