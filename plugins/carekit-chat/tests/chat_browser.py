"""The widget as a person at a browser uses it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --disable-quic"
).split()

Open = Callable[..., Any]
"""Opens the shop's page: a site, a query, and options of the browser's context."""


def missing(why: str) -> None:
    """Skip with the remedy, or fail where everything is required."""
    if os.environ.get("CAREKIT_REQUIRE_SERVERS") == "1":
        pytest.fail(why)
    pytest.skip(why)


def panel(page: Any) -> Any:
    """Open the chat; the panel inside."""
    page.get_by_role("button", name="Open chat").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox").wait_for()
    return frame


def write(page: Any, frame: Any, text: str) -> None:
    """Write and send, as the keyboard does."""
    frame.get_by_role("textbox", name="Write a message").fill(text)
    page.keyboard.press("Enter")


def said(frame: Any, text: str) -> Any:
    """The message *text* among those that the desk has."""
    return frame.get_by_role("log").get_by_text(text, exact=True)
