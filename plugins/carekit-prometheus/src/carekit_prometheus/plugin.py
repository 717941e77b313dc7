"""What this distribution offers to carekit: the app, and the two hooks that feed it."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import App, Conversation, Event, Sample, hookimpl
from carekit_prometheus.app import Metrics
from carekit_prometheus.process import meters, wanted


@hookimpl
def carekit_apps() -> Mapping[str, type[App]]:
    """The page that Prometheus reads."""
    return {"prometheus": Metrics}


@hookimpl
def carekit_event(event: Event, conversation: Conversation | None) -> None:
    """Counts what was committed."""
    if wanted():
        meters().event(event, conversation)


@hookimpl
def carekit_measured(sample: Sample) -> None:
    """Takes what the service measured about itself."""
    if wanted():
        meters().sample(sample)
