"""The public names, each with its line, and the contracts in detail."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

import carekit
import carekit._public
import carekit.testing
from carekit.facts.actions import Action
from carekit.facts.events import Fact
from carekit.ground.errors import CarekitError
from refparts import text

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Contracts that plugins implement", ("carekit.seams.component", "carekit.seams.channel", "carekit.seams.bot",
     "carekit.seams.policy", "carekit.seams.survey", "carekit.seams.app", "carekit.seams.bus", "carekit.seams.store",
     "carekit.seams.capabilities")),
    ("Hooks and settings", ("carekit.seams.hookspecs", "carekit.seams.files", "carekit.seams.settings")),
    ("The desk", ("carekit.seams.desk", "carekit.seams.query", "carekit.seams.scope")),
    ("Nouns", ("carekit.facts.nouns", "carekit.ground.values")),
    ("Events", ("carekit.facts.events",)),
    ("Actions", ("carekit.facts.actions",)),
    ("For policies", ("carekit.rules.context", "carekit.rules.templates", "carekit.ground.calendars",
     "carekit.ground.durations", "carekit.ground.clock", "carekit.ground.addresses")),
    ("To and from JSON, and what a search finds", ("carekit.facts.codec", "carekit.rules.search")),
    ("Errors", ("carekit.ground.errors",)),
)  # fmt: skip
"""Where names come from, in the order of the page."""


def _homes() -> dict[str, ModuleType]:
    """Each public name and the module that defines it, in the order of ``carekit.__all__``."""
    homes: dict[str, ModuleType] = {}
    for _, modules in GROUPS:
        for name in modules:
            module = import_module(name)
            for public in carekit.__all__:
                thing = getattr(carekit, public)
                defined = getattr(thing, "__module__", None) == name
                if defined or (public not in homes and public in text.module_docs(module)):
                    homes.setdefault(public, module)
    lost = [name for name in carekit.__all__ if name not in homes]
    if lost:
        sys.exit(f"tools/refparts/api.py: name the module of {', '.join(lost)} in GROUPS")
    return homes


def _line(name: str, module: ModuleType) -> str:
    said = text.module_docs(module).get(name)
    return text.first_sentence(said or getattr(carekit, name).__doc__)


def names() -> str:
    """Every name of ``carekit.__all__`` with one line, in groups."""
    homes = _homes()
    parts = []
    for title, modules in GROUPS:
        rows = [
            (text.code(name), _line(name, homes[name])) for name in carekit.__all__ if homes[name].__name__ in modules
        ]
        parts.append(f"### {title}\n\n{text.table(('name', 'what it is'), rows)}")
    return "\n\n".join(parts)


def testing() -> str:
    """Every name of ``carekit.testing.__all__`` with one line."""
    rows = [
        (text.code(name), text.first_sentence(getattr(carekit.testing, name).__doc__))
        for name in carekit.testing.__all__
    ]
    return text.table(("name", "what it is"), rows)


def members() -> str:
    """The fields and methods of every public class that is no fact, action or error."""
    homes = _homes()
    parts = []
    for title, modules in GROUPS:
        found = []
        for name in carekit.__all__:
            thing = getattr(carekit, name)
            if homes[name].__name__ not in modules or not isinstance(thing, type):
                continue
            if issubclass(thing, Fact | Action | CarekitError):
                continue
            if listed := text.members(thing):
                found.append(f"#### {name}\n\n{_about(thing)}\n\n{listed}")
        if found:
            parts.append(f"### {title}: members\n\n" + "\n\n".join(found))
    return "\n\n".join(parts)


def _about(cls: type) -> str:
    return text.markdown(cls.__doc__) if cls.__doc__ else ""


PARTS = {"api-names": names, "api-testing": testing, "api-members": members}
