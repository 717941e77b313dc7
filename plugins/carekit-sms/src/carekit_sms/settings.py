"""The keys of a channel's table; those of its provider come from the provider itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import attrs

from carekit import setting
from carekit_sms.provider import Provider

GROUP = "carekit_sms.providers"
_OURS = "carekit-sms"


@attrs.frozen
class QuietSettings:
    """Hours in which the contact is not to be disturbed."""

    hours: str = setting('On their clock: `"21:00-08:00"`.')
    timezone: str = setting("Time zone to go by; that of the contact's number if absent.", "")
    holds: Literal["unasked", "everything"] = setting(
        "`unasked` holds what we begin by ourselves (notices, follow-ups, surveys), `everything` answers as well.",
        "unasked",
    )


@attrs.frozen
class WordsSettings:
    """Words of one's own, besides those of the languages."""

    stop: tuple[str, ...] = setting("Words that refuse further texts.", ())
    start: tuple[str, ...] = setting("Words that allow them again.", ())
    help: tuple[str, ...] = setting("Words that ask for help.", ())


@attrs.frozen
class SmsSettings:
    """One number: how texts reach it, and how they go out from it."""

    provider: str = setting("Who carries the texts; its keys are in the table of its name.")
    number: str = setting("The number people write to, in international form, or a short code.")
    aliases: tuple[str, ...] = setting("Further numbers whose texts land here.", ())
    sender: str = setting("What texts show as their sender instead of the number, such as a name.", "")
    region: str = setting("Where national numbers lie (ISO 3166, `ES`); that of `number` if absent.", "")
    languages: tuple[str, ...] = setting("Languages of the words STOP, START and HELP.", ("en",))
    words: WordsSettings = setting("Further such words.", factory=WordsSettings)
    price: str = setting("What one part costs, as agents read it: `0.07 €`.", "")
    long: Literal["split", "refuse"] = setting(
        "What becomes of a text of more than `parts` parts: `split` into several texts, or `refuse`d.", "split"
    )
    parts: int = setting("The most parts (160 or 70 characters) of one text.", 10)
    quiet: QuietSettings | None = setting("Hours in which texts wait.", None)
    rate: float = setting("The most texts a second from the number; 0 for no limit of our own.", 0.0)
    sources: tuple[str, ...] = setting("Networks that the provider posts from; empty for any.", ())
    media_size: int = setting("Octets of the largest file that is fetched.", 5_000_000)
    media_networks: tuple[str, ...] = setting("Networks of our own from which files may be fetched.", ())
    test_number: str = setting("Where `carekit doctor` sends a test.", "")


@attrs.frozen
class Known:
    """The providers that are installed, by name, and why others cannot be used."""

    providers: Mapping[str, type[Provider]]
    broken: Mapping[str, str]


@cache
def known() -> Known:
    """Every provider with an entry point in the group `GROUP`; of two with one name, ours."""
    providers: dict[str, type[Provider]] = {}
    broken: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=_ours_last):
        if not point.name.isidentifier() or point.name in attrs.fields_dict(SmsSettings):
            broken[point.name] = "its name cannot be that of a table: letters, digits and _, and no key of a channel"
            continue
        try:
            found = point.load()
        except Exception as error:  # noqa: BLE001 - a stranger's module: the others work without it
            broken[point.name] = f"{type(error).__name__}: {error}"
            continue
        if isinstance(found, type) and issubclass(found, Provider):
            providers[point.name] = found
        else:
            broken[point.name] = f"{point.value} is no class made from carekit_sms.Provider"
    return Known(providers, broken)


def _ours_last(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == _OURS


@cache
def settings_class() -> type:
    """`SmsSettings` with a table for each provider that is installed."""
    tables: dict[str, Any] = {}
    for name, provider in sorted(known().providers.items()):
        summary = (provider.__doc__ or "").strip().splitlines()
        tables[name] = setting(summary[0] if summary else f"Keys of the provider {name}.", None)
        tables[name].type = provider.Settings | None
    return attrs.make_class("SmsSettings", tables, bases=(SmsSettings,), frozen=True, kw_only=True)
