"""What core itself offers, through the hooks that everybody has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import pytest

from carekit.builtin import plugin
from carekit.builtin.loopback import Loopback
from carekit.builtin.memory import MemoryStore
from carekit.builtin.pages import Pages
from carekit.seams.app import App
from carekit.seams.channel import Channel
from carekit.seams.component import Component
from carekit.seams.policy import Policy
from carekit.seams.store import Store
from carekit.service import plugins

HOOKS: list[tuple[Callable[[], Mapping[str, type[Component]]], type[Component]]] = [
    (plugin.carekit_channels, Channel),
    (plugin.carekit_policies, Policy),
    (plugin.carekit_stores, Store),
    (plugin.carekit_apps, App),
]
OFFERED = [
    pytest.param(cls, base, id=f"{base.__name__.lower()}-{name}")
    for hook, base in HOOKS
    for name, cls in hook().items()
]


def test_carekit_channels_offers_the_loopback() -> None:
    """One channel to try things with; the real ones are plugins."""
    assert plugin.carekit_channels() == {"loopback": Loopback}


def test_carekit_policies_offers_what_a_file_may_use() -> None:
    """The names that `use` gives, each a policy of its own."""
    offered = plugin.carekit_policies()
    assert list(offered) == ["acknowledge", "hours", "bot", "route", "sla", "follow-up", "survey", "archive"]
    assert len(set(offered.values())) == len(offered)


def test_carekit_stores_offers_the_memory_store() -> None:
    """A desk can be tried without a database."""
    assert plugin.carekit_stores() == {"memory": MemoryStore}


def test_carekit_apps_offers_pages() -> None:
    """A folder of pages can be served without a plugin."""
    assert plugin.carekit_apps() == {"pages": Pages}


@pytest.mark.parametrize(("cls", "base"), OFFERED)
def test_what_is_offered_is_of_its_kind_and_explained(cls: type[Component], base: type[Component]) -> None:
    """Each class has the right base, words of its own, and a line on every key."""
    assert issubclass(cls, base) and cls is not base
    assert (cls.__doc__ or "").strip() and cls.__doc__ != base.__doc__
    fields = getattr(cls.Settings, "__attrs_attrs__", ())
    assert [field.name for field in fields if not field.metadata.get("doc")] == []


@pytest.mark.parametrize(("cls", "base"), OFFERED)
def test_what_is_offered_is_whole(cls: type[Component], base: type[Component]) -> None:
    """No method that the contract leaves open is missing."""
    left_open = [
        name
        for name, function in inspect.getmembers(cls, inspect.isfunction)
        if "raise NotImplementedError" in inspect.getsource(function)
    ]
    assert left_open == []


def test_core_registers_as_a_stranger_would() -> None:
    """The plugin manager knows the builtin one by its hooks alone, and finds nothing wrong with it."""
    loaded = plugins.load(discover=False)
    (info,) = loaded.infos
    assert (info.name, info.error) == ("builtin", "")
    assert {kind: set(names) for kind, names in info.offers.items()} == {
        "channels": {"loopback"},
        "policies": set(plugin.carekit_policies()),
        "stores": {"memory"},
        "apps": {"pages"},
    }
