"""The one file: read, check everything at once, and give settings that cannot be wrong any more.

Every fault names the file, the table, the key and the remedy. Checking builds no connection and leaves nothing behind.
What is wrong in one place hides nothing that is wrong in another, and what only follows from it is not told.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs

from carekit.ground.calendars import Calendar
from carekit.ground.errors import ConfigError
from carekit.service.blobs import FarBlobs
from carekit.service.calendars import calendar_of, zone_fault
from carekit.service.faults import Fault, FaultyFile
from carekit.service.inboxes import inbox_fault
from carekit.service.parts import Part, Parts
from carekit.service.places import folder_fault, host_fault, listen_fault, name_fault, proxy_fault, reached, url_fault
from carekit.service.plugins import Plugins
from carekit.service.seed import read_seed
from carekit.service.sheet import Sheet
from carekit.service.signing import kept_fault
from carekit.service.structure import Problem
from carekit.service.tables import CalendarSettings, ServiceSettings, TokenSettings
from carekit.service.tokens import right_faults, short_fault, value_fault

ANYWHERE = "https://care.invalid"
"""The address that components are made with while the given one is faulty: none finds fault with it."""


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

    @property
    def inboxes(self) -> frozenset[str]:
        """Those that channels land in."""
        return frozenset(part.reserved.inbox or name for name, part in self.channels.items())


def load(path: Path, plugins: Plugins, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the file at *path*; raises `FaultyFile` with every fault, `ConfigError` if unreadable."""
    return _Reader(Sheet(path, environment), environment).read(plugins)


class _Reader:
    def __init__(self, sheet: Sheet, environment: Mapping[str, str] | None) -> None:
        self._sheet = sheet
        self._environment = environment

    def read(self, plugins: Plugins) -> Settings:
        sheet = self._sheet
        fingerprint = sha256(json.dumps(sheet.tables, sort_keys=True, default=str).encode()).hexdigest()[:12]
        service, wrong = self._service(sheet.tables.get("service", {}))
        calendars = self._calendars("UTC" if "timezone" in wrong else service.timezone)
        parts = Parts(sheet, plugins, ANYWHERE if wrong & {"url", "listen"} else service.url.rstrip("/"))
        sections = {name: parts.section(name) for name in ("channels", "bots", "surveys", "policies", "apps")}
        store, bus = self._store(parts), self._bus(parts)
        if bus is not None and store is not None and not store.component.shared:
            sheet.fault(
                "bus", "", "is of no use, because only one process can use this store; take it out or change [store]"
            )
        tokens = self._tokens(parts.inboxes)
        if store is None or not store.component.inline:
            self._check_data(service, wrong)
        self._check_seed(service, wrong)
        if sheet.faults or store is None:
            raise FaultyFile(_by_table(sheet.faults))
        return Settings(
            path=sheet.path,
            service=service,
            store=store,
            bus=bus,
            calendars=calendars,
            tokens=tokens,
            fingerprint=fingerprint,
            **sections,
        )

    def _service(self, table: Any) -> tuple[ServiceSettings, set[str]]:
        """The settings, and which keys are wrong with them: those hold what they have by default."""
        if isinstance(table, dict):
            table = {"data": "data", **table}  # a default that is a path still begins at the file
            if "url" not in table and isinstance(table.get("listen"), str):
                table["url"] = "http://" + ":".join(reached(table["listen"]))
        settings, problems = self._sheet.read(ServiceSettings, table, "service")
        if settings is None:
            return ServiceSettings(), {field.name for field in attrs.fields(ServiceSettings)}
        more = [problem for problem in _service_problems(settings) if problem.keys[0] not in _places(problems)]
        self._sheet.tell("service", more)
        return settings, _places([*problems, *more])

    def _calendars(self, zone: str) -> dict[str, Calendar]:
        calendars = {}
        for name, table in self._sheet.section("calendars").items():
            where = f"calendars.{name}"
            settings, problems = self._sheet.read(CalendarSettings, table, where)
            if settings is None:
                continue
            calendar, more = calendar_of(name, settings, zone)
            self._sheet.tell(where, more)
            if calendar is not None and not problems:
                calendars[name] = calendar
        return calendars

    def _store(self, parts: Parts) -> Part | None:
        if "store" in self._sheet.tables:
            return parts.part("stores", "store", self._sheet.tables["store"], "store")
        self._sheet.fault("store", "", 'is missing; write [store] with use = "memory" or a durable one')
        return None

    def _bus(self, parts: Parts) -> Part | None:
        tables = self._sheet.tables
        return parts.part("buses", "bus", tables["bus"], "bus") if "bus" in tables else None

    def _tokens(self, inboxes: Collection[str] | None) -> dict[str, TokenSettings]:
        tokens: dict[str, TokenSettings] = {}
        for name, table in self._sheet.section("tokens").items():
            where = f"tokens.{name}"
            if fault := name_fault(name):
                self._sheet.fault(where, "", fault)
            token, _ = self._sheet.read(TokenSettings, table, where)
            if token is None:
                continue
            self._sheet.tell(where, _token_problems(token, tokens, inboxes))
            if hasattr(token, "value"):
                tokens[name] = token
        return tokens

    def _check_data(self, service: ServiceSettings, wrong: set[str]) -> None:
        """The folder must be writable, unless everything that would be kept there has another place."""
        signs, keeps = service.secret is None and "secret" not in wrong, not service.blobs and "blobs" not in wrong
        if "data" in wrong or not (signs or keeps):
            return
        fault = folder_fault(service.data)
        if not fault and keeps and (service.data / "blobs").exists():
            fault = folder_fault(service.data / "blobs")
        if not fault and signs:
            fault = kept_fault(service.data / "secret")
        if fault:
            self._sheet.fault("service", "data", fault)

    def _check_seed(self, service: ServiceSettings, wrong: set[str]) -> None:
        if service.seed is None or "seed" in wrong:
            return
        try:
            read_seed(service.seed, self._environment)
        except FaultyFile as error:
            self._sheet.faults += error.faults
        except ConfigError as error:
            self._sheet.fault("service", "seed", str(error))


