"""The tables of the file that are core's own, and the keys that core keeps to itself in those of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from carekit.seams.settings import Secret, setting

SECTIONS = ("service", "store", "bus", "channels", "bots", "surveys", "calendars", "policies", "apps", "tokens")


@attrs.frozen
class ServiceSettings:
    """``[service]``."""

    name: str = setting("name of the service, as contacts read it", default="Care desk")
    timezone: str = setting("time zone of reports and of calendars that name none", default="UTC")
    url: str = setting(
        "public address, as contacts reach it; that of listen if absent", default="http://127.0.0.1:8000"
    )
    listen: str = setting("host:port to listen on", default="127.0.0.1:8000")
    proxies: tuple[str, ...] = setting(
        'addresses of proxies, or their networks such as "10.0.0.0/8", whose X-Forwarded headers are believed',
        default=(),
    )
    hosts: tuple[str, ...] = setting("host names it also answers to, besides that of url", default=())
    data: Path = setting("folder for attachments and the generated secret", default="data")
    blobs: str = setting(
        "where attachments and raw mail are kept instead of in the folder data: a URL that fsspec knows, such as"
        " s3://bucket/care, with its credentials in the environment",
        default="",
    )
    seed: Path | None = setting("TOML file with [[agents]] to add while there are none", default=None)
    secret: Secret | None = setting(
        "key that signs sessions and links; generated into the data folder if absent", default=None
    )


@attrs.frozen
class CalendarSettings:
    """``[calendars.NAME]``."""

    hours: Any = setting('weekly hours, such as { mon-fri = ["09:00-13:00", "14:00-18:00"] }, or "always"')
    timezone: str = setting("time zone of the hours; the service's if absent", default="")
    holidays: Any = setting('{ country = "ES", subdivision = "MD" }, or a list of dates', factory=list)


@attrs.frozen
class TokenSettings:
    """``[tokens.NAME]``: access to the HTTP API."""

    value: Secret = setting("the bearer token itself")
    may: tuple[str, ...] = setting('what it may do: "read", "write", "erase"', default=("read",))
    inboxes: tuple[str, ...] = setting("inboxes it may reach, each that of a channel; empty for all", default=())


@attrs.frozen
class ChannelReserved:
    """Keys that every ``[channels.NAME]`` has besides its plugin's."""

    use: str = setting("which channel it is")
    inbox: str = setting("the inbox its conversations land in; the channel's name if absent", default="")
    title: str = setting("what agents read", default="")
    calendar: str = setting("business hours that contacts are told", default="", refers="calendars")


@attrs.frozen
class BotReserved:
    """Keys that every ``[bots.NAME]`` has besides its plugin's."""

    use: str = setting("which bot it is")
    timeout: timedelta = setting("how long it may think about one message", default=timedelta(seconds=30))


@attrs.frozen
class PolicyReserved:
    """Keys that every ``[policies.NAME]`` has besides its plugin's."""

    use: str = setting("which policy it is")
    channels: tuple[str, ...] = setting("channels it applies to; empty for all", default=(), refers="channels")


@attrs.frozen
class AppReserved:
    """Keys that every ``[apps.NAME]`` has besides its plugin's."""

    use: str = setting("which app it is")
    path: str = setting("where its pages are; /NAME if absent", default="")


@attrs.frozen
class PlainReserved:
    """Keys that every other part has besides its plugin's."""

    use: str = setting("which one it is")


RESERVED: Mapping[str, type] = {
    "channels": ChannelReserved,
    "bots": BotReserved,
    "policies": PolicyReserved,
    "apps": AppReserved,
    "surveys": PlainReserved,
    "stores": PlainReserved,
    "buses": PlainReserved,
}
