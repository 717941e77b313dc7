"""A desk around the component under test: it enters through the same hook as any plugin's."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from carekit.facts.nouns import Presence
from carekit.seams.bot import Bot
from carekit.seams.channel import Channel
from carekit.seams.component import Component
from carekit.seams.hookspecs import hookimpl
from carekit.seams.policy import Policy
from carekit.seams.survey import SurveyProvider
from carekit.service.pipeline.commands import Staff
from carekit.testing.desk import DeskKit

_KINDS: tuple[tuple[type[Component], str, str], ...] = (
    (Channel, "carekit_channels", "channels"),
    (Bot, "carekit_bots", "bots"),
    (Policy, "carekit_policies", "policies"),
    (SurveyProvider, "carekit_surveys", "surveys"),
)

BASE = """
[service]
name = "Contract desk"
secret = "a secret for tests only"

[store]
use = "memory"
"""

LOOP = """
[channels.loop]
use = "loopback"
"""


def host(
    component: Component,
    *,
    keys: str = "",
    more: str = LOOP,
    extra: Mapping[str, ModuleType] | None = None,
    discover: bool = False,
) -> DeskKit:
    """A desk in memory with *component* itself under its own name; *keys* go into its table, *more* after it."""
    base, hook, section = next(kind for kind in _KINDS if isinstance(component, kind[0]))
    module = ModuleType("carekit_contract")
    setattr(module, hook, hookimpl(_named(hook, {"under-test": _stand_in(component, base)})))
    table = f'\n[{section}."{component.name}"]\nuse = "under-test"\n{keys}\n'
    return DeskKit(BASE + table + more, extra={"contract": module, **(extra or {})}, discover=discover)


def staff(kit: DeskKit, id: str = "ana", capacity: int = 50) -> str:
    """An available agent, without the cost of a password."""
    from carekit.facts.events import AgentAdded, PresenceChanged

    added = AgentAdded(id, id.title(), f"{id}@desk.example", capacity=capacity)
    kit.run(kit.service.submit(Staff(id, added, "service")))
    kit.run(kit.service.submit(Staff(id, PresenceChanged(Presence.AVAILABLE), f"agent:{id}")))
    kit.settle()
    return id


def _named(hook: str, answer: Mapping[str, type[Component]]) -> Any:
    def offer() -> Mapping[str, type[Component]]:
        return answer

    offer.__name__ = hook
    return offer


def _stand_in(component: Component, base: type[Component]) -> type[Component]:
    """A class whose instance is *component*: the file makes it by name, and gets the one that the test holds."""

    def made(cls: type[Component], name: str, settings: object) -> Component:
        return component

    return type("UnderTest", (base,), {"__new__": made, "__doc__": "What is under test."})
