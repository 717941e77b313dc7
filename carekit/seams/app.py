"""The contract of an app: pages mounted at a path of the file's choice (a console, a help centre, a shop page)."""

from __future__ import annotations

from carekit.seams.component import Component

RESERVED_PATHS = ("/api", "/bots", "/channels", "/healthz", "/readyz", "/surveys")
"""Paths of the service itself: at and below them no app can be mounted."""


class App(Component):
    """Base of all apps: override `routes`. ``path`` is set from the reserved key ``path`` of its table."""

    path: str = "/"


def path_fault(path: str) -> str:
    """What is wrong with *path* as the path of an app, with the remedy; empty if nothing is."""
    if not path.startswith("/"):
        return f'must begin with "/", not {path!r}'
    if "//" in path or any(ch in path for ch in "{}?#%"):
        return f"{path!r} is not a path such as /help; mend it"
    if any(path.rstrip("/") == own or path.startswith(f"{own}/") for own in RESERVED_PATHS):
        return f"{path!r} belongs to the service itself; choose another"
    return ""
