"""What is public is a list: it exists, it is described, and nothing else is promised."""

from __future__ import annotations

import re
import subprocess
import sys

import carekit
from tests.house._source import ROOT, listing

API = ROOT / "docs" / "reference" / "api.md"
NAMES = [name for name in carekit.__all__ if not name.startswith("__")]


def test_public_names_exist() -> None:
    """Each name in carekit.__all__ can be imported from carekit."""
    missing = [name for name in carekit.__all__ if not hasattr(carekit, name)]
    assert not missing, listing(missing, "carekit.__all__ promises names that are not there")


def test_public_names_are_listed_once() -> None:
    """No name comes from two modules."""
    assert sorted(carekit.__all__) == sorted(set(carekit.__all__))


def test_public_names_are_described() -> None:
    """Each public name stands in backquotes in docs/reference/api.md."""
    described = set(re.findall(r"`(\w+)", API.read_text(encoding="utf-8")))
    missing = [name for name in NAMES if name not in described]
    assert not missing, listing(missing, "describe these in docs/reference/api.md")


def test_public_classes_and_functions_explain_themselves() -> None:
    """What help() shows for a public class or function is ours and not its base's."""
    silent = []
    for name in NAMES:
        thing = getattr(carekit, name)
        text = vars(thing).get("__doc__") if isinstance(thing, type) else getattr(thing, "__doc__", None)
        if (isinstance(thing, type) or callable(thing)) and not text:
            silent.append(name)
    assert not silent, listing(silent, "these need a docstring")


def test_importing_carekit_loads_nothing_else() -> None:
    """``import carekit`` is free: names load on first use."""
    script = "import sys; before = set(sys.modules); import carekit; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "carekit" in loaded
    heavy = {
        "anyio",
        "attr",
        "attrs",
        "cattrs",
        "click",
        "holidays",
        "httpx2",
        "jinja2",
        "msgspec",
        "pluggy",
        "starlette",
    }
    assert not heavy & set(loaded)
