from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers named chat_* lie beside the tests

if TYPE_CHECKING:
    from chat_browser import Open
    from chat_harness import Site
    from chat_shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    from chat_shop import shop_of

    yield from shop_of()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from chat_browser import CHROMIUM, FLAGS, missing

    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the Python package playwright is not installed: pip install playwright")
    if not CHROMIUM.exists():
        missing(f"{CHROMIUM} is not installed: apt-get install -y --no-install-recommends chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(browser: Any) -> Iterator[Site]:
    from chat_harness import SURVEY, Site
    from chat_parts import module

    keys = 'topics = ["Where is my parcel?"]\nhelp = "help@northwind.example"\nmessages_per_minute = 60'
    with Site(module(), keys=keys, more=SURVEY) as site:
        yield site


@pytest.fixture(scope="module")
def assisted(browser: Any) -> Iterator[Site]:
    from chat_harness import BOT, Site
    from chat_parts import module

    with Site(module(), more=BOT) as site:
        yield site


@pytest.fixture
def show(browser: Any) -> Iterator[Open]:
    """Opens the shop's page in a browser of its own; complains of every line in its console."""
    contexts, lines = [], []

    def show(site: Site, query: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 900, "height": 760}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda message: lines.append(message.text))
        page.on("pageerror", lambda error: lines.append(str(error)))
        page.goto(f"{site.url}/?{query}")
        return page

    yield show
    for context in contexts:
        context.close()
    expected = re.compile("favicon|404|WebSocket|ERR_INTERNET_DISCONNECTED")
    assert not [line for line in lines if not expected.search(line)]
