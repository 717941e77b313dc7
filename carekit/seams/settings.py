"""How a plugin declares its part of the file: an attrs class, one field a key.

The types that can be read from TOML are str, int, float, bool, ``timedelta`` (``"4h"``), ``Path`` (relative to the
file), `Secret`, ``Literal`` choices, nested attrs classes, and tuples and dicts of these; ``| None`` makes it optional.
"""

from __future__ import annotations

from typing import Any

import attrs

MISSING: Any = attrs.NOTHING


class Secret:
    """A text that never shows itself: not in logs, reprs, reports or errors. Only `reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret text itself; call it where it is used, and keep the result nowhere."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


def setting(doc: str, default: Any = MISSING, *, factory: Any = None, refers: str = "") -> Any:
    """A key of a plugin's table: ``doc`` is its line in the reference.

    ``refers`` names the section (``calendars``, ``bots``, ``surveys``, ``channels``) in which its value must be a name.
    Without ``default`` or ``factory`` the key is required.
    """
    metadata = {"doc": doc, "refers": refers}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata, kw_only=True)
    return attrs.field(default=default, metadata=metadata, kw_only=True)


@attrs.frozen
class NoSettings:
    """For a component without keys of its own."""
