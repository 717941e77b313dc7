"""Helpers of a plugin's tests that tests of the whole use, too: real servers, above all. They are loaded by path."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

_PLUGINS = Path(__file__).parents[1] / "plugins"


@cache
def borrowed(plugin: str, module: str) -> ModuleType:
    """The *module* beside the tests of *plugin*: ``borrowed("carekit-email", "servers")``."""
    path = _PLUGINS / plugin / "tests" / f"{module}.py"
    name = f"borrowed_{plugin.replace('-', '_')}_{module}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    loaded = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
