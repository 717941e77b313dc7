"""What can be wrong with a file, told so that whoever wrote it can mend it."""

from __future__ import annotations

import attrs

from carekit.ground.errors import ConfigError


@attrs.frozen
class Fault:
    """One thing that is wrong with a file."""

    file: str
    table: str
    key: str
    message: str

    def __str__(self) -> str:
        where = f"[{self.table}]" if self.table else "top level"
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}: {where}{key} {self.message}"


class FaultyFile(ConfigError):
    """The file has faults: all of them in ``faults``."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
