"""The command line, from its click commands."""

from __future__ import annotations

from pathlib import Path

import click

from carekit.cli.main import COMMANDS, cli
from carekit.service.plugins import load
from refparts import text

ROOT = Path(__file__).resolve().parents[2]


def described(command: click.Command, path: str, level: int = 2) -> str:
    """A command with its usage, help and options, and its own commands below it."""
    context = click.Context(command, info_name=path)
    pieces = " ".join(piece for piece in command.collect_usage_pieces(context) if piece)
    parts = [f"{'#' * level} `{path}`", f"```text\n{path} {pieces}\n```", text.markdown(command.help)]
    rows = [
        (text.code(record[0]), record[1])
        for parameter in command.params
        if (record := parameter.get_help_record(context)) and record[1] and "--help" not in record[0]
    ]
    if rows:
        parts.append(text.table(("option", "what it does"), rows))
    if isinstance(command, click.Group):
        below = [command.get_command(context, name) for name in command.list_commands(context)]
        parts += [described(one, f"{path} {one.name}", level + 1) for one in below if one is not None]
    return "\n\n".join(parts)


def core() -> str:
    """The commands of core."""
    context = click.Context(cli)
    found = [(name, cli.get_command(context, name)) for name in COMMANDS]
    return "\n\n".join(described(command, f"carekit {name}") for name, command in found if command is not None)


def plugins() -> str:
    """The commands that first-party plugins add."""
    modules = {f"{path.parent.name.replace('-', '_')}." for path in (ROOT / "plugins").glob("*/pyproject.toml")}
    ours = [
        command
        for command in load().commands
        if command.callback is not None and f"{command.callback.__module__.partition('.')[0]}." in modules
    ]
    return "\n\n".join(described(command, f"carekit {command.name}") for command in ours)


PARTS = {"cli-core": core, "cli-plugins": plugins}
