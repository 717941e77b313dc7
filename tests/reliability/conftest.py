"""What the tests of reliability share: where processes come from, and a balance at the end."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from typing import Any

import pytest

from tests.reliability._clients import Client
from tests.reliability._ledger import LINES
from tests.reliability._nursery import Nursery
from tests.reliability._scale import FULL


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where processes of the service come from; none outlives the tests."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(autouse=True)
def _patience() -> None:
    if FULL:  # what tries everything is not hanging when it takes long
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def _no_client_left() -> Iterator[None]:
    yield
    while Client.opened:
        Client.opened.pop().forget()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what the ledgers of one of several processes say."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["balances"] = LINES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take it over; the hook is of pytest-xdist."""
    LINES.extend(getattr(node, "workeroutput", {}).get("balances", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what every ledger says."""
    if LINES:
        terminalreporter.section("acknowledged, lost, duplicated")
        for line in sorted(LINES):
            terminalreporter.write_line(line)
