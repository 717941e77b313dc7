"""What this distribution offers to carekit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from carekit import Channel, hookimpl
from carekit_email.channel import EmailChannel
from carekit_email.commands import email


@hookimpl
def carekit_channels() -> Mapping[str, type[Channel]]:
    """E-mail (``email``)."""
    return {"email": EmailChannel}


@hookimpl
def carekit_commands() -> Sequence[click.Command]:
    """``carekit email deliver`` and ``carekit email explain``."""
    return [email]
