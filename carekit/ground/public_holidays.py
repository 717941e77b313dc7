"""Public holidays of countries and their regions, from the ``holidays`` package."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from carekit.ground.suggest import did_you_mean


def country_holidays(country: str, subdivision: str | None, years: Iterable[int]) -> frozenset[date]:
    """Return the public holidays of *country* in the given calendar *years*, as local dates.

    *country* is an ISO 3166-1 code ("ES", "ESP"); *subdivision* the local part of an ISO 3166-2 code ("MD" for
    ES-MD) to add the holidays of that region, or None for the national ones alone. Observed days are included
    where the law moves a holiday that falls on a weekend.

    :raises ValueError: the country or the subdivision is unknown; the message suggests what was probably meant.
    """
    # imported here because it is large, and only deployments that name a country need it
    import holidays

    code = country.strip().upper()
    span = list(years)
    try:
        if subdivision is None:
            return frozenset(holidays.country_holidays(code, years=span))
        entity = type(holidays.country_holidays(code))
    except NotImplementedError:
        # only a mistake pays for loading every country there is
        known = holidays.list_supported_countries(include_aliases=True) if len(code) <= 3 else ()
        raise ValueError(
            f'"{country}" is not a country with known holidays{did_you_mean(code, known)}: '
            'use its ISO 3166 code, such as "ES"'
        ) from None
    regions = {name.casefold(): name for name in (*entity.subdivisions, *entity.subdivisions_aliases)}
    region = regions.get(subdivision.strip().casefold())
    if region is None:
        choices = ", ".join(sorted(regions.values())) or "none"
        raise ValueError(
            f'"{subdivision}" is not a subdivision of {code}{did_you_mean(subdivision, regions.values())}: '
            f"known subdivisions: {choices}"
        )
    return frozenset(holidays.country_holidays(code, subdiv=region, years=span))
