"""Trying everything that a file names, all at once: for ``carekit doctor``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from carekit.ground.errors import CarekitError
from carekit.seams.component import Component, Health
from carekit.service.inboxes import inbox_fault
from carekit.service.service import Service


async def examine(service: Service, patience: float) -> AsyncIterator[Health]:
    """How the parts of an open *service* that connect to something answer, the quickest first.

    One that takes longer than *patience* seconds has failed.
    """
    examining = [asyncio.ensure_future(_examined(part, service, patience)) for part in _parts(service)]
    try:
        yield Health("store", "ok", "it opens")
        for health in await _agents(service):
            yield health
        for done in asyncio.as_completed(examining):
            for health in await done:
                yield health
    finally:
        for one in examining:
            one.cancel()


async def _agents(service: Service) -> list[Health]:
    """Agents limited to an inbox that the file has no more: nobody would tell them."""
    known = service.settings.inboxes
    return [
        Health(f"agent {agent.id}", "degraded", f"{fault}; mend it with `carekit agents inboxes`")
        for agent in await service.desk.agents()
        if agent.active
        for inbox in agent.inboxes
        if (fault := inbox_fault(inbox, known))
    ]


def _parts(service: Service) -> list[Component]:
    settings = service.settings
    parts = [settings.store.component, *service.components()]
    if settings.bus:
        parts.append(settings.bus.component)
    return [part for part in parts if type(part).examine is not Component.examine]


async def _examined(part: Component, service: Service, patience: float) -> Sequence[Health]:
    try:
        async with asyncio.timeout(patience):
            return await part.examine(service.desk)
    except TimeoutError:
        text = f"no answer within {patience:g} s: can what it connects to be reached from here?"
    except CarekitError as error:
        text = str(error)
    except Exception as error:  # noqa: BLE001 - a stranger's code
        text = f"its examination failed: {type(error).__name__}: {error}"
    return [Health(part.name, "failed", text)]
