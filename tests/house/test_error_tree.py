"""Errors are one tree, drawn where it is made, and their messages are worded alike."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house._source import CORE, core_files, dotted, listing, plugin_files, shown, tree

ERRORS = CORE / "ground" / "errors.py"
ROOT_ERROR = "CarekitError"
BUILTIN = {
    name for name, thing in vars(builtins).items() if isinstance(thing, type) and issubclass(thing, BaseException)
}


def classes() -> dict[str, tuple[Path, ast.ClassDef]]:
    """Every class of core and of the plugins by its name."""
    files = [*core_files(), *plugin_files()]
    return {
        node.name: (path, node) for path in files for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)
    }


CLASSES = classes()


def ancestors(name: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of all that *name* derives from, as far as this repository knows."""
    if name in seen or name not in CLASSES:
        return
    for base in CLASSES[name][1].bases:
        last = dotted(base).rpartition(".")[2]
        yield last
        yield from ancestors(last, seen | {name})


def is_exception(name: str) -> bool:
    """Whether the class derives from an exception: a builtin one, ours, or somebody's that is named like one."""
    roots = set(ancestors(name))
    foreign = {one for one in roots - set(CLASSES) if re.search(r"(Error|Exception|Warning)$", one)}
    return bool(roots & BUILTIN or foreign or ROOT_ERROR in roots)


def test_every_error_hangs_from_one_root() -> None:
    """Whoever catches CarekitError has caught everything that carekit and its plugins raise on purpose."""
    wrong = [
        f"{shown(path)}:{node.lineno}: {name}"
        for name, (path, node) in CLASSES.items()
        if name != ROOT_ERROR and is_exception(name) and ROOT_ERROR not in set(ancestors(name))
    ]
    assert not wrong, listing(wrong, f"derive these from {ROOT_ERROR} or one below it")


def test_the_drawing_shows_every_error() -> None:
    """The tree at the top of errors.py names each class that the file defines."""
    drawing = ast.get_docstring(tree(ERRORS)) or ""
    made = {node.name for node in tree(ERRORS).body if isinstance(node, ast.ClassDef)}
    assert made
    assert made <= set(re.findall(r"\w+", drawing))


def text_of(node: ast.expr) -> tuple[str, str]:
    """The literal beginning and end of a message; empty where it is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        first, last = node.values[0], node.values[-1]
        return text_of(first)[0], text_of(last)[1]
    return "", ""


def badly_worded(path: Path) -> Iterator[str]:
    """Every literal message of one of our errors that starts like a sentence or ends like one."""
    for node in ast.walk(tree(path)):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        name = dotted(node.exc.func).rpartition(".")[2]
        if name != ROOT_ERROR and ROOT_ERROR not in set(ancestors(name)):
            continue
        start, end = text_of(node.exc.args[0])
        if re.match(r"[A-Z][a-z]+\b", start) or re.search(r"[^.]\.$", end):
            yield f"{shown(path)}:{node.lineno}: {start or end}"


def test_messages_are_lower_case_without_a_full_stop() -> None:
    """A message is put after a place and before a remedy, so it does not pose as a sentence."""
    wrong = [place for path in [*core_files(), *plugin_files()] for place in badly_worded(path)]
    assert not wrong, listing(wrong, "begin in lower case, end without a full stop")
