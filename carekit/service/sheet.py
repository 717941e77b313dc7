"""A file while it is read: its sections, and everything that is found wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import attrs

from carekit.ground.suggest import closest, did_you_mean
from carekit.service.faults import Fault
from carekit.service.structure import MISSING, Problem, Structurer, class_of
from carekit.service.tables import SECTIONS
from carekit.service.toml import read_toml

ALIKE = 0.8
"""How alike a misspelt section and a known one are, to be read as that one."""


class Sheet:
    """The sections of the file at *path*, with its faults; raises `ConfigError` if it is unreadable."""

    def __init__(self, path: Path, environment: Mapping[str, str] | None) -> None:
        self.path = path
        self.tables = read_toml(path)
        self.faults: list[Fault] = []
        self._structurer = Structurer(path.parent.resolve(), environment)
        self._written: dict[str, str] = {}
        """Of each section that is misspelt in the file, how."""
        for key in sorted(set(self.tables) - set(SECTIONS)):
            self._unknown(key)

    def _unknown(self, key: str) -> None:
        """Tell of a section that is none, and read it as the one that is meant if there is no doubt."""
        hint = did_you_mean(key, SECTIONS) or f"; known sections: {', '.join(SECTIONS)}"
        self.fault("", key, f"is not a section{hint}")
        meant = closest(key, SECTIONS, ALIKE)
        if meant and meant not in self.tables:
            self.tables[meant] = self.tables.pop(key)
            self._written[meant] = key

    def fault(self, table: str, key: str, message: str) -> None:
        """Note that *message* is wrong with *key* of *table*, both empty for none."""
        section, dot, rest = table.partition(".")
        self.faults.append(Fault(str(self.path), self._written.get(section, section) + dot + rest, key, message))

    def section(self, section: str) -> dict[str, Any]:
        """The tables of *section* by name."""
        table = self.tables.get(section, {})
        if isinstance(table, dict):
            return table
        self.fault(section, "", f"must be a table; write [{section}.NAME]")
        return {}

    def read(self, cls: type, table: Any, where: str, others: Collection[str] = ()) -> tuple[Any, list[Problem]]:
        """As `Structurer.read`; the problems are told already, and so are names that lead nowhere."""
        value, problems = self._structurer.read(cls, table, others=others)
        self.tell(where, problems, cls)
        if value is not None:
            self._check_references(value, where)
        return value, problems

    def tell(self, where: str, problems: Collection[Problem], cls: type | None = None) -> None:
        """Note *problems* of the table *where*, whose keys are the fields of *cls*."""
        for keys, message, _ in problems:
            self.fault(where, ".".join(keys), message + (_doc(cls, keys) if cls and message == MISSING else ""))

    def _check_references(self, value: Any, where: str) -> None:
        for field in attrs.fields(type(value)):
            known = self.tables.get(section := field.metadata.get("refers", ""), {})
            if not section or not isinstance(known, dict):  # the second has been told
                continue
            names = getattr(value, field.name, ())
            for name in (names,) if isinstance(names, str) else names:
                if name and name not in known:
                    hint = did_you_mean(name, known) or f"; add [{section}.{name}] or mend the name"
                    self.fault(where, field.name, f"there is no [{section}.{name}]{hint}")


def _doc(cls: type | None, keys: tuple[str, ...]) -> str:
    """What a missing key is for."""
    field = None
    for key in keys:
        field = getattr(attrs.fields(cls), key, None) if cls is not None else None
        cls = class_of(field.type) if field is not None else None
    return f": {field.metadata['doc']}" if field is not None and field.metadata.get("doc") else ""
