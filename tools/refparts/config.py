"""Every section and key of the file, from the classes that read it."""

from __future__ import annotations

import types
from datetime import timedelta
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from carekit.ground.durations import format_duration
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Channel
from carekit.seams.component import Component
from carekit.seams.settings import Secret
from carekit.service import seed, tables
from carekit.service.plugins import GROUP, KINDS, Offer, Plugins, load
from refparts import text

SECTIONS = {
    "channels": "[channels.NAME]",
    "bots": "[bots.NAME]",
    "policies": "[policies.NAME]",
    "surveys": "[surveys.NAME]",
    "apps": "[apps.NAME]",
    "stores": "[store]",
    "buses": "[bus]",
}
ROOT = Path(__file__).resolve().parents[2]
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", timedelta: "duration", Path: "path"}


def keys(cls: type, prefix: str = "") -> list[tuple[str, str, str, str]]:
    """Each key of a settings class: name, type, default, what it means; nested tables with dotted names."""
    hints = get_type_hints(cls)
    rows = []
    for field in attrs.fields(cls):
        kind, nested = hints[field.name], _nested(hints[field.name])
        name = f"{prefix}{field.name}"
        meaning = field.metadata.get("doc", "")
        if refers := field.metadata.get("refers"):
            meaning += f" (a name in `[{refers}]`)"
        meaning = meaning.replace("*", "\\*")
        rows.append((text.code(name), words(kind), _default(field.default), meaning))
        if nested:
            rows += keys(nested, f"{name}.")
    return rows


def _nested(kind: Any) -> type | None:
    for candidate in (kind, *get_args(kind)):
        if isinstance(candidate, type) and attrs.has(candidate):
            return candidate
    return None


def words(kind: Any) -> str:
    """A type in words."""
    if kind in _WORDS:
        return _WORDS[kind]
    if kind is Secret:
        return "secret"
    if kind is Any:
        return "see right"
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(words(part) for part in arguments if part is not type(None))
    if origin is Literal:
        return " or ".join(f'`"{choice}"`' for choice in arguments)
    if origin in (tuple, list):
        return f"list of {words(arguments[0])}s"
    if origin is dict:
        return f"table of {words(arguments[1])}s"
    return "table"


def _default(value: Any) -> str:
    if value is attrs.NOTHING:
        return "**required**"
    if isinstance(value, attrs.Factory):
        value = value.factory()
    if value is None:
        return "none"
    if attrs.has(type(value)):
        return "`{ }`"
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f'"{format_duration(value).replace(" ", "")}"'
    if isinstance(value, int | float) and not isinstance(value, Enum):
        return str(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ }" if not value else repr(value)
    return '"' + str(value).replace("\n", "\\n") + '"'


def _table(cls: type) -> str:
    rows = keys(cls)
    return text.table(("key", "type", "default", "what it means"), rows) if rows else "No keys of its own."


def core() -> str:
    """The sections that core reads itself, and the keys that every part of a kind has."""
    parts = [
        f"### `[service]`\n\n{_table(tables.ServiceSettings)}",
        f"### `[calendars.NAME]`\n\n{_table(tables.CalendarSettings)}",
        f"### `[tokens.NAME]`\n\n{_table(tables.TokenSettings)}",
    ]
    for kind, place in SECTIONS.items():
        what = "The key that it has" if kind in ("stores", "buses") else "Keys that each of them has"
        parts.append(f"### `{place}`\n\n{what} besides those of what `use` names:\n\n{_table(tables.RESERVED[kind])}")
    return "\n\n".join(parts)


def seed_file() -> str:
    """The file of first agents."""
    return _table(seed.SeedAgent)


def _offers(installed: Plugins, plugins: set[str]) -> str:
    parts = []
    for kind in KINDS:
        for name, offer in sorted(installed.offers[kind].items()):
            if offer.plugin in plugins:
                parts.append(_offer(kind, name, offer))
    return "\n\n".join(parts)


def _offer(kind: str, name: str, offer: Offer) -> str:
    cls: type[Component] = offer.cls
    heading = f'### `{SECTIONS[kind]}` with `use = "{name}"`'
    able = f"\n\n{_abilities(cls.capabilities)}" if issubclass(cls, Channel) else ""
    return f"{heading}\n\n{text.markdown(cls.__doc__)}{able}\n\n{_table(cls.Settings)}"


def _abilities(can: Capabilities) -> str:
    """What a channel declares of itself, before its keys change it, in one line."""
    window, parts = can.reply_window, can.segments
    told = (
        (can.live, "both sides are present"),
        (can.attachments, "takes files"),
        (can.html, "takes HTML"),
        (can.max_length is not None, f"at most {can.max_length} characters"),
        (parts is not None, parts and f"counted in parts of {parts.single} or {parts.wide_single} characters"),
        (can.delivered, "reports delivery"),
        (can.read, "reports reading"),
        (can.may_initiate, "may write first"),
        (window is not None, f"may answer for {format_duration(window) if window else ''} only"),
    )
    return f"What it can do: {', '.join(str(words) for holds, words in told if holds) or 'receive and answer'}."


def builtin() -> str:
    """What core itself offers."""
    return _offers(load(discover=False), {"builtin"})


def plugins() -> str:
    """What the installed first-party plugins offer, a plugin after the other."""
    ours = {path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml")}
    entries = [entry for entry in entry_points(group=GROUP) if entry.dist is not None and entry.dist.name in ours]
    installed = load()
    parts = []
    for entry in sorted(entries, key=lambda entry: entry.name):
        assert entry.dist is not None
        if listed := _offers(installed, {entry.name}):
            parts.append(f"## {entry.dist.name}\n\n{listed}")
    return "\n\n".join(parts)


PARTS = {"config-core": core, "config-seed": seed_file, "config-builtin": builtin, "config-plugins": plugins}
