"""The contract of a policy: a pure, synchronous rule that the service applies by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from carekit.facts.actions import Action
from carekit.facts.events import Event, Fact
from carekit.facts.nouns import Conversation
from carekit.rules.context import Context
from carekit.seams.component import Component


class Policy(Component):
    """Base of all policies: name the facts it ``listens`` to and override `decide`.

    ``decide`` gets the event, the conversation as it stands after everything decided so far, and a read-only context.
    It must not read a clock, do I/O or keep state: the same arguments give the same actions. Each says its reason.
    """

    listens: ClassVar[frozenset[type[Fact]]] = frozenset()
    channels: frozenset[str] = frozenset()
    """Set from the reserved key ``channels`` of its table; empty for all."""

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        """The actions that follow from *event*, none for most."""
        raise NotImplementedError

    def timer(self, name: str = "") -> str:
        """The name for a timer of its own, so that two policies never share one."""
        return f"{self.name}:{name}" if name else self.name
