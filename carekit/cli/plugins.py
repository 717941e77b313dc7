"""``carekit plugins``: what is installed, its version, what it offers."""

from __future__ import annotations

import json

import click

from carekit.service import plugins


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(as_json: bool) -> None:
    """Show the installed plugins and what each offers; a plugin that cannot be used is shown with the reason."""
    found = plugins.load()
    if as_json:
        rows = [
            {
                "name": info.name,
                "distribution": info.distribution,
                "version": info.version,
                "offers": {kind: list(names) for kind, names in info.offers.items()},
                "error": info.error or None,
            }
            for info in found.infos
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for info in found.infos:
        version = f"{info.distribution} {info.version}".strip()
        click.secho(f"{info.name}", bold=True, nl=False)
        click.echo(f"  {version}")
        if info.error:
            click.secho(f"  set aside: {info.error}", fg="red")
        for kind, names in info.offers.items():
            click.echo(f"  {kind}: {', '.join(names)}")
    if found.commands:
        click.echo(f"commands: {', '.join(str(command.name) for command in found.commands)}")
