"""The one file: read, check everything at once, and give settings that cannot be wrong any more.

Every fault names the file, the table, the key and the remedy. Checking builds no connection and writes nothing.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import attrs

from carekit.ground.calendars import Calendar, country_holidays, parse_hours
from carekit.ground.errors import ConfigError
from carekit.ground.suggest import did_you_mean
from carekit.seams.app import path_fault
from carekit.seams.component import Component
from carekit.service.blobs import FarBlobs
from carekit.service.plugins import Offer, Plugins
from carekit.service.structure import Structurer
from carekit.service.tables import RESERVED, SECTIONS, CalendarSettings, ServiceSettings, TokenSettings

HOLIDAY_YEARS = range(2000, 2061)
"""Years for which public holidays are known to a calendar."""


@attrs.frozen
class Part:
    """One component of the file: built, with its reserved keys and where it came from."""

    name: str
    component: Any
    reserved: Any
    offer: Offer


@attrs.frozen
class Fault:
    """One thing that is wrong with the file."""

    file: str
    table: str
    key: str
    message: str

    def __str__(self) -> str:
        where = f"[{self.table}]" if self.table else "top level"
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}: {where}{key} {self.message}"


@attrs.frozen
class Settings:
    """A file without faults."""

    path: Path
    service: ServiceSettings
    store: Part
    bus: Part | None
    channels: Mapping[str, Part]
    bots: Mapping[str, Part]
    surveys: Mapping[str, Part]
    policies: Mapping[str, Part]
    apps: Mapping[str, Part]
    calendars: Mapping[str, Calendar]
    tokens: Mapping[str, TokenSettings]
    fingerprint: str
    """Twelve hexadecimal digits that name this configuration in the log; secrets from elsewhere are not in it."""


class FaultyFile(ConfigError):
    """The file has faults: all of them in ``faults``."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def load(path: Path, plugins: Plugins, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the file at *path*; raises `FaultyFile` with every fault, `ConfigError` if unreadable."""
    return _Reader(path, plugins, environment).read()


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises `ConfigError`."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; `carekit init` writes a working one") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None


