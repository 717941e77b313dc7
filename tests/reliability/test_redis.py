"""Redis goes away, comes back and forgets: whoever reads at the other process misses nothing and sees nothing twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.acceptance._shop import until
from tests.acceptance._socket import dial
from tests.reliability._clients import Load, Replies, Webhook, series
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._servers import Postgres, Redis
from tests.reliability._site import Site, Table


@pytest.fixture
def pair(tmp_path: Path, nursery: Nursery) -> Iterator[tuple[Site, Site, Redis]]:
    """Two processes of one desk on PostgreSQL, told of each other's commits by Redis."""
    postgres, redis = Postgres(), Redis()

    def edit(table: Table) -> None:
        postgres.settings(table)
        redis.settings(table)

    first = Site(tmp_path, nursery, edit)
    try:
        with first, Site(tmp_path, nursery, peer=first) as second:
            yield first, second, redis
    finally:
        redis.stop()
        postgres.close()


class Feed:
    """Follows the feed of a site as a program does, each request after the last position of the one before."""

    def __init__(self, site: Site) -> None:
        self.seen: list[Any] = []
        self._site = site
        self._stop = Event()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        after = 0
        while not self._stop.is_set():
            page = self._site.get("events", after=after, wait=2)
            self.seen += page["items"]
            after = page["cursor"]

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(20)


def test_redis_away_and_emptied(pair: tuple[Site, Site, Redis]) -> None:
    """With Redis, without it, and with a new one that knows nothing: every event reaches the other process once."""
    first, second, redis = pair
    ledger, replies = Ledger("Redis away, feed of the other process"), Ledger("Redis away, chat at the other process")
    feed = Feed(second)
    with dial(second) as socket:  # type: ignore[arg-type]
        conversation = _speak(socket, "hello-there")
        load = Load()
        load.add(Webhook(first), series("webhook"), ledger)
        load.add(Replies(conversation, first), series("reply"), replies)
        for step in (lambda: None, redis.stop, redis.start, redis.stop, redis.start):
            step()
            time.sleep(1.5)
        load.finish(stop=True)
        heard = _heard(socket, len(replies.acked))
    until(lambda: ledger.acked <= {event["fact"].get("text") for event in list(feed.seen)}, "the last event")
    feed.close()
    received = [event["fact"]["text"] for event in feed.seen if event["kind"] == "message_received"]
    ledger.settle([text for text in received if text.startswith("webhook")])
    replies.settle(heard)
    positions = [event["position"] for event in feed.seen]
    assert positions == sorted(set(positions))


def _speak(socket: Any, key: str) -> str:
    """Begin a chat with a message; the id of its conversation."""
    socket.send(json.dumps({"type": "hello", "token": None, "conversation": None, "after": 0}))
    socket.send(json.dumps({"type": "send", "id": key, "text": key}))
    while (frame := json.loads(socket.recv(20)))["type"] != "ack":
        pass
    return str(frame["conversation"])


def _heard(socket: Any, number: int) -> list[str]:
    """The texts of our messages that the visitor's browser was shown, until there are *number*, and what follows."""
    found: list[str] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            frame = json.loads(socket.recv(20 if len(found) < number else 1.5))
        except TimeoutError:
            break
        if frame["type"] == "message" and frame["text"].startswith("reply"):
            found.append(frame["text"])
    return found
