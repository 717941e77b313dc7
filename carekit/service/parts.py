"""The components of a file: each made from its table and asked what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from carekit.ground.errors import ConfigError
from carekit.ground.suggest import did_you_mean
from carekit.seams.app import path_fault
from carekit.seams.component import Component
from carekit.service.places import name_fault
from carekit.service.plugins import Offer, Plugins
from carekit.service.sheet import Sheet
from carekit.service.structure import Problem
from carekit.service.tables import RESERVED

ADDRESSED = ("channels", "bots", "surveys", "apps")
"""Sections whose members have an address of their own."""


@attrs.frozen
class Part:
    """One component of the file: built, with its reserved keys and where it came from."""

    name: str
    component: Any
    reserved: Any
    offer: Offer


class Parts:
    """Makes the components of *sheet* from what *plugins* offer; the public address of the service is *base*."""

    def __init__(self, sheet: Sheet, plugins: Plugins, base: str) -> None:
        self._sheet = sheet
        self._plugins = plugins
        self._base = base
        self.inboxes: set[str] | None = set()
        """Those that channels land in; None while that of one is in doubt."""

    def section(self, section: str) -> dict[str, Part]:
        """Every faultless part of a section."""
        parts = {}
        tables = self._sheet.section(section)
        if section == "channels" and not isinstance(self._sheet.tables.get(section, {}), dict):
            self.inboxes = None
        for name, table in tables.items():
            where = f"{section}.{name}"
            if section in ADDRESSED and (fault := name_fault(name)):
                self._sheet.fault(where, "", fault)
            elif not name.strip():
                self._sheet.fault(where, "", f"needs a name; write [{section}.NAME]")
            part = self.part(section, name, table, where)
            if part is not None:
                parts[name] = part
        self._check_together(section, parts.values())
        if section == "apps":
            self._check_paths()
        return parts

    def part(self, kind: str, name: str, table: Any, where: str) -> Part | None:
        """The part that *table* describes, None if there is something wrong with it."""
        if not isinstance(table, dict):
            self._sheet.fault(where, "", f"must be a table; write [{where}]")
            self._note_inbox(kind, None, name, [Problem(("inbox",), "")])
            return None
        offer = self._offer(kind, table.get("use"), where)
        keys = {field.name for field in attrs.fields(RESERVED[kind])}
        own_use = {"use": offer.name if offer else ""}  # _offer has said what is wrong with the one in the file
        given = {key: value for key, value in table.items() if key in keys}
        reserved, problems = self._sheet.read(RESERVED[kind], given | own_use, where)
        settings, more = None, list[Problem]()
        if offer is not None:
            own = {key: value for key, value in table.items() if key not in keys}
            settings, more = self._sheet.read(offer.cls.Settings, own, where, others=keys)
        self._note_inbox(kind, reserved, name, [*problems, *more])
        if offer is None:
            return None
        component = self._component(offer, kind, name, settings, reserved, where, more)
        return None if problems or more or component is None else Part(name, component, reserved, offer)

    def _note_inbox(self, kind: str, reserved: Any, name: str, problems: Iterable[Problem]) -> None:
        if kind != "channels":
            return
        if any(problem.meant == "inbox" or problem.keys[:1] == ("inbox",) for problem in problems):
            self.inboxes = None
        elif self.inboxes is not None:
            self.inboxes.add(reserved.inbox or name)

    def _component(
        self, offer: Offer, kind: str, name: str, settings: Any, reserved: Any, where: str, problems: Sequence[Problem]
    ) -> Component | None:
        """The component, asked what is wrong with it.

        Where *settings* are a stand-in, because they have *problems*, it says what it can say without what is wrong.
        """
        try:
            component = offer.cls(name, settings)
            component.folder = self._sheet.path.parent.resolve()
            component.url = self._url_of(kind, name, reserved)
            for text in component.check():
                if not _follows(text, problems):
                    self._sheet.fault(where, "", text)
        except ConfigError as error:
            if not problems:
                self._sheet.fault(where, "", str(error))
            return None
        except Exception as error:  # noqa: BLE001 - a stranger's code; the integrator needs the place, not a traceback
            if not problems:
                said = f"plugin {offer.plugin!r} failed to make it: {type(error).__name__}: {error}"
                self._sheet.fault(where, "", f"{said}; the plugin must be mended, so tell whoever makes it")
            return None
        _set_reserved(component, kind, name, reserved)
        return component

    def _url_of(self, kind: str, name: str, reserved: Any) -> str:
        """The public address at which the component's routes are mounted."""
        path = (reserved.path or f"/{name}") if kind == "apps" else f"/{kind}/{name}"
        return self._base + path

    def _check_together(self, section: str, parts: Iterable[Part]) -> None:
        """Let each class look at all of its parts at once."""
        by_class: dict[type[Component], list[Component]] = {}
        for part in parts:
            by_class.setdefault(type(part.component), []).append(part.component)
        for cls, components in by_class.items():
            if cls.check_together.__func__ is Component.check_together.__func__:  # type: ignore[attr-defined]
                continue
            for problem in cls.check_together(components):
                self._sheet.fault(section, "", problem)

    def _check_paths(self) -> None:
        """Of every app, whatever else may be wrong with it."""
        taken: dict[str, str] = {}
        for name, table in self._sheet.section("apps").items():
            path = (table.get("path") or f"/{name}") if isinstance(table, dict) else None
            if not isinstance(path, str) or (path == f"/{name}" and name_fault(name)):
                continue  # that has been told
            bare = path.rstrip("/")
            if fault := path_fault(path):
                self._sheet.fault(f"apps.{name}", "path", fault)
            elif bare in taken:
                text = f"{path!r} is also the path of [apps.{taken[bare]}]; choose another"
                self._sheet.fault(f"apps.{name}", "path", text)
            taken.setdefault(bare, name)

    def _offer(self, kind: str, use: Any, where: str) -> Offer | None:
        known = self._plugins.offers[kind]
        if not isinstance(use, str):
            said = "is missing" if use is None else f"must be a text, not {use!r}"
            self._sheet.fault(where, "use", f"{said}; installed {kind}: {_names(known)}")
            return None
        if use in known:
            return known[use]
        hint = did_you_mean(use, known)
        message = f"{use!r} is not installed; installed {kind}: {_names(known)}{hint}"
        for info in self._plugins.broken:
            message += f"; plugin {info.name!r} is set aside: {info.error}"
        self._sheet.fault(where, "use", message)
        return None


def _follows(text: str, problems: Iterable[Problem]) -> bool:
    """Whether what a component says may only follow from *problems*: it speaks of a key that is wrong."""
    wrong = {name for problem in problems for name in (*problem.keys[-1:], problem.meant) if name}
    return any(re.search(rf"(?<![\w/]){re.escape(name)}(?![\w/])", text) for name in wrong)


def _set_reserved(component: Component, kind: str, name: str, reserved: Any) -> None:
    if kind == "channels":
        component.inbox = reserved.inbox  # type: ignore[attr-defined]
    elif kind == "policies":
        component.channels = frozenset(reserved.channels)  # type: ignore[attr-defined]
    elif kind == "apps":
        component.path = reserved.path or f"/{name}"  # type: ignore[attr-defined]


def _names(known: Mapping[str, Offer]) -> str:
    return ", ".join(sorted(known)) or "none"
