"""The view behind the search: the words of every message, note and subject."""

from __future__ import annotations

from collections.abc import Sequence

from carekit.facts.events import Event
from carekit.rules.search import said
from carekit.seams.store import Store, Text
from carekit.service.views.readers import Step


class SearchView:
    """Hands texts to the store's own index."""

    name = "search-1"

    def step(self, events: Sequence[Event], store: Store) -> Step:
        texts = ((event, said(event.fact)) for event in events)
        return Step({}, [Text(event.position, event.stream, text) for event, text in texts if text])
