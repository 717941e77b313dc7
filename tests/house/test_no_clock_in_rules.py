"""Time, ids and randomness are arguments: what decides can be run again and must decide the same."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house._source import CORE, dotted, imports, listing, shown, tree

READERS = {CORE / "ground" / "clock.py", CORE / "ground" / "ids.py"}  # the one place each
CHANCE = {"random", "secrets", "time", "uuid"}
EDGES = {
    "asyncio", "http", "httpx2", "logging", "os", "pathlib", "socket", "sqlite3", "subprocess", "sys", "threading",
    "urllib.request",
}  # fmt: skip
NOW = {"now", "utcnow", "today"}


def is_policy(path: Path) -> bool:
    """Whether the file defines a policy."""
    classes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    return any(dotted(base).rpartition(".")[2].endswith("Policy") for one in classes for base in one.bases)


def deciding_files() -> list[Path]:
    """The files of core that decide: ground, facts, rules, seams and the built-in policies."""
    below = [path for layer in ("ground", "facts", "rules", "seams") for path in (CORE / layer).rglob("*.py")]
    policies = [path for path in (CORE / "builtin").rglob("*.py") if is_policy(path)]
    return sorted({*below, *policies} - READERS)


def reads(path: Path) -> list[str]:
    """Every place where the file reads a clock or the machine's randomness."""
    found = [str(one) for one in imports(path) if one.module.split(".")[0] in CHANCE]
    found += [str(one) for one in imports(path) if one.module == "os" and one.name in {"urandom", "getrandom"}]
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Attribute):
            continue
        base, _, last = dotted(node).rpartition(".")
        clock = last in NOW and base.rpartition(".")[2] in {"datetime", "date"}
        if clock or dotted(node) in {"os.urandom", "os.getrandom"}:
            found.append(f"{shown(path)}:{node.lineno}: {dotted(node)}")
    return found


def test_what_decides_reads_no_clock_and_no_dice() -> None:
    """Ground, facts, rules, seams and built-in policies take the instant, the ids and the seed from outside."""
    wrong = [place for path in deciding_files() for place in reads(path)]
    assert not wrong, listing(wrong, "take it as an argument")


def test_facts_and_rules_touch_nothing_outside() -> None:
    """Facts and rules import nothing that talks to a file, a socket, a process or the environment."""
    wrong = [
        str(one)
        for path in deciding_files()
        if path.is_relative_to(CORE / "facts") or path.is_relative_to(CORE / "rules")
        for one in imports(path)
        if one.module in EDGES or one.module.split(".")[0] in EDGES
    ]
    assert not wrong, listing(wrong, "this belongs at an edge")


def test_the_clock_and_the_ids_are_still_where_this_test_thinks() -> None:
    """Each reader does read, so the exception for it is needed."""
    assert all(reads(path) for path in READERS)
