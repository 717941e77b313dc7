"""A test says in one sentence what it shows."""

from __future__ import annotations

import ast

from tests.house._source import CORE, files_of_tests, functions, listing, shown


def test_every_test_opens_with_a_sentence() -> None:
    """Each test function, the shipped contract suites' included, has a docstring."""
    files = [*files_of_tests(), *sorted((CORE / "testing").rglob("*.py"))]
    wrong = [
        f"{shown(path)}:{node.lineno}: {name}"
        for path in files
        for name, node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not wrong, listing(wrong, "say in one sentence what the test shows")


def test_no_name_hides_an_earlier_test() -> None:
    """Two tests of one name in one place would be one test."""
    wrong = []
    for path in files_of_tests():
        seen: set[str] = set()
        for name, node in functions(path):
            if node.name.startswith("test_") and name in seen:
                wrong.append(f"{shown(path)}:{node.lineno}: {name}")
            seen.add(name)
    assert not wrong, listing(wrong, "the later hides the earlier")