class _Reader:
    def __init__(self, path: Path, plugins: Plugins, environment: Mapping[str, str] | None) -> None:
        self._path = path
        self._plugins = plugins
        self._structurer = Structurer(path.parent.resolve(), environment)
        self._faults: list[Fault] = []
        self._names: dict[str, frozenset[str]] = {}
        self._base = ""

    def read(self) -> Settings:
        tables = read_toml(self._path)
        for key in tables:
            if key not in SECTIONS:
                hint = did_you_mean(key, SECTIONS) or f"; known sections: {', '.join(SECTIONS)}"
                self._fault("", key, f"is not a section{hint}")
        self._names = {section: frozenset(table) for section, table in tables.items() if isinstance(table, dict)}
        service = self._service(tables.get("service", {}))
        zone = service.timezone if service else "UTC"
        self._base = service.url.rstrip("/") if service else ""
        calendars = {
            name: calendar
            for name, table in self._section(tables, "calendars").items()
            if (calendar := self._calendar(name, table, zone))
        }
        parts = {
            section: self._parts(tables, section) for section in ("channels", "bots", "surveys", "policies", "apps")
        }
        store = self._store(tables)
        bus = self._part("buses", "bus", tables["bus"], "bus") if "bus" in tables else None
        if bus is not None and store is not None and not store.component.shared:
            self._fault(
                "bus", "", "is of no use, because only one process can use this store; take it out or change [store]"
            )
        tokens = self._tokens(tables)
        self._check_apps(parts["apps"])
        for section, members in parts.items():
            self._check_together(members, section)
        if self._faults or service is None or store is None:
            raise FaultyFile(self._faults)
        canonical = json.dumps(tables, sort_keys=True, default=str)
        return Settings(
            path=self._path,
            service=service,
            store=store,
            bus=bus,
            calendars=calendars,
            tokens=tokens,
            fingerprint=sha256(canonical.encode()).hexdigest()[:12],
            **parts,
        )

    def _fault(self, table: str, key: str, message: str) -> None:
        self._faults.append(Fault(str(self._path), table, key, message))

    def _structure(self, cls: type, table: Any, where: str) -> Any:
        value, problems = self._structurer.read(cls, table)
        for keys, message in problems:
            self._fault(where, ".".join(keys), message + _doc(cls, keys, message))
        if value is not None:
            self._check_references(value, where)
        return value

    def _check_references(self, value: Any, where: str) -> None:
        for field in attrs.fields(type(value)):
            section = field.metadata.get("refers")
            if not section:
                continue
            names = getattr(value, field.name)
            for name in (names,) if isinstance(names, str) else names:
                known = self._names.get(section, frozenset())
                if name and name not in known:
                    hint = did_you_mean(name, known) or f"; add [{section}.{name}] or mend the name"
                    self._fault(where, field.name, f"there is no [{section}.{name}]{hint}")

    def _section(self, tables: dict[str, Any], section: str) -> dict[str, Any]:
        table = tables.get(section, {})
        if not isinstance(table, dict):
            self._fault(section, "", f"must be a table; write [{section}.NAME]")
            return {}
        return table

    def _service(self, table: Any) -> ServiceSettings | None:
        if isinstance(table, dict):
            table = {"data": "data", **table}  # a default that is a path still begins at the file
            if "url" not in table and isinstance(table.get("listen"), str):
                host, _, port = table["listen"].rpartition(":")
                there = "127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host  # noqa: S104 - compared, not bound
                table["url"] = f"http://{there}:{port}"
        service: ServiceSettings | None = self._structure(ServiceSettings, table, "service")
        if service is None:
            return None
        self._check_zone(service.timezone, "service")
        host, _, port = service.listen.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
            self._fault("service", "listen", f'must be "host:port", such as "127.0.0.1:8000", not {service.listen!r}')
        url = urlsplit(service.url)
        if url.scheme not in ("http", "https") or not url.hostname:
            self._fault("service", "url", f'must be an address such as "https://care.example", not {service.url!r}')
        if service.blobs:
            self._check_blobs(service.blobs)
        return service

    def _check_blobs(self, where: str) -> None:
        try:
            FarBlobs(where)
        except ConfigError as error:
            self._fault("service", "blobs", str(error))

    def _check_zone(self, zone: str, where: str) -> None:
        if zone not in available_timezones():
            hint = did_you_mean(zone, available_timezones()) or '; use a name such as "Europe/Madrid"'
            self._fault(where, "timezone", f"{zone!r} is not a time zone{hint}")

    def _calendar(self, name: str, table: Any, zone: str) -> Calendar | None:
        where = f"calendars.{name}"
        before = len(self._faults)
        settings = self._structure(CalendarSettings, table, where)
        if settings is None:
            return None
        if settings.timezone:
            self._check_zone(settings.timezone, where)
        holidays = self._holidays(settings.holidays, where)
        if len(self._faults) > before:
            return None
        try:
            return Calendar(name, settings.timezone or zone, parse_hours(settings.hours), holidays)
        except (ValueError, TypeError) as error:
            self._fault(where, "hours", str(error))
            return None

    def _holidays(self, given: Any, where: str) -> frozenset[date]:
        if isinstance(given, dict):
            unknown = set(given) - {"country", "subdivision"}
            country = given.get("country")
            if unknown or not isinstance(country, str):
                self._fault(
                    where, "holidays", 'must be { country = "ES" } with an optional subdivision, or a list of dates'
                )
                return frozenset()
            try:
                return country_holidays(country, given.get("subdivision"), HOLIDAY_YEARS)
            except ValueError as error:
                self._fault(where, "holidays", str(error))
                return frozenset()
        if isinstance(given, list) and all(type(day) is date for day in given):
            return frozenset(given)
        self._fault(where, "holidays", 'must be a list of dates such as [2026-12-25], or { country = "ES" }')
        return frozenset()

    def _parts(self, tables: dict[str, Any], section: str) -> dict[str, Part]:
        parts = {}
        for name, table in self._section(tables, section).items():
            part = self._part(section, name, table, f"{section}.{name}")
            if part is not None:
                parts[name] = part
        return parts

    def _store(self, tables: dict[str, Any]) -> Part | None:
        if "store" not in tables:
            self._fault("store", "", 'is missing; write [store] with use = "memory" or a durable one')
            return None
        return self._part("stores", "store", tables["store"], "store")

    def _part(self, kind: str, name: str, table: Any, where: str) -> Part | None:
        if not isinstance(table, dict):
            self._fault(where, "", f"must be a table; write [{where}]")
            return None
        offer = self._offer(kind, table.get("use"), where)
        keys = {field.name for field in attrs.fields(RESERVED[kind])}
        own_use = {"use": offer.name if offer else ""}  # _offer has said what is wrong with the one in the file
        reserved = self._structure(RESERVED[kind], {k: v for k, v in table.items() if k in keys} | own_use, where)
        if offer is None or reserved is None:
            return None
        own = {key: value for key, value in table.items() if key not in keys}
        settings = self._structure(offer.cls.Settings, own, where)
        if settings is None:
            return None
        try:
            component = offer.cls(name, settings)
            component.folder = self._path.parent.resolve()
            component.url = self._url_of(kind, name, reserved)
            for problem in component.check():
                self._fault(where, "", problem)
        except Exception as error:  # noqa: BLE001 - a stranger's constructor; the integrator needs the place, not a traceback
            self._fault(where, "", f"plugin {offer.plugin!r} failed to make it: {type(error).__name__}: {error}")
            return None
        _set_reserved(component, kind, name, reserved)
        return Part(name, component, reserved, offer)

    def _url_of(self, kind: str, name: str, reserved: Any) -> str:
        """The public address at which the component's routes are mounted."""
        path = (reserved.path or f"/{name}") if kind == "apps" else f"/{kind}/{name}"
        return self._base + path

    def _check_together(self, parts: Mapping[str, Part], section: str) -> None:
        """Let each class look at all of its parts at once."""
        by_class: dict[type[Component], list[Component]] = {}
        for part in parts.values():
            by_class.setdefault(type(part.component), []).append(part.component)
        for cls, components in by_class.items():
            if cls.check_together.__func__ is Component.check_together.__func__:  # type: ignore[attr-defined]
                continue
            for problem in cls.check_together(components):
                self._fault(section, "", problem)

    def _offer(self, kind: str, use: Any, where: str) -> Offer | None:
        known = self._plugins.offers[kind]
        if not isinstance(use, str):
            said = "is missing" if use is None else f"must be a text, not {use!r}"
            self._fault(where, "use", f"{said}; installed {kind}: {_names(known)}")
            return None
        if use in known:
            return known[use]
        hint = did_you_mean(use, known)
        message = f"{use!r} is not installed; installed {kind}: {_names(known)}{hint}"
        for info in self._plugins.broken:
            message += f"; plugin {info.name!r} is set aside: {info.error}"
        self._fault(where, "use", message)
        return None

    def _tokens(self, tables: dict[str, Any]) -> dict[str, TokenSettings]:
        tokens = {}
        for name, table in self._section(tables, "tokens").items():
            token = self._structure(TokenSettings, table, f"tokens.{name}")
            if token is None:
                continue
            if len(token.value.reveal()) < 16:
                self._fault(f"tokens.{name}", "value", "is too short to be a secret; use at least 16 characters")
            for right in token.may:
                if right not in ("read", "write"):
                    self._fault(f"tokens.{name}", "may", f'{right!r} is not a right; use "read" and "write"')
            tokens[name] = token
        return tokens

    def _check_apps(self, apps: Mapping[str, Part]) -> None:
        taken: dict[str, str] = {}
        for name, part in apps.items():
            path = part.component.path
            bare = path.rstrip("/")
            if fault := path_fault(path):
                self._fault(f"apps.{name}", "path", fault)
            elif bare in taken:
                self._fault(
                    f"apps.{name}", "path", f"{path!r} is also the path of [apps.{taken[bare]}]; choose another"
                )
            taken.setdefault(bare, name)


def _set_reserved(component: Component, kind: str, name: str, reserved: Any) -> None:
    if kind == "channels":
        component.inbox = reserved.inbox  # type: ignore[attr-defined]
    elif kind == "policies":
        component.channels = frozenset(reserved.channels)  # type: ignore[attr-defined]
    elif kind == "apps":
        component.path = reserved.path or f"/{name}"  # type: ignore[attr-defined]


def _names(known: Mapping[str, Offer]) -> str:
    return ", ".join(sorted(known)) or "none"


def _doc(cls: type, keys: tuple[str, ...], message: str) -> str:
    """What a missing key is for."""
    if message != "is missing" or len(keys) != 1:
        return ""
    field = getattr(attrs.fields(cls), keys[0], None)
    return f": {field.metadata['doc']}" if field is not None and field.metadata.get("doc") else ""
