"""A file and a function fit in the head: stop at 500 lines and at 50."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house._source import CORE, PLUGINS, core_files, files_of_tests, functions, listing, plugin_files, shown

FILE_LIMIT = 500
FUNCTION_LIMIT = 50

# "path" or "path::function" -> since when, and why it is better whole. Keep it short.
EXCEPTIONS: dict[str, str] = {}


def front_end_files() -> list[Path]:
    """Styles, scripts and pages that we wrote; what lies under a vendor folder is not ours."""
    found = [path for base in (CORE, PLUGINS) for kind in ("css", "html", "js") for path in base.rglob(f"*.{kind}")]
    return sorted(path for path in found if not {"vendor", "tests", "node_modules"} & set(path.parts))


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its decorators and its docstring."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        whole -= (first.end_lineno or first.lineno) - first.lineno + 1
    return whole


def too_long() -> dict[str, int]:
    """Every file and function over its limit with its length."""
    python = [*core_files(), *plugin_files(), *files_of_tests()]
    found = {}
    for path in [*python, *front_end_files()]:
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LIMIT:
            found[shown(path)] = lines
    for path in python:
        for name, node in functions(path):
            if (lines := code_lines(node)) > FUNCTION_LIMIT:
                found[f"{shown(path)}::{name}"] = lines
    return found


def test_files_and_functions_stop_at_their_limits() -> None:
    """Nothing is longer than 500 lines, no function longer than 50, but for the exceptions above."""
    wrong = [f"{what}: {lines} lines" for what, lines in too_long().items() if what not in EXCEPTIONS]
    assert not wrong, listing(wrong, "split by reason to change")


def test_exceptions_are_still_needed() -> None:
    """An exception goes when its reason does."""
    assert set(EXCEPTIONS) <= set(too_long())
