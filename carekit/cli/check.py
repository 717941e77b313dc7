"""``carekit check``: everything that is wrong with a file, at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from carekit.cli.common import counted, file_argument
from carekit.service import config, plugins
from carekit.service.faults import FaultyFile


@click.command("check")
@file_argument
def command(file: Path) -> None:
    """Check FILE without starting anything: all faults at once, each with its table, key and remedy.

    Ends with 0 if there are none, with 1 otherwise.
    """
    installed = plugins.load()
    for info in installed.broken:
        click.echo(f"plugin {info.name!r} is set aside: {info.error}", err=True)
    try:
        settings = config.load(file, installed)
    except FaultyFile as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        click.echo(f"{counted(len(error.faults), 'fault')} in {file}", err=True)
        sys.exit(1)
    parts = [
        counted(len(section), one, many)
        for one, many, section in (
            ("channel", "channels", settings.channels),
            ("bot", "bots", settings.bots),
            ("policy", "policies", settings.policies),
            ("survey", "surveys", settings.surveys),
            ("app", "apps", settings.apps),
            ("calendar", "calendars", settings.calendars),
        )
        if section
    ]
    told = "; ".join(filter(None, [", ".join(parts), f"configuration {settings.fingerprint}"]))
    click.echo(f"{file}: no faults ({told})")
