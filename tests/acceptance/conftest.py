"""What the acceptance tests share: a real browser, and pages in it that must stay silent."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance._browser import ARGUMENTS, PATIENCE, require_chromium

Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    binary = require_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(binary), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Opener]:
    """Opens an address as a new person would; at the end no page may have complained on its console."""
    contexts, lines = [], []

    def open_page(url: str, **options: Any) -> Any:
        settings = {"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**settings, **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: lines.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: lines.append(f"{page.url}: {error}"))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # The browser's own remarks about a service that is away are no fault of the page.
    remarks = re.compile(r"Failed to load resource|WebSocket connection|ERR_CONNECTION")
    assert [line for line in lines if not remarks.search(line)] == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures of the pages go, for whoever wants to look."""
    folder = Path(tempfile.gettempdir()) / "carekit-acceptance-pictures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
