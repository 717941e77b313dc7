"""Find plugins, ask them what they offer, and freeze the answers.

pluggy discovers and checks; what runs at every event is a plain tuple of functions made here once. A plugin that cannot
be imported or raises in a hook is set aside with its reason, and the rest goes on; what the file needs of it is then
missing, and said so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import attrs
import click
import pluggy

from carekit.builtin import plugin as builtin_plugin
from carekit.ground.errors import ConfigError
from carekit.seams import hookspecs
from carekit.seams.app import App
from carekit.seams.bot import Bot
from carekit.seams.bus import Bus
from carekit.seams.channel import Channel
from carekit.seams.component import Component
from carekit.seams.policy import Policy
from carekit.seams.store import Store
from carekit.seams.survey import SurveyProvider

GROUP = "carekit"
"""The entry point group in which plugins announce themselves."""

KINDS: Mapping[str, tuple[str, type[Component]]] = {
    "channels": ("carekit_channels", Channel),
    "bots": ("carekit_bots", Bot),
    "policies": ("carekit_policies", Policy),
    "stores": ("carekit_stores", Store),
    "buses": ("carekit_buses", Bus),
    "surveys": ("carekit_surveys", SurveyProvider),
    "apps": ("carekit_apps", App),
}
"""What can be offered: section of the file, hook, and base class."""


@attrs.frozen
class Offer:
    """One thing that a plugin offers under a name."""

    name: str
    cls: type[Component]
    plugin: str


@attrs.frozen
class PluginInfo:
    """A plugin that was found: ``error`` says why it is set aside, empty if it is in use."""

    name: str
    distribution: str
    version: str
    offers: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    error: str = ""


@attrs.frozen
class Plugins:
    """Everything the installed plugins offer."""

    infos: tuple[PluginInfo, ...]
    offers: Mapping[str, Mapping[str, Offer]]
    commands: tuple[click.Command, ...]
    on_event: tuple[tuple[str, Callable[..., object]], ...]
    on_measured: tuple[tuple[str, Callable[..., object]], ...]

    @property
    def broken(self) -> tuple[PluginInfo, ...]:
        """The plugins that were set aside."""
        return tuple(info for info in self.infos if info.error)


def load(
    blocked: Iterable[str] = (), extra: Mapping[str, ModuleType] | None = None, *, discover: bool = True
) -> Plugins:
    """The built-in plugin, the installed ones not *blocked* by name, and *extra* modules.

    Raises `ConfigError` if two plugins offer the same thing under one name: the file could not tell them apart.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    found: dict[str, tuple[str, str]] = {}
    errors: dict[str, str] = {}
    manager.register(builtin_plugin, "builtin")
    found["builtin"] = ("carekit", _version("carekit"))
    entries = [entry for entry in entry_points(group=GROUP) if discover and entry.name not in set(blocked)]
    for entry in sorted(entries, key=lambda entry: entry.name):
        distribution = entry.dist
        found[entry.name] = (distribution.name, distribution.version) if distribution else ("", "")
        if error := _register(manager, entry.name, entry):
            errors[entry.name] = error
    for name, module in (extra or {}).items():
        found[name] = ("", "")
        if error := _register(manager, name, module):
            errors[name] = error
    return _freeze(manager, found, errors)


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _register(manager: pluggy.PluginManager, name: str, source: EntryPoint | ModuleType) -> str:
    try:
        module = source.load() if isinstance(source, EntryPoint) else source
        manager.register(module, name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything while it is imported
        return f"it cannot be loaded: {type(error).__name__}: {error}"
    hooks = {attribute for attribute in dir(hookspecs) if attribute.startswith("carekit_")}
    unknown = sorted(
        attribute
        for attribute in dir(module)
        if attribute.startswith("carekit_") and attribute not in hooks and callable(getattr(module, attribute))
    )
    if unknown:
        manager.unregister(name=name)
        return (
            f"it implements a hook that does not exist: {', '.join(unknown)}; the hooks are {', '.join(sorted(hooks))}"
        )
    return ""


def _freeze(manager: pluggy.PluginManager, found: Mapping[str, tuple[str, str]], errors: dict[str, str]) -> Plugins:
    offers: dict[str, dict[str, Offer]] = {kind: {} for kind in KINDS}
    for kind, (hook, base) in KINDS.items():
        for plugin, function in _functions(manager, hook):
            if plugin in errors:
                continue
            try:
                answer = _checked(function(), base, hook)
            except Exception as error:  # noqa: BLE001 - likewise in a hook
                errors[plugin] = f"{hook} failed: {type(error).__name__}: {error}"
                continue
            for name, cls in answer.items():
                other = offers[kind].get(name)
                if other is not None:
                    raise ConfigError(
                        f"plugins {other.plugin!r} and {plugin!r} both offer {name!r} in {kind}; uninstall one of them"
                    )
                offers[kind][name] = Offer(name, cls, plugin)
    commands: list[click.Command] = []
    for plugin, function in _functions(manager, "carekit_commands"):
        try:
            commands.extend(function())
        except Exception as error:  # noqa: BLE001 - likewise
            errors[plugin] = f"carekit_commands failed: {type(error).__name__}: {error}"
    kept = {kind: {n: o for n, o in named.items() if o.plugin not in errors} for kind, named in offers.items()}
    infos = tuple(
        PluginInfo(name, distribution, version, _offered(name, kept), errors.get(name, ""))
        for name, (distribution, version) in found.items()
    )
    return Plugins(
        infos,
        kept,
        tuple(commands),
        tuple(_functions(manager, "carekit_event")),
        tuple(_functions(manager, "carekit_measured")),
    )


def _functions(manager: pluggy.PluginManager, hook: str) -> list[tuple[str, Callable[..., Any]]]:
    """The implementations of *hook* in order of registration, each taking all of its arguments by position."""
    implementations = getattr(manager.hook, hook).get_hookimpls()
    order = {name: place for place, (name, _) in enumerate(manager.list_name_plugin())}
    ordered = sorted(implementations, key=lambda implementation: order[implementation.plugin_name])
    names = tuple(manager.hook.__dict__[hook].spec.argnames)
    return [(i.plugin_name, _adapted(i.function, i.argnames, names)) for i in ordered]


def _adapted(function: Callable[..., Any], wanted: tuple[str, ...], given: tuple[str, ...]) -> Callable[..., Any]:
    """*function*, which may take fewer arguments than the hook gives."""
    if wanted == given:
        return function
    places = [given.index(name) for name in wanted]
    return lambda *arguments: function(*(arguments[place] for place in places))


def _checked(answer: object, base: type[Component], hook: str) -> Mapping[str, type[Component]]:
    if not isinstance(answer, Mapping):
        raise TypeError(f"{hook} must return a mapping of names to classes, not {type(answer).__name__}")
    for name, cls in answer.items():
        if not isinstance(name, str) or not isinstance(cls, type) or not issubclass(cls, base):
            raise TypeError(f"{hook} must map names to subclasses of {base.__name__}; {name!r} is {cls!r}")
    return answer


def _offered(plugin: str, offers: Mapping[str, Mapping[str, Offer]]) -> dict[str, tuple[str, ...]]:
    by_kind = {
        kind: tuple(sorted(name for name, offer in named.items() if offer.plugin == plugin))
        for kind, named in offers.items()
    }
    return {kind: names for kind, names in by_kind.items() if names}
