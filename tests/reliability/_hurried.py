"""The same service with shorter times, so that a test need not wait long; a full run takes the real ones."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance._shop import plugin
from tests.reliability._scale import FULL

SOURCE = """
from datetime import timedelta

from carekit.service import alarms, node, service

node.LEASE = timedelta(seconds=4)
node.BEAT = service.BEAT = 1.0
alarms.PATIENCE = 1.0
"""


def hurried(folder: Path) -> list[Path]:
    """The folders of plugins with which a process finds out sooner that another one, or itself, was away."""
    return [] if FULL else [plugin(folder / "hurried", "hurried", SOURCE)]
