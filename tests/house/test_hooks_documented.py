"""A hook has three locks: a section headed by its signature, a test named after it, and a plugin that uses it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house._source import (
    CORE,
    ROOT,
    core_files,
    dotted,
    files_of_tests,
    functions,
    listing,
    plugin_files,
    shown,
    tree,
)

SPECS = CORE / "seams" / "hookspecs.py"
REFERENCE = ROOT / "docs" / "reference" / "hooks.md"


def marked(node: ast.FunctionDef | ast.AsyncFunctionDef, marker: str) -> bool:
    """Whether *node* is decorated with *marker*, called or not."""
    return any(dotted(one.func if isinstance(one, ast.Call) else one).endswith(marker) for one in node.decorator_list)


HOOKS = {node.name: node for node in tree(SPECS).body if isinstance(node, ast.FunctionDef) and marked(node, "hookspec")}


def signature(node: ast.FunctionDef) -> str:
    """``carekit_measured(sample: Sample) -> None``, as written."""
    assert node.returns is not None, f"{node.name} has no return type"
    return f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"


def test_hooks_are_few() -> None:
    """There are at most twelve, so that one page explains them all."""
    assert 0 < len(HOOKS) <= 12


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_of_one_of_the_two_kinds(name: str) -> None:
    """Collect takes nothing and gives one shape; Notify takes frozen values and gives nothing."""
    node = HOOKS[name]
    kind = (ast.get_docstring(node) or "").partition(":")[0]
    returns = ast.unparse(node.returns) if node.returns else ""
    assert name.startswith("carekit_")
    assert kind in {"Collect", "Notify"}
    assert bool(node.args.args) == (kind == "Notify")
    assert (returns == "None") == (kind == "Notify")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_section_headed_by_its_signature(name: str) -> None:
    """docs/reference/hooks.md has a heading that is the exact signature, in backquotes."""
    wanted = signature(HOOKS[name])
    headings = re.findall(r"^#+\s+`([^`]+)`\s*$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert wanted in headings, f"{shown(REFERENCE)} needs a heading: ## `{wanted}`"


def test_no_section_describes_a_hook_that_is_gone() -> None:
    """Each heading that looks like a hook is one."""
    headings = re.findall(r"^#+\s+`(carekit_\w+)\(", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(headings) <= set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test_named_after_it(name: str) -> None:
    """Some test is named test_<hook>…"""
    named = [
        where
        for path in files_of_tests()
        for where, _ in functions(path)
        if where.split(".")[-1].startswith(f"test_{name}")
    ]
    assert named, f"write a test named test_{name}…"


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_used_by_a_plugin_that_ships(name: str) -> None:
    """A hook nobody needs is not offered: a built-in or a plugin of ours implements it."""
    users = [
        path
        for path in [*core_files(), *plugin_files()]
        for _, node in functions(path)
        if node.name == name and marked(node, "hookimpl")
    ]
    assert users, f"nothing that ships implements {name}"


def test_plugins_implement_no_unknown_hook() -> None:
    """What is marked as an implementation has a specification of that name."""
    unknown = [
        f"{shown(path)}:{node.lineno}: {node.name}"
        for path in [*core_files(), *plugin_files()]
        for _, node in functions(path)
        if marked(node, "hookimpl") and node.name not in HOOKS
    ]
    assert not unknown, listing(unknown, "no hook of this name")
