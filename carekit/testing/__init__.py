"""What plugin authors test with: a frozen clock, a whole desk in memory, contract suites, a transport that misbehaves.

Everything listed here is public; the pytest plugin offers the fixtures ``desk`` and ``clock``. The names load on first
use, so that a frozen clock does not cost a test runner.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carekit.testing.clock import FrozenClock as FrozenClock
    from carekit.testing.contracts.bot import BotContract as BotContract
    from carekit.testing.contracts.bus import BusContract as BusContract
    from carekit.testing.contracts.channel import ChannelContract as ChannelContract
    from carekit.testing.contracts.policy import PolicyContract as PolicyContract
    from carekit.testing.contracts.store import StoreContract as StoreContract
    from carekit.testing.contracts.survey import SurveyContract as SurveyContract
    from carekit.testing.desk import DeskKit as DeskKit
    from carekit.testing.faults import FaultyTransport as FaultyTransport
    from carekit.testing.ports import free_port as free_port

_HOMES = {
    "BotContract": "carekit.testing.contracts.bot",
    "BusContract": "carekit.testing.contracts.bus",
    "ChannelContract": "carekit.testing.contracts.channel",
    "DeskKit": "carekit.testing.desk",
    "FaultyTransport": "carekit.testing.faults",
    "FrozenClock": "carekit.testing.clock",
    "PolicyContract": "carekit.testing.contracts.policy",
    "StoreContract": "carekit.testing.contracts.store",
    "SurveyContract": "carekit.testing.contracts.survey",
    "free_port": "carekit.testing.ports",
}

__all__ = [
    "BotContract",
    "BusContract",
    "ChannelContract",
    "DeskKit",
    "FaultyTransport",
    "FrozenClock",
    "PolicyContract",
    "StoreContract",
    "SurveyContract",
    "free_port",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'carekit.testing' has no public name {name!r}; see carekit.testing.__all__")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
