"""What can be wrong with a channel's settings beyond their types, without any I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from carekit_sms import numbers
from carekit_sms.fetching import networks
from carekit_sms.provider import Provider
from carekit_sms.quiet import parse_hours
from carekit_sms.settings import SmsSettings, known
from carekit_sms.words import WORDS

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def of_channel(settings: SmsSettings, provider: Provider, url: str) -> Iterator[str]:
    """Every fault of one channel, each with its remedy."""
    if settings.provider in known().providers:
        yield from _tables(settings)
    else:
        yield _unknown(settings.provider)
    if provider.settings is not None:
        yield from (f"{settings.provider}.{fault}" for fault in provider.check())
    yield from _address(url)
    yield from _numbers(settings)
    yield from _limits(settings)
    yield from _hours(settings)
    for key in ("sources", "media_networks"):
        try:
            networks(getattr(settings, key))
        except ValueError as error:
            yield f'{key}: {error}; write networks like "192.0.2.0/24"'
    for language in settings.languages:
        if language not in WORDS:
            yield f"languages: {language!r} has no words here; {', '.join(sorted(WORDS))} have, and words adds yours"


def of_all(numbers_of: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Numbers that two channels claim: their texts would land in whichever the provider posts to."""
    holders: dict[str, str] = {}
    for name, ours in numbers_of.items():
        for number in sorted(ours):
            if number in holders:
                yield (
                    f"the channels {holders[number]!r} and {name!r} both have the number {number}; a number lands in "
                    "one inbox, so give each its own"
                )
            holders.setdefault(number, name)


def _unknown(name: str) -> str:
    text = f"provider: {name!r} is not installed; installed are {', '.join(sorted(known().providers))}"
    why = known().broken.get(name)
    return f"{text}; it is set aside: {why}" if why else text


def _tables(settings: Any) -> Iterator[str]:
    for name, cls in known().providers.items():
        table = getattr(settings, name, None)
        if name == settings.provider and table is None:
            needed = [one.name for one in attrs.fields(cls.Settings) if one.default is attrs.NOTHING]
            yield f"{name}: its table is missing; it needs the keys {', '.join(needed) or 'that its reference lists'}"
        elif name != settings.provider and table is not None:
            yield f"{name}: is a table of another provider than {settings.provider!r}; take it out"


def _address(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        yield (
            f"the provider would post texts and receipts to {url} in the clear; set [service] url to an address with "
            "https (plain http is for this machine only)"
        )


def _numbers(settings: SmsSettings) -> Iterator[str]:
    region = settings.region
    if region and not numbers.is_region(region):
        yield f'region: {region!r} is not a region with telephone numbers; write two capitals such as "ES"'
        return
    for key, given in (("number", (settings.number,)), ("aliases", settings.aliases)):
        for one in given:
            if not numbers.is_short_code(one) and not numbers.e164(one, region):
                yield f'{key}: {one!r} is no telephone number; write it like "+34911000000", or give a short code'
    if settings.sender and not (numbers.is_sender_id(settings.sender) or numbers.e164(settings.sender)):
        yield (
            f"sender: {settings.sender!r} can be no sender; a name has up to 11 letters, digits and spaces, and a "
            "number is in international form"
        )
    if settings.test_number and not numbers.e164(settings.test_number, region):
        yield f'test_number: {settings.test_number!r} is no telephone number; write it like "+34612345678"'


def _limits(settings: SmsSettings) -> Iterator[str]:
    if not 1 <= settings.parts <= 255:
        yield f"parts: {settings.parts} is out of range; a text has 1 to 255 parts, and 10 is much"
    if settings.rate < 0:
        yield "rate: must be a number of texts a second, or 0 for no limit"
    if settings.media_size < 1:
        yield "media_size: must be 1 or more"
    if settings.price and len(re.findall(r"[0-9]+(?:[.,][0-9]+)?", settings.price)) != 1:
        yield f'price: {settings.price!r} does not hold one number; write it like "0.07 €"'


def _hours(settings: SmsSettings) -> Iterator[str]:
    if settings.quiet is None:
        return
    try:
        parse_hours(settings.quiet.hours)
    except ValueError as error:
        yield f"quiet.hours: {error}"
    if settings.quiet.timezone and not numbers.is_zone(settings.quiet.timezone):
        yield f'quiet.timezone: {settings.quiet.timezone!r} is not a time zone; use a name such as "Europe/Madrid"'
