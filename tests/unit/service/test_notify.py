"""Listeners hear everything in order, and can break nothing."""

from __future__ import annotations

import threading

import pytest

from carekit.facts.events import Event
from carekit.seams.desk import Live
from carekit.seams.hookspecs import Sample
from carekit.service import notify as module
from carekit.service.notify import Notifier
from carekit.testing.contracts.values import conversation, event

LIVE = [Live(event("c1", seq), conversation(seq=seq)) for seq in (1, 2, 3)]


def test_listeners_hear_committed_events_in_order() -> None:
    """Each listener gets each event with its conversation, in order."""
    heard: list[tuple[int, str]] = []
    notifier = Notifier([("one", lambda event, conversation: heard.append((event.seq, conversation.id)))], [])
    notifier.events(LIVE)
    notifier.close()
    assert heard == [(1, "c1"), (2, "c1"), (3, "c1")]


def test_a_listener_that_raises_is_counted_and_hurts_nobody() -> None:
    """Failures are counted by plugin; the other listeners hear everything."""
    heard: list[int] = []

    def broken(event: object, conversation: object) -> None:
        raise RuntimeError("no")

    notifier = Notifier([("bad", broken), ("good", lambda event, _: heard.append(event.seq))], [])
    notifier.events(LIVE)
    notifier.close()
    assert (notifier.failures, heard) == ({"bad": 3}, [1, 2, 3])


def test_listeners_do_not_run_where_they_could_hold_up_the_service() -> None:
    """Hooks run in a thread of their own."""
    threads: list[threading.Thread] = []
    notifier = Notifier([("one", lambda *_: threads.append(threading.current_thread()))], [])
    notifier.events(LIVE[:1])
    notifier.close()
    assert threads[0] is not threading.current_thread()


def test_a_stuck_listener_costs_what_it_would_have_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit calls are dropped and counted instead of filling the memory."""
    monkeypatch.setattr(module, "WAITING", 5)
    gate = threading.Event()
    notifier = Notifier([("stuck", lambda *_: gate.wait(20))], [])
    for _ in range(20):
        notifier.events(LIVE[:1])
    gate.set()
    notifier.close()
    assert notifier.dropped >= 14


def test_a_slow_listener_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the patience is over closing returns, and what still waited is not called any more."""
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    gate, heard = threading.Event(), list[int]()

    def slow(event: Event, conversation: object) -> None:
        heard.append(event.seq)
        gate.wait(20)

    notifier = Notifier([("slow", slow)], [])
    for live in LIVE:
        notifier.events([live])
    notifier.close()
    gate.set()
    assert heard in ([], [1])


def test_nobody_listening_costs_nothing() -> None:
    """Without listeners there is no thread."""
    before = threading.active_count()
    notifier = Notifier([], [])
    notifier.events(LIVE)
    notifier.measured(Sample("commit", 0.1))
    assert threading.active_count() == before
    notifier.close()


def test_measurements_reach_their_own_listeners() -> None:
    """A sample goes to those who listen to samples."""
    heard: list[Sample] = []
    notifier = Notifier([], [("one", heard.append)])
    notifier.measured(Sample("commit", 0.1, 3))
    notifier.events(LIVE)
    notifier.close()
    assert heard == [Sample("commit", 0.1, 3)]
