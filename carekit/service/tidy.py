"""Removing bytes that no event refers to: a process died before it committed, or a contact was erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from carekit.ground.errors import Refused
from carekit.ground.values import Value
from carekit.seams.store import Store
from carekit.service.blobs import Blobs, FolderBlobs

PAGE = 1000
KEPT = timedelta(days=1)
"""How long bytes are left alone, so that what refers to them has had the time to be committed."""

EVERY = timedelta(days=1)
"""How long after the last time the service does it again by itself."""
TIDIED = "carekit|tidied"
"""The mark that says when that was."""


def is_due(last: str | None, now: datetime) -> bool:
    """Whether it is time again, where *last* is the mark; a clock that was set back does not put it off for long."""
    try:
        return last is None or not timedelta() <= now - datetime.fromisoformat(last) < EVERY
    except (ValueError, TypeError):  # whatever stands there, it is no instant
        return True


class Tidied(Value, frozen=True):
    """How many contents were, or would be, removed, and how many bytes that is."""

    contents: int
    bytes: int


def tidy(
    blobs: Blobs,
    store: Store,
    now: datetime,
    *,
    kept: timedelta = KEPT,
    told: Callable[[int], None] = lambda done: None,
) -> Tidied:
    """Remove what nothing refers to and nobody kept within *kept*; *told* hears how many of 256 parts are done.

    Costs one look at each file and each digest in the log. Raises `Refused` if they are not in a folder.
    """
    if not isinstance(blobs, FolderBlobs):
        raise Refused("only attachments in a folder can be tidied; for others, use what their server has for it")
    before = (now - kept).timestamp()
    contents = size = 0
    for prefix in blobs.prefixes():
        known = set(_referred(store, prefix))
        for digest in blobs.old(prefix, before):
            if digest not in known and (dropped := blobs.drop(digest, before)) is not None:
                contents, size = contents + 1, size + dropped
        told(int(prefix, 16) + 1)
    return Tidied(contents, size)


def _referred(store: Store, prefix: str) -> Iterator[str]:
    """The digests with *prefix* that events refer to."""
    after = prefix
    while True:
        page = store.digests(after, PAGE)
        for digest in page:
            if not digest.startswith(prefix):
                return
            yield digest
        if len(page) < PAGE:
            return
        after = page[-1]
