"""The contract of an app: pages mounted at a path of the file's choice (a console, a help centre, a shop page)."""

from __future__ import annotations

from carekit.seams.component import Component


class App(Component):
    """Base of all apps: override `routes`. ``path`` is set from the reserved key ``path`` of its table."""

    path: str = "/"
