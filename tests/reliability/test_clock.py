"""The clock on the wall jumps: nothing expires that is not due, nothing fires twice, no duration is below zero."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests._servers import require
from tests.acceptance._shop import until
from tests.reliability._clients import Chat, Replies, Webhook, begun, keys
from tests.reliability._hurried import hurried
from tests.reliability._ledger import Ledger
from tests.reliability._nursery import Nursery
from tests.reliability._site import Site, Table

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Wall:
    """The clock of one process, by libfaketime(1); what runs evenly (the monotonic clock) is left alone."""

    def __init__(self, folder: Path) -> None:
        require("faketime", "apt-get install faketime")
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            pytest.skip("libfaketime is not where Debian puts it: apt-get install libfaketime")
        self._file = folder / "clock"
        self.ahead = timedelta()
        self.jump(timedelta())
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, ahead: timedelta) -> None:
        """Set it to be *ahead* of the true time."""
        self.ahead = ahead
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}\n", "ascii")
        new.replace(self._file)
        time.sleep(1.2)  # the process looks once a second

    def now(self) -> datetime:
        """What it shows."""
        return datetime.now(UTC) + self.ahead


def _edit(table: Table) -> None:
    table["policies"] = {"target": {"use": "sla", "first_response": "1h"}}


def test_jumps_of_the_clock(tmp_path: Path, nursery: Nursery) -> None:
    """Ahead and back by minutes, an hour, a day: each timer fires once, each answer leaves once, chats go on."""
    wall, messages, answers = Wall(tmp_path), Ledger("clock jumps, messages"), Ledger("clock jumps, answers")
    site = Site(tmp_path, nursery, _edit)
    site.environment, site.paths = wall.environment, hurried(tmp_path)
    with site:
        conversation, chat, webhook = begun(site), Chat(site), Webhook(site)

        def jump(ahead: timedelta) -> None:
            wall.jump(ahead)
            chat.deliver([f"visitor-{len(messages.offered)}"], messages)
            webhook.deliver(keys(f"person{len(messages.offered)}", 1), messages)
            Replies(conversation, site).deliver([f"answer-{len(answers.offered)}"], answers)
            until(lambda: not site.waiting(), "an outcome of every answer")
            chat.forget()

        jump(HOUR / 2)
        jump(-HOUR / 2)
        [snoozed] = {event["stream"] for event in site.events("message_received")[-1:]}
        _snooze(site, snoozed, wall.now() + 2 * HOUR)
        assert not site.events("target_breached")
        jump(HOUR + HOUR / 6)
        until(lambda: site.events("target_breached"), "what is due by now")
        jump(timedelta())
        jump(DAY)
        until(lambda: site.events("woken"), "the end of the snooze")
        jump(timedelta())
        breached = Counter(event["stream"] for event in site.events("target_breached"))
        assert set(breached.values()) == {1}
        assert len(site.events("woken")) == 1
        assert len(_conversations_of(site, "visitor")) == 1
        messages.settle([text for text in site.texts() if not text.startswith("somebody")])
        sent = [path.read_text("utf-8").splitlines() for path in (tmp_path / "outbox").glob("*.eml")]
        unsure = site.unsure()
        answers.settle([key for key in answers.acked for lines in sent if key in lines], unsure, unsure=len(unsure))
        assert _below_zero(site.get("reports")) == []


def _snooze(site: Site, conversation: str, instant: datetime) -> None:
    path = f"/api/v1/conversations/{conversation}/snooze"
    answer = site.http.post(path, json={"until": instant.isoformat()})
    assert answer.is_success, answer.text


def _conversations_of(site: Site, visitor: str) -> set[str]:
    """The conversations in which somebody's messages are."""
    events = site.events("message_received")
    return {event["stream"] for event in events if event["fact"]["text"].startswith(visitor)}


def _below_zero(report: Any) -> list[str]:
    """Where in a report a number is negative."""
    if isinstance(report, dict):
        return [f"{name} {place}" for name, value in report.items() for place in _below_zero(value)]
    if isinstance(report, list):
        return [place for value in report for place in _below_zero(value)]
    return [str(report)] if isinstance(report, int | float) and report < 0 else []
