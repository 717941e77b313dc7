"""Reads this repository's own source: files, modules and imports, without importing any of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "carekit"
PLUGINS = ROOT / "plugins"


class Import(NamedTuple):
    """One imported thing: ``name`` is empty for ``import module``."""

    path: Path
    line: int
    module: str
    name: str
    level: int = 0

    def __str__(self) -> str:
        what = f"from {self.module} import {self.name}" if self.name else f"import {self.module}"
        return f"{self.path.relative_to(ROOT)}:{self.line}: {what}"


def plugin_folders() -> list[Path]:
    """The folders under plugins/ that hold a distribution, by name."""
    return sorted(path.parent for path in PLUGINS.glob("*/pyproject.toml"))


def core_files() -> list[Path]:
    """Every Python file of core."""
    return sorted(CORE.rglob("*.py"))


def plugin_files() -> list[Path]:
    """Every Python file that a plugin ships."""
    return sorted(PLUGINS.glob("*/src/**/*.py"))


def files_of_tests() -> list[Path]:
    """Every Python file under a tests folder, helpers included."""
    return sorted([*(ROOT / "tests").rglob("*.py"), *PLUGINS.glob("*/tests/**/*.py")])


def shown(path: Path) -> str:
    """The path of *path* from the root of the repository, with slashes."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """``carekit.facts.nouns`` for a file of core."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[Import]:
    """Every import of the file: at the top, in functions, under TYPE_CHECKING, and by ``import_module("literal")``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(path, node.lineno, node.module or "", alias.name, node.level)
        elif isinstance(node, ast.Call) and (literal := _imported_literal(node)):
            yield Import(path, node.lineno, literal, "")


def _imported_literal(call: ast.Call) -> str:
    name = dotted(call.func).rpartition(".")[2]
    if name not in {"import_module", "__import__", "importorskip"} or not call.args:
        return ""
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a chain of names and attributes, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the file with its name as ``Class.method`` or ``outer.inner``."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + child.name, child
                yield from walk(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    yield from walk(tree(path), "")


def listing(problems: list[str], rule: str) -> str:
    """A failure that says the *rule* once and then every place."""
    return f"{rule}:\n  " + "\n  ".join(sorted(problems))