def _by_table(faults: list[Fault]) -> list[Fault]:
    """In the order in which the tables were read, those of one table together."""
    places = list(dict.fromkeys((fault.file, fault.table) for fault in faults))
    return sorted(faults, key=lambda fault: places.index((fault.file, fault.table)))


def _service_problems(settings: ServiceSettings) -> list[Problem]:
    found = [
        ("timezone", zone_fault(settings.timezone)),
        ("listen", listen_fault(settings.listen)),
        ("url", url_fault(settings.url)),
        ("blobs", _blobs_fault(settings.blobs)),
        ("secret", short_fault(settings.secret.reveal()) if settings.secret else ""),
        *(("proxies", proxy_fault(proxy)) for proxy in settings.proxies),
        *(("hosts", host_fault(host)) for host in settings.hosts),
    ]
    if found[2][1] and settings.url == "http://" + ":".join(reached(settings.listen)):  # it was made from the other
        made = f"no address can be made of {settings.listen!r}: name a host that others know, or give url as well"
        found[2] = ("listen", "" if found[1][1] else made)
    return [Problem((key,), fault) for key, fault in found if fault]


def _token_problems(
    token: TokenSettings, others: Mapping[str, TokenSettings], inboxes: Collection[str] | None
) -> list[Problem]:
    """What is wrong with a token, which may be a stand-in; *inboxes* is None while they are in doubt."""
    found = [("may", fault) for fault in right_faults(token.may)]
    value = getattr(token, "value", None)
    if value is not None:
        same = [name for name, other in others.items() if other.value == value]
        found.append(("value", value_fault(value.reveal())))
        found += [("value", f"is also that of [tokens.{name}]; give each its own") for name in same[:1]]
    if inboxes is not None:
        found += [("inboxes", inbox_fault(inbox, inboxes)) for inbox in token.inboxes]
    return [Problem((key,), fault) for key, fault in found if fault]


def _blobs_fault(url: str) -> str:
    try:
        if url:
            FarBlobs(url)
    except ConfigError as error:
        return str(error)
    return ""


def _places(problems: Collection[Problem]) -> set[str]:
    """The keys that *problems* are about."""
    return {name for problem in problems for name in (problem.keys[0] if problem.keys else "", problem.meant) if name}
