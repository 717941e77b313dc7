"""Fragments of the changelog are named so that the release finds them."""

from __future__ import annotations

import re
import tomllib

from tests.house._source import ROOT, listing

CHANGES = ROOT / "changes"
KINDS = [
    kind["directory"] for kind in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
]


def test_fragments_are_named_for_their_issue_and_kind() -> None:
    """A fragment is <issue>.<kind>.md or +<a-few-words>.<kind>.md."""
    shape = re.compile(rf"(\d+|\+[a-z0-9]+(-[a-z0-9]+)*)\.({'|'.join(KINDS)})\.md")
    names = [path.name for path in CHANGES.iterdir() if path.name != "README.md"]
    wrong = [name for name in names if not shape.fullmatch(name)]
    assert not wrong, listing(wrong, "changes/README.md says how a fragment is named")


def test_fragments_say_something() -> None:
    """A fragment is at least one full sentence."""
    for path in CHANGES.glob("*.*.md"):
        assert re.search(r"\w{3,}.*[.!?]\s*$", path.read_text(encoding="utf-8"), re.DOTALL), (
            f"{path.name} is no sentence"
        )


def test_the_kinds_are_the_documented_ones() -> None:
    """The table in changes/README.md lists exactly the kinds that the release gathers."""
    table = re.findall(r"^\| `(\w+)` \|", (CHANGES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert table == KINDS
