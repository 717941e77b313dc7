"""The pages as a person works them: by what is written on them, not by how they are made."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from tests._servers import require

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
PATIENCE = 30_000
"""Milliseconds to wait for something on a page."""


def require_chromium() -> Path:
    """The browser and what drives it, or the remedy."""
    binary = require("chromium", "apt-get install -y --no-install-recommends chromium")
    if importlib.util.find_spec("playwright"):
        return binary
    reason = "playwright is not installed: pip install playwright"
    if os.environ.get("CAREKIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (CAREKIT_REQUIRE_SERVERS=1 forbids skipping)", pytrace=False)
    pytest.skip(reason)


class Visitor:
    """Somebody on the shop's page, with the chat open."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.get_by_role("button", name="Open chat").click()
        self.chat = page.frame_locator("iframe")
        self.chat.get_by_role("textbox").wait_for()

    def write(self, text: str) -> None:
        """Write and send, as the keyboard does."""
        self.chat.get_by_role("textbox", name="Write a message").fill(text)
        self.page.keyboard.press("Enter")

    def says(self, text: str) -> None:
        """Write, and wait until the service has it."""
        self.write(text)
        self.sees(text)

    def sees(self, text: str) -> None:
        """Wait for *text* among the messages that the service has."""
        self.chat.get_by_role("log").get_by_text(text).first.wait_for()

    def bubbles(self) -> list[str]:
        """Every message in order."""
        return [text.strip() for text in self.chat.get_by_role("log").locator(".bubble").all_inner_texts()]

    def reload(self) -> None:
        """Load the page anew; the chat opens again by itself."""
        self.page.reload()
        self.chat.get_by_role("textbox").wait_for()


class Console:
    """An agent in the console."""

    def __init__(self, page: Any, agent: str, password: str) -> None:
        self.page = page
        page.get_by_label("E-mail or agent id").fill(agent)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/view/*")

    def row(self, conversation: str) -> Any:
        """The conversation in the list."""
        return self.page.locator(f'.row[data-key="{conversation}"]')

    def open(self, conversation: str) -> None:
        """Open a conversation from the list, without loading the page."""
        self.row(conversation).get_by_role("link").click()
        self.page.wait_for_url(f"**/c/{conversation}*")
        self.page.locator(f'#thread[data-conversation="{conversation}"]').wait_for()

    def article(self, text: str) -> Any:
        """The message or note with *text*, once the service has it."""
        return self.page.locator('#entries article:not([aria-label="Sending"])').filter(has_text=text)

    def line(self, text: str) -> Any:
        """The line about something that happened."""
        return self.page.locator("#entries .event").filter(has_text=text)

    def reply(self, text: str) -> None:
        """Answer the contact."""
        self.page.get_by_role("tab", name="Reply").click()
        self.page.fill("#reply-text", text)
        self.page.get_by_role("button", name="Send", exact=True).click()
        self.article(text).wait_for()

    def note(self, text: str) -> None:
        """Write what only agents see."""
        self.page.get_by_role("tab", name="Private note").click()
        self.page.fill("#note-text", text)
        self.page.get_by_role("button", name="Add note").click()
        self.page.locator("#entries .note article").filter(has_text=text).wait_for()

    def resolve(self) -> None:
        """Be done with it."""
        self.page.get_by_role("button", name="Resolve").click()
        self.page.locator("#thread-head .chip-status-resolved").wait_for()

    def articles(self) -> list[str]:
        """Every message and note in order."""
        found = self.page.locator("#entries article .message-text").all_inner_texts()
        return [text.strip() for text in found]
