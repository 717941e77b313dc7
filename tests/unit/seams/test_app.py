"""Where an app may be mounted."""

from __future__ import annotations

import pytest

from carekit.seams.app import RESERVED_PATHS, path_fault


@pytest.mark.parametrize("path", ["/", "/help", "/help/", "/a/b", "/apiary", "/bots-and-people", "/über"])
def test_a_path_of_its_own_is_an_apps(path: str) -> None:
    """A name that only begins like one of ours is nobody's yet."""
    assert path_fault(path) == ""


@pytest.mark.parametrize("own", RESERVED_PATHS)
@pytest.mark.parametrize("end", ["", "/", "/x", "/x/y"])
def test_the_services_own_paths_are_taken(own: str, end: str) -> None:
    """At them and below them nothing can be mounted."""
    assert "belongs to the service itself" in path_fault(own + end)


@pytest.mark.parametrize("path", ["", "help", "//x", "/a//b", "/{name}", "/a?b", "/a#b", "/%41"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """The fault names what was written."""
    assert repr(path) in path_fault(path)
