"""The ``carekit`` command. Each command lives in a module of its own, loaded only when it is used."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from carekit import __version__
from carekit.ground.errors import CarekitError

COMMANDS = {
    "init": "Write a working carekit.toml from what is installed.",
    "check": "Find everything that is wrong with a file, at once.",
    "serve": "Run the service that a file describes.",
    "plugins": "Show what is installed and what it offers.",
    "new": "Begin a plugin: a distribution whose contract suite is green.",
    "agents": "Add, list and manage the people who answer.",
    "contacts": "List contacts, and erase those who want to be forgotten.",
    "dead": "Look at what could not be read or sent, and try it again.",
    "doctor": "Try everything that a file names: does it answer?",
    "tidy": "Remove attachments that nothing refers to.",
    "report": "Print response and resolution times, and satisfaction.",
    "explain": "Tell the story of a conversation: what, who, which policy, why.",
    "completion": "Print the shell completion for bash, zsh or fish.",
}
"""Every command and its line in the help, so that the help imports none of them."""


class ReaderGone(CarekitError):
    """Nobody reads our output any more (`carekit report … | head`)."""


class Lazy(click.Group):
    """Loads a command's module when the command is used; commands of plugins when no own one has the name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            command: click.Command = import_module(f"carekit.cli.{cmd_name}").command
            return command
        from carekit.service.plugins import load

        return next((command for command in load().commands if command.name == cmd_name), None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from carekit.ground.suggest import did_you_mean
            from carekit.service.plugins import load

            known = [*COMMANDS, *(str(command.name) for command in load().commands)]
            hint = did_you_mean(args[0], known) if args else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None  # click would end the process with 1 before anybody could say otherwise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        formatter.write_text("Plugins may add commands of their own: see `carekit plugins`.")


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="carekit")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A customer-care desk from one file: channels, bots, policies, agents and metrics."""
    if ctx.invoked_subcommand not in COMMANDS:
        from carekit.service.opening import ServiceFiles  # for commands of plugins: see carekit.Files

        ctx.obj = ServiceFiles()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with 0, 1 (explained), 2 (usage) or 70 (a fault of ours)."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result = cli.main(arguments, prog_name="carekit", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        click.echo("carekit: stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (ReaderGone, BrokenPipeError):
        # Nothing to say, and nobody to say it to; Python itself must find nothing to complain of when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except CarekitError as error:
        click.echo(f"carekit: {error}", err=True)
        return 1
    except Exception as error:  # an operator never sees a traceback unless they ask for it
        if os.environ.get("CAREKIT_DEBUG"):
            raise
        click.echo(
            f"carekit: a fault in carekit or a plugin: {type(error).__name__}: {error}\n"
            "Set CAREKIT_DEBUG=1 to see where; please report it.",
            err=True,
        )
        return 70
    return result if isinstance(result, int) else 0
