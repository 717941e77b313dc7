"""The hooks, all of them. Two kinds: *Collect* (every answer is kept, the file picks by name) and *Notify* (after the
commit; answers are ignored, a failure is counted and never undoes the fact)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import click
import pluggy

from carekit.facts.events import Event
from carekit.facts.nouns import Conversation
from carekit.seams.app import App
from carekit.seams.bot import Bot
from carekit.seams.bus import Bus
from carekit.seams.channel import Channel
from carekit.seams.policy import Policy
from carekit.seams.store import Store
from carekit.seams.survey import SurveyProvider

PROJECT = "carekit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""


@attrs.frozen
class Sample:
    """One measurement: ``seconds`` that the ``operation`` took, for ``count`` items."""

    operation: str
    seconds: float
    count: int = 1


@hookspec
def carekit_channels() -> Mapping[str, type[Channel]]:  # type: ignore[empty-body]
    """Collect: the channels this plugin offers, by the name that ``use`` gives in ``[channels.*]``."""


@hookspec
def carekit_bots() -> Mapping[str, type[Bot]]:  # type: ignore[empty-body]
    """Collect: the bots this plugin offers, by the name that ``use`` gives in ``[bots.*]``."""


@hookspec
def carekit_policies() -> Mapping[str, type[Policy]]:  # type: ignore[empty-body]
    """Collect: the policies this plugin offers, by the name that ``use`` gives in ``[policies.*]``."""


@hookspec
def carekit_stores() -> Mapping[str, type[Store]]:  # type: ignore[empty-body]
    """Collect: the stores this plugin offers, by the name that ``use`` gives in ``[store]``."""


@hookspec
def carekit_buses() -> Mapping[str, type[Bus]]:  # type: ignore[empty-body]
    """Collect: the buses this plugin offers, by the name that ``use`` gives in ``[bus]``."""


@hookspec
def carekit_surveys() -> Mapping[str, type[SurveyProvider]]:  # type: ignore[empty-body]
    """Collect: the survey providers this plugin offers, by the name that ``use`` gives in ``[surveys.*]``."""


@hookspec
def carekit_apps() -> Mapping[str, type[App]]:  # type: ignore[empty-body]
    """Collect: the apps this plugin offers, by the name that ``use`` gives in ``[apps.*]``."""


@hookspec
def carekit_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Collect: commands to add to the ``carekit`` command line."""


@hookspec
def carekit_event(event: Event, conversation: Conversation | None) -> None:
    """Notify: *event* is committed; *conversation* is how it stands after its transaction, None for other streams."""


@hookspec
def carekit_measured(sample: Sample) -> None:
    """Notify: the service measured something about itself."""
