"""``carekit completion``: the script a shell needs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    For bash, add to ~/.bashrc:  eval "$(carekit completion bash)"
    """
    from carekit.cli.main import cli

    completion = get_completion_class(shell)
    assert completion is not None, "click knows the three shells"
    click.echo(completion(cli, {}, "carekit", "_CAREKIT_COMPLETE").source())
