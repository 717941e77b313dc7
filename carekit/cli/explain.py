"""``carekit explain``: the story of a conversation."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from carekit.cli.common import counted, file_and_more, with_service
from carekit.facts.codec import event_to_dict
from carekit.facts.events import Event
from carekit.rules.story import Line, tell
from carekit.seams.scope import EVERYTHING
from carekit.service.service import Service


@click.command("explain")
@file_and_more
@click.argument("conversation")
@click.option("--json", "as_json", is_flag=True, help="Print the events as one JSON array.")
def command(file: Path, conversation: str, as_json: bool) -> None:
    """Tell the story of CONVERSATION: each event, who did it, which policy caused it and why."""
    zone = "UTC"

    async def work(service: Service) -> tuple[list[Event], dict[str, str]]:
        nonlocal zone
        zone = service.settings.service.timezone
        events = await service.desk.events(conversation, EVERYTHING)
        return events, {agent.id: agent.name for agent in await service.desk.agents()}

    events, names = with_service(file, work)
    if as_json:
        click.echo(json.dumps([event_to_dict(event) for event in events], indent=2))
        return
    click.secho(f"{conversation}  ({counted(len(events), 'event')}, times in {zone})", bold=True)
    day = ""
    for line in tell(events, names):
        at = line.at.astimezone(ZoneInfo(zone))
        if at.date().isoformat() != day:
            day = at.date().isoformat()
            click.echo(f"\n{at:%A} {day}")
        _print(line, f"{at:%H:%M:%S}")


def _print(line: Line, at: str) -> None:
    cause = f"  (after {line.cause})" if line.cause else ""
    click.echo(f"{line.seq:>4}  {at}  ", nl=False)
    click.secho(line.who, bold=True, nl=False)
    click.echo(f": {line.what}{cause}")
    indent = " " * 16
    if line.quote:
        click.echo(textwrap.indent(textwrap.fill(line.quote, 84, replace_whitespace=False), indent + "│ "))
    if line.why:
        click.secho(f"{indent}because {line.why}", dim=True)
    for detail in line.details:
        click.secho(f"{indent}- {detail}", dim=True)
