"""Registers the console as the app named ``console``."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import App, hookimpl
from carekit_console.app import Console


@hookimpl
def carekit_apps() -> Mapping[str, type[App]]:
    """The one app of this plugin."""
    return {"console": Console}
