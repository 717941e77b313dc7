"""The visitor: the shop's page, the bot, the way to a person, and what is said about waiting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance._browser import Visitor
from tests.acceptance._shop import Shop, Table, plugin
from tests.acceptance._socket import call
from tests.acceptance.conftest import Opener

CAPACITY = 2
BRITTLE = """
from carekit import Bot, hookimpl


class Brittle(Bot):
    async def respond(self, turn):
        raise RuntimeError("the crystal ball is cracked")


@hookimpl
def carekit_bots():
    return {"brittle": Brittle}
"""


def edit(table: Table) -> None:
    """Two more chats: one whose bot fails, one that is closed now and opens in two hours, whatever the day."""
    now = datetime.now(UTC)
    window = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    table["calendars"]["night"] = {"hours": {"mon-sun": [window]}, "timezone": "UTC"}
    table["channels"]["labs"] = {"use": "chat", "calendar": "office"}
    table["channels"]["night"] = {"use": "chat", "calendar": "night"}
    table["bots"]["brittle"] = {"use": "brittle"}
    first = {"brittle-first": {"use": "bot", "bot": "brittle", "channels": ["labs"]}}
    closed = {"at-night": {"use": "hours", "calendar": "night", "channels": ["night"]}}
    table["policies"] = {**first, **closed, **table["policies"]}


def staff(table: Table) -> None:
    """One agent, who can take few."""
    table["agents"] = [{**agent, "capacity": CAPACITY} for agent in table["agents"] if agent["id"] == "lena"]


@pytest.fixture(scope="module")
def shop(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("visitor")
    shop = Shop(folder, edit, staff, plugin(folder / "plugins", "brittle", BRITTLE))
    page = (shop.folder / "site" / "index.html").read_text("utf-8")
    for channel in ("labs", "night"):
        other = page.replace("/channels/website/w.js", f"/channels/{channel}/w.js")
        (shop.folder / "site" / f"{channel}.html").write_text(other, "utf-8")
    with shop:
        yield shop


@pytest.fixture(autouse=True)
def done_before_the_next(shop: Shop) -> Iterator[None]:
    """Whoever was taken care of in one test keeps nobody busy in another."""
    yield
    for conversation in shop.conversations(status=["open", "waiting"]):
        shop.act(conversation["id"], "resolve")


def test_one_script_tag_brings_the_chat(shop: Shop, open_page: Opener, pictures: Path) -> None:
    """The shop's page has one script, nothing is kept before the chat is used, and the launcher is there."""
    page = open_page(shop.url)
    assert page.locator("head script, body script").count() == 1
    assert page.locator("script").get_attribute("src") == "/channels/website/w.js"
    page.get_by_role("button", name="Open chat").wait_for()
    assert page.context.cookies() == []
    page.screenshot(path=pictures / "shop.png")


def test_the_bot_answers_with_a_link_to_its_source(shop: Shop, open_page: Opener, pictures: Path) -> None:
    """The answer comes from an article, and its link opens that article."""
    visitor = Visitor(open_page(shop.url))
    visitor.says("How do I return something?")
    source = visitor.chat.get_by_role("list", name="Sources").get_by_role("link").first
    source.wait_for()
    assert source.get_attribute("href").startswith(f"{shop.url}/help/returns")
    visitor.page.screenshot(path=pictures / "widget-light.png")
    with visitor.page.context.expect_page() as opened:
        source.click()
    opened.value.get_by_role("heading", name="Returning or exchanging an item").wait_for()
    opened.value.screenshot(path=pictures / "help-article.png")


def test_asking_for_a_person_hands_over(shop: Shop, open_page: Opener) -> None:
    """In words: the bot gives way, and whoever is there to answer gets it; nobody has joined before they do."""
    visitor = Visitor(open_page(shop.url))
    visitor.says("I want to talk to a person, please")
    visitor.chat.get_by_text("A person will take over").wait_for()
    visitor.chat.get_by_text("We will answer here as soon as we can").wait_for()
    assert visitor.chat.get_by_text("has joined").count() == 0
    id = shop.about("I want to talk to a person, please")["id"]
    assert [event["fact"]["trigger"] for event in shop.events(id, "handed_off")] == ["requested"]


