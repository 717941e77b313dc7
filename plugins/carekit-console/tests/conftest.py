"""The world of each test, and where the helpers lie."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helper console_harness lies beside the tests

from console_harness import Opener, Served, World

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@pytest.fixture
def world() -> Iterator[World]:
    """A desk with a bot, routing, a first-reply promise and the console, and nobody in it."""
    made = World()
    yield made
    made.kit.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for the tests of one module."""
    api = pytest.importorskip("playwright.sync_api", reason="install it with pip install 'carekit-console[test]'")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, served: Served) -> Iterator[Opener]:
    """Opens pages as an agent; at the end nothing may have been said on any console."""
    contexts, said = [], []

    def open_page(path: str = "/view/all", agent: str = "lena", **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{served.url}/console/login?next=/console{path}")
        page.fill("#email", agent)
        page.fill("#password", f"password-of-{agent}")
        page.click("button[type=submit]")
        page.wait_for_url(f"**{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # The browser itself remarks on refused requests; anything else would be a fault of ours.
    assert [text for text in said if not text.startswith("Failed to load resource")] == []
