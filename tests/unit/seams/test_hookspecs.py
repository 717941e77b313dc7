"""Each hook once, from a plugin's implementation to what the service makes of it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import click
import pytest

from carekit.builtin.loopback import Loopback
from carekit.builtin.memory import MemoryStore
from carekit.builtin.pages import Pages
from carekit.builtin.policies.route import Route
from carekit.seams.bot import Bot
from carekit.seams.bus import Bus
from carekit.seams.component import Component
from carekit.seams.hookspecs import Sample, hookimpl
from carekit.seams.survey import SurveyProvider
from carekit.service.plugins import Plugins, load
from carekit.testing import DeskKit


class Fax(Loopback):
    """A channel."""


class Parrot(Bot):
    """A bot."""


class Stars(SurveyProvider):
    """A survey."""


def _module(name: str, function: Callable[..., Any]) -> ModuleType:
    function.__name__ = name
    module = ModuleType("stranger")
    setattr(module, name, hookimpl(function))
    return module


def _offer(hook: str, cls: type[Component]) -> Plugins:
    return load(extra={"stranger": _module(hook, lambda: {"mine": cls})}, discover=False)


def _assert_offered(hook: str, kind: str, cls: type[Component]) -> None:
    found = _offer(hook, cls)
    assert found.broken == ()
    assert (found.offers[kind]["mine"].cls, found.offers[kind]["mine"].plugin) == (cls, "stranger")


def test_carekit_channels() -> None:
    """A channel can be used by the name it is offered under."""
    _assert_offered("carekit_channels", "channels", Fax)


def test_carekit_bots() -> None:
    """A bot can be used by the name it is offered under."""
    _assert_offered("carekit_bots", "bots", Parrot)


def test_carekit_policies() -> None:
    """A policy can be used by the name it is offered under."""
    _assert_offered("carekit_policies", "policies", Route)


def test_carekit_stores() -> None:
    """A store can be used by the name it is offered under."""
    _assert_offered("carekit_stores", "stores", MemoryStore)


def test_carekit_buses() -> None:
    """A bus can be used by the name it is offered under."""
    _assert_offered("carekit_buses", "buses", Bus)


def test_carekit_surveys() -> None:
    """A survey provider can be used by the name it is offered under."""
    _assert_offered("carekit_surveys", "surveys", Stars)


def test_carekit_apps() -> None:
    """An app can be used by the name it is offered under."""
    _assert_offered("carekit_apps", "apps", Pages)


def test_carekit_commands() -> None:
    """A command is added to the command line."""
    command = click.Command("fax")
    found = load(extra={"stranger": _module("carekit_commands", lambda: [command])}, discover=False)
    assert found.commands == (command,)


def test_carekit_event() -> None:
    """Each committed event is told with the conversation as it stands after its transaction."""
    heard: list[tuple[str, int]] = []

    def listen(event: Any, conversation: Any) -> None:
        heard.append((event.kind, conversation.seq))

    with DeskKit(extra={"stranger": _module("carekit_event", listen)}, discover=False) as kit:
        kit.write("hello")
    assert heard == [("conversation_started", 2), ("message_received", 2)]


def test_carekit_measured() -> None:
    """A measurement is told to those who listen."""
    heard: list[Sample] = []
    module = _module("carekit_measured", lambda sample: heard.append(sample))
    with DeskKit(extra={"stranger": module}, discover=False) as kit:
        kit.service.notifier.measured(Sample("commit", 0.01, 3))
    assert heard == [Sample("commit", 0.01, 3)]


@pytest.mark.parametrize("hook", ["carekit_channels", "carekit_bots", "carekit_policies", "carekit_stores"])
def test_a_class_of_another_kind_is_no_offer(hook: str) -> None:
    """A hook takes subclasses of its own contract only."""
    assert "must map names to subclasses" in _offer(hook, Stars).broken[0].error
