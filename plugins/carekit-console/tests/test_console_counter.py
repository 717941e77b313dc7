"""The counter below a reply: what a text takes on a channel that cuts and prices it, told while it is written."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from console_harness import Opener, Served, World

from carekit import Capabilities, MessageSent

needs_browser = pytest.mark.require("chromium", "install it with apt-get install chromium")
COUNTER = "#reply-counter"


def fill(world: World) -> None:
    """One conversation on the channel with parts, one on a channel without, one on a channel with a length."""
    world.kit.add_agent("lena", name="Lena Ruiz")
    world.write("Where is my parcel?", channel="phone", name="Ana Petrova")
    world.write("Hello", sender="joe", name="Joe Martins")
    world.write("Good day", sender="kim", channel="brief", name="Kim Sato")


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served(fill)
    yield made
    made.stop()


def declared(served: Served) -> Capabilities:
    """What the channel says of itself."""
    found: Capabilities = served.world.kit.desk.channels["phone"].capabilities
    return found


def opened(open_page: Opener, name: str = "Ana Petrova", **options: Any) -> Any:
    """The conversation with *name*, open."""
    page = open_page(**options)
    page.click(f'.row:has-text("{name}") a')
    page.wait_for_selector(f'#thread h2:has-text("{name}")')
    return page


def counted(page: Any) -> str:
    """What the counter says."""
    return str(page.inner_text(COUNTER)).replace("\xa0", " ")


def test_the_page_carries_the_declaration(world: World) -> None:
    """Every field of it, so that nothing about a channel is known to the page; none for a channel without parts."""
    lena = world.agent()
    with_parts, without = world.write("Hi", channel="phone"), world.write("Hi", sender="joe")
    page = lena.get(f"/c/{with_parts}").text
    channel = world.kit.desk.channels["phone"]
    assert 'data-max="400"' in page
    carried = page.partition('data-segments="')[2].partition('"')[0].replace("&#34;", '"')
    assert json.loads(carried) == attrs.asdict(channel.capabilities.segments)
    assert "data-segments" not in lena.get(f"/c/{without}").text


@needs_browser
def test_what_a_text_takes_is_told_while_it_is_written(open_page: Opener) -> None:
    """What is left in the last part, how many parts, what they cost, and which character makes them short."""
    page = opened(open_page)
    assert page.get_attribute("#reply-text", "aria-describedby") == COUNTER.removeprefix("#")
    for text, said in (
        ("", "16 left · 1 part"),
        ("It left today", "3 left · 1 part · 0.07 €"),
        ("It left today. 5€", "12 left · 2 parts · 0.14 €"),
        ("Где?", "3 left · 1 part · 0.07 € · “Г” makes it 7 a part"),
        ("a\u00a0b", "4 left · 1 part · 0.07 € · U+00A0 makes it 7 a part"),
        ("🙂🙂🙂🙂", "4 left · 2 parts · 0.14 € · “🙂” makes it 7 a part"),
    ):
        page.fill("#reply-text", text)
        assert counted(page) == said


@needs_browser
def test_more_than_the_channel_takes_is_told_before_it_is_sent(open_page: Opener, served: Served) -> None:
    """Beyond its parts the counter says so, and nothing is sent until the text is shorter."""
    page = opened(open_page)
    page.fill("#reply-text", "word " * 10)
    assert counted(page) == "4 parts, 3 at most · 0.28 €"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#composer-problem:has-text("more than the channel takes")')
    page.fill("#reply-text", "word")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('article:has-text("word"):not([aria-label=Sending])')
    assert counted(page) == "16 left · 1 part"
    id = page.get_attribute("#thread", "data-conversation")
    assert [fact.text for fact in served.world.kit.facts(MessageSent, id)] == ["word"]


@needs_browser
def test_a_text_pasted_too_long_is_kept_whole(open_page: Opener, served: Served) -> None:
    """Nothing is cut off: the counter says how much it is, Send says why it stays, and shorter it goes."""
    page = opened(open_page, "Kim Sato")
    text = "Your order left today " + "🙂" * 30
    page.fill("#reply-text", text)
    assert page.input_value("#reply-text") == text
    assert counted(page) == "52 of 40"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#composer-problem:has-text("more than the channel takes")')
    assert page.input_value("#reply-text") == text
    page.fill("#reply-text", "Your order left today " + "🙂" * 18)
    assert counted(page) == "40 of 40"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('article:has-text("left today"):not([aria-label=Sending])')


@needs_browser
def test_a_channel_without_parts_shows_none(open_page: Opener) -> None:
    """Where a channel declares no parts and no length, nothing is counted."""
    page = opened(open_page, "Joe Martins")
    page.fill("#reply-text", "word " * 100)
    assert not page.is_visible(COUNTER)


@needs_browser
def test_the_page_counts_as_the_desk_does(open_page: Opener, served: Served) -> None:
    """For five hundred random texts of all scripts parts and places left are those of `Segments.count`."""
    page = opened(open_page)
    rule = declared(served).segments
    assert rule is not None
    chance = random.Random(38)
    letters = [*(chance.choice("abc {}€.?") for _ in range(60)), *"éшあ🙂👩\u200d\u0301\n"]
    texts = ["".join(chance.choices(letters[:60] if n % 2 else letters, k=chance.randrange(60))) for n in range(500)]
    told = page.evaluate(
        """async ({texts, rule}) => {
          const module = document.querySelector("script[type=module]").src.replace("console.js", "counter.js");
          const { measure } = await import(module);
          return texts.map((text) => { const found = measure(text, rule); return [found.parts, found.left]; });
        }""",
        {"texts": texts, "rule": attrs.asdict(rule)},
    )
    assert [tuple(one) for one in told] == [rule.count(text) for text in texts]


@needs_browser
def test_the_cost_is_written_as_the_price(open_page: Opener) -> None:
    """Its first number times the parts, exactly, with the same decimals and around it the same words."""
    given = [("0.07 €", 3), ("0,069 EUR", 15), ("$2", 4), ("£0.50", 2), ("free", 2)]
    told = opened(open_page).evaluate(
        """async (given) => {
          const module = document.querySelector("script[type=module]").src.replace("console.js", "counter.js");
          const { cost } = await import(module);
          return given.map(([price, parts]) => cost(price, parts));
        }""",
        given,
    )
    assert told == ["0.21 €", "1,035 EUR", "$8", "£1.00", "free"]


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_counter_fits_a_small_screen(open_page: Opener, scheme: str) -> None:
    """At 320 pixels nothing is wider than the window and the button stays whole."""
    page = opened(open_page, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    page.fill("#reply-text", "Где моя посылка? " * 4)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    button = page.locator("#reply-form button[type=submit]").bounding_box()
    assert button["width"] >= 60
    assert button["x"] + button["width"] <= 320