def test_the_button_hands_over(shop: Shop, open_page: Opener) -> None:
    """A person is one press away under each answer of the bot."""
    visitor = Visitor(open_page(shop.url))
    visitor.says("Which payment methods do you take?")
    visitor.chat.get_by_role("button", name="Talk to a person").click()
    visitor.chat.get_by_text("A person will take over").wait_for()
    visitor.chat.get_by_role("button", name="Talk to a person").wait_for(state="hidden")


def test_two_misses_hand_over(shop: Shop, open_page: Opener) -> None:
    """The bot says twice that it does not know, and then a person has it, without being asked."""
    visitor = Visitor(open_page(shop.url))
    visitor.says("Quantum chromodynamics lattice gauge?")
    visitor.chat.locator(".bot").first.wait_for()
    visitor.says("Xylophone zeppelin bureaucracy?")
    visitor.chat.get_by_text("A person will take over").wait_for()
    events = shop.events(shop.about("Xylophone zeppelin bureaucracy?")["id"])
    assert [event["fact"]["missed"] for event in events if event["kind"] == "bot_answered"] == [True, True]
    assert [event["fact"]["trigger"] for event in events if event["kind"] == "handed_off"] == ["misses"]


def test_a_bot_that_fails_hands_over_once(shop: Shop, open_page: Opener) -> None:
    """The contact sees a person take over and nothing of the failure; the log names it."""
    visitor = Visitor(open_page(f"{shop.url}/labs.html"))
    visitor.says("Is anybody there?")
    visitor.chat.get_by_text("A person will take over").wait_for()
    visitor.says("Hello again")
    id = shop.about("Hello again")["id"]
    handed = shop.events(id, "handed_off")
    assert [(event["fact"]["bot"], event["fact"]["trigger"]) for event in handed] == [("brittle", "failed")]
    assert "RuntimeError" in handed[0]["reason"]
    shown = visitor.chat.locator("body").inner_text()
    assert not re.search(r"error|fail|crystal|brittle|exception", shown, re.IGNORECASE), shown
    assert visitor.bubbles() == ["Is anybody there?", "Hello again"]


def test_opening_hours_are_told(shop: Shop, open_page: Opener) -> None:
    """Closed: the visitor learns when it opens, in their own time, before and after writing."""
    visitor = Visitor(open_page(f"{shop.url}/night.html", timezone_id="Asia/Tokyo"))
    opens = datetime.now(UTC) + timedelta(hours=2)
    told = visitor.chat.get_by_text(re.compile(r"We are back .* at \d\d:\d\d \(your time\)"))
    told.wait_for()
    tokyo = {f"{opens + timedelta(hours=9) - timedelta(minutes=spent):%H:%M}" for spent in range(30)}
    assert re.findall(r"\d\d:\d\d", told.inner_text())[0] in tokyo
    visitor.says("Are you open?")
    visitor.sees("We are closed now and back on")


def test_the_estimated_wait_is_told(shop: Shop, open_page: Opener, pictures: Path) -> None:
    """With everybody busy and enough conversations finished, the visitor's place and the usual wait are shown."""
    for number in range(5):
        id = call(shop, f"Quick question {number}", "handoff")
        shop.event(id, "assigned")
        shop.act(id, "reply", agent="lena", text="Here you are.")
        shop.act(id, "resolve", agent="lena")
    for number in range(CAPACITY):
        shop.event(call(shop, f"Long story {number}", "handoff"), "assigned")
    visitor = Visitor(open_page(shop.url))
    visitor.says("I would like to talk to a human")
    waiting = visitor.chat.get_by_role("status").filter(has_text="You are next.")
    waiting.wait_for()
    assert re.search(r"Usually (under a minute|about \d+ minutes?|\d+–\d+ minutes)", waiting.inner_text())
    visitor.page.screenshot(path=pictures / "widget-queue.png")
