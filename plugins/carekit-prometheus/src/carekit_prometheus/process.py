"""The meters of this process. Hooks belong to no component of the file, so what they count is kept here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # prometheus_client takes its time to import, and most commands show no figures
    from carekit_prometheus.meters import Meters


@cache
def meters() -> Meters:
    """The meters, made when they are first asked for."""
    from carekit_prometheus.meters import Meters

    return Meters()


def wanted() -> bool:
    """Whether some app shows the meters: as long as none does, there is nothing to count."""
    return meters.cache_info().currsize > 0
