"""What is installed is what is in the tree: nothing forgotten, nothing from beside it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

import pytest

from tests.house._source import CORE, ROOT, listing, shown


@pytest.fixture
def installed() -> set[str]:
    """The files of the installed wheel, as paths from its root."""
    try:
        files = {path.as_posix() for path in distribution("carekit").files or []}
    except PackageNotFoundError:
        pytest.skip("carekit is not installed here: tox -e docs installs it from a wheel")
    if "carekit/__init__.py" not in files:
        pytest.skip("carekit is installed as editable: tox -e docs installs it from a wheel")
    return files


def test_every_file_of_core_is_shipped(installed: set[str]) -> None:
    """Templates, styles, scripts and the py.typed marker travel with the code."""
    tree = {shown(path) for path in CORE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert "carekit/py.typed" in tree
    missing = sorted(tree - installed)
    assert not missing, listing(missing, "not in the wheel")


def test_nothing_else_is_shipped(installed: set[str]) -> None:
    """Tests, docs and tools stay at home."""
    roots = {path.split("/")[0] for path in installed if not path.startswith("..")}
    assert {name for name in roots if not name.endswith(".dist-info")} == {"carekit"}


def test_the_licence_is_shipped(installed: set[str]) -> None:
    """The wheel carries the licence it claims."""
    assert any(path.endswith("licenses/LICENSE") for path in installed)
    assert (ROOT / "LICENSE").is_file()
