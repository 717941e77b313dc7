"""``carekit doctor``: does everything that the file names answer, now?"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import click

from carekit.cli.common import file_argument, with_service
from carekit.seams.component import Health
from carekit.service.examining import examine
from carekit.service.service import Service
from carekit.web.listening import examine_listen

MARKS = {"ok": ("✓", "green"), "degraded": ("!", "yellow"), "failed": ("✗", "red")}


@click.command("doctor")
@file_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.option(
    "--timeout", type=click.FloatRange(1, 600), default=60, show_default=True, help="Seconds that each part may take."
)
def command(file: Path, as_json: bool, timeout: float) -> int:
    """Try everything that FILE names: listen, open the store, connect, log in, hand over a message; say what is wrong.

    Ends with 1 if anything failed. The service may be running meanwhile.
    """

    async def work(service: Service) -> list[Health]:
        found = []
        async for health in _examined(service, timeout):
            found.append(health)
            if not as_json:
                _print(health)
        return found

    found = with_service(file, work)
    failed = sum(health.state == "failed" for health in found)
    if as_json:
        click.echo(json.dumps([attrs.asdict(health) for health in found], indent=2))
    else:
        click.echo(f"{len(found)} examined, {failed} failed")
    return 1 if failed else 0


async def _examined(service: Service, patience: float) -> AsyncIterator[Health]:
    yield await examine_listen(service.settings.service.listen)
    async for health in examine(service, patience):
        yield health


def _print(health: Health) -> None:
    mark, colour = MARKS.get(health.state, ("?", "yellow"))
    click.secho(f"{mark} ", fg=colour, nl=False)
    click.secho(health.name, bold=True, nl=False)
    click.echo(f": {health.detail}" if health.detail else "")
