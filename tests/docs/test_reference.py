"""The generated parts of the reference are as the code says."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.docs._pages import ROOT


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The generator."""
    spec = importlib.util.spec_from_file_location("carekit_tools_reference", ROOT / "tools" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_core_says_is_up_to_date(reference: ModuleType) -> None:
    """No generated part about core is stale; `python tools/reference.py` writes them anew."""
    assert list(reference.stale(leave=reference.OF_PLUGINS)) == []


def test_what_plugins_say_is_up_to_date(reference: ModuleType) -> None:
    """Nor is one about our plugins, where they are installed."""
    if missing := reference.missing_plugins():
        pytest.skip(f"not installed: {', '.join(missing)}; pip install -r plugins/all.txt")
    assert list(reference.stale()) == []


def test_every_part_has_its_place_once(reference: ModuleType) -> None:
    """What is generated is shown on one page, and what a page asks for is generated."""
    assert sorted(reference.used_parts()) == sorted(reference.PARTS)


def test_a_stale_part_is_named(reference: ModuleType) -> None:
    """The check sees a change by hand inside of a generated part, and rewriting undoes it."""
    page = (reference.REFERENCE / "events.md").read_text("utf-8")
    by_hand = page.replace("`InboundQuarantined`", "`InboundQuarantine`", 1)
    assert by_hand != page
    assert reference.rewritten(by_hand) == page
