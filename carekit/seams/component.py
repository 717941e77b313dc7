"""What every part composed by the file has in common: a name, its settings, a self-check and its health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from carekit.seams.desk import Desk
from carekit.seams.settings import NoSettings

if TYPE_CHECKING:  # starlette costs 60 ms to import, and most components mount nothing
    from starlette.routing import BaseRoute


@attrs.frozen
class Health:
    """How a component is: ``ok``, ``degraded`` (works, needs a look) or ``failed``; ``detail`` says why."""

    name: str
    state: str = "ok"
    detail: str = ""


class Component:
    """A part of the running desk, made from one table of the file.

    ``Settings`` is the attrs class of its keys. The constructor must do no I/O: `carekit check` builds every component.
    """

    Settings: ClassVar[type] = NoSettings
    starter: ClassVar[str] = ""
    """TOML tables that ``carekit init`` writes for it: a useful beginning that works as it stands. Empty for none."""
    starter_files: ClassVar[Mapping[str, str]] = {}
    """Files that those tables need, path relative to the file to text; ``carekit init`` never overwrites one."""

    folder: Path = Path()
    """The folder of the file, where relative paths begin; set before `check`."""
    url: str = ""
    """Its own public address, from the service's; set before `check`."""
    several: bool = False
    """Whether other processes may run the same beside this one, on this machine, too; set before it runs."""
    secret: bytes = b""
    """32 bytes of its own, derived from the service's secret, the same at every start; set before it runs."""

    def __init__(self, name: str, settings: Any) -> None:
        self.name = name
        self.settings = settings

    def check(self) -> Iterable[str]:
        """Faults of the settings beyond their types, one text each (what, why, remedy); without I/O."""
        return ()

    @classmethod
    def check_together(cls, parts: Sequence[Self]) -> Iterable[str]:
        """Faults that show only when all parts of this class in the file are looked at, one text each."""
        return ()

    def routes(self, desk: Desk) -> Sequence[BaseRoute]:
        """Starlette routes, mounted under the component's own path (``/channels/<name>``, ``/surveys/<name>`` …)."""
        return ()

    async def run(self, desk: Desk) -> None:
        """Work in the background for as long as the service runs; return when there is none, stop when cancelled.

        Where several processes work on one desk, each of them runs it: to listen, say.
        """

    async def run_alone(self, desk: Desk) -> None:
        """The same for what one process at a time may do: to fetch from a mailbox, say.

        Cancelled when another process has taken it over.
        """

    async def finish(self) -> None:
        """Let go of connections, when nothing is sent or asked any more; a moment is all it gets."""

    async def health(self) -> Health | Sequence[Health]:
        """How it is now, as one or, of several parts, each with a name; must answer at once from what it knows."""
        return Health(self.name)

    async def examine(self, desk: Desk) -> Sequence[Health]:
        """For ``carekit doctor``: try what it needs (connect, log in, hand over), and say what is wrong and the remedy.

        May take its time and use the network, but must leave nothing behind that somebody else could notice.
        """
        return ()
