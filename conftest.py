"""What the tests of core and of every plugin share: the ``require`` marker, and how hypothesis searches.

The helper is loaded by path and not by name, because the root of the repository stays off the import path: tests see
the installed packages, never the tree.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples for everybody, and no verdict that depends on how busy the machine is. To look for new ones:
# pytest --hypothesis-profile=explore
_calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("repeatable", _calm, derandomize=True)
settings.register_profile("explore", _calm, max_examples=2_000)
settings.load_profile("repeatable")

_spec = importlib.util.spec_from_file_location("_carekit_servers", Path(__file__).parent / "tests" / "_servers.py")
assert _spec is not None and _spec.loader is not None
_servers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_servers)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("require"):
        _servers.require(*marker.args, **marker.kwargs)
