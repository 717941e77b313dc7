"""Who implements each hook, read from the source of what ships."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from carekit.seams import hookspecs
from refparts import text

ROOT = Path(__file__).resolve().parents[2]
HOOKS = [node.name for node in text.tree(hookspecs).body if isinstance(node, ast.FunctionDef)]


def _users(hook: str) -> list[str]:
    found = []
    for path in [*sorted((ROOT / "carekit").rglob("*.py")), *sorted((ROOT / "plugins").glob("*/src/**/*.py"))]:
        for node in ast.parse(path.read_text("utf-8")).body:
            implements = isinstance(node, ast.FunctionDef) and node.name == hook and path.name != "hookspecs.py"
            if implements:
                found.append(path.relative_to(ROOT).as_posix())
    return found


def _part(hook: str) -> Callable[[], str]:
    def users() -> str:
        links = [f"[{path}](../../{path})" for path in _users(hook)]
        return f"Implemented by {', '.join(links)}." if links else "Nothing that ships implements it yet."

    return users


def overview() -> str:
    """Every hook with its kind."""
    rows = []
    for node in text.tree(hookspecs).body:
        if isinstance(node, ast.FunctionDef):
            kind, _, said = text.first_paragraph(ast.get_docstring(node)).partition(": ")
            rows.append((text.code(node.name), kind, said))
    return text.table(("hook", "kind", "what for"), rows)


PARTS = {"hooks": overview, **{f"users-{hook.removeprefix('carekit_')}": _part(hook) for hook in HOOKS}}
