"""What this distribution offers to carekit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from carekit import Store, hookimpl
from carekit_sql.commands import db
from carekit_sql.store import SqlStore


@hookimpl
def carekit_stores() -> Mapping[str, type[Store]]:
    """The store named ``sql``."""
    return {"sql": SqlStore}


@hookimpl
def carekit_commands() -> Sequence[click.Command]:
    """``carekit db``."""
    return [db]
