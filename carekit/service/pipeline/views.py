"""What readers of the feed keep: rows of their own, moved on together with their cursor."""

from __future__ import annotations

from carekit.ground.errors import Stale
from carekit.service.pipeline.commands import KeepView, Mark
from carekit.service.pipeline.world import Kept, World


def mark(command: Mark, world: World) -> Kept:
    """Keep a channel's marks."""
    world.marks.update(command.marks)
    return Kept()


def keep_view(command: KeepView, world: World) -> Kept:
    """Keep a reader's rows; raises `Stale` if another node has moved its cursor meanwhile, so that they are wrong."""
    if world.views.get(command.cursor, "") != command.before:
        raise Stale("another node has read on", seq=0)
    for key, text in command.rows.items():
        world.put_view(key, text)
    world.put_view(command.cursor, command.after)
    world.texts.extend(command.texts)
    return Kept()
