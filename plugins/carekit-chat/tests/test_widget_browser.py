"""The widget in a real browser: the page around it, the panel, the keyboard, and what happens when things go wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from chat_browser import Open, panel, said, write
from chat_harness import ROUTE, Site
from chat_parts import module

from carekit import Presence

# --- before anybody opens it


def test_one_request_and_nothing_kept_before_opening(site: Site, show: Open, browser: Any) -> None:
    """The loader is all; no cookie, no storage, no other host."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.url)
    page.get_by_role("button", name="Open chat").wait_for()
    assert [url for url in asked if "/channels/" in url] == [f"{site.url}/channels/website/w.js"]
    assert all(url.startswith(site.url) for url in asked)
    assert context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    context.close()


def test_works_under_a_strict_policy(site: Site, show: Open) -> None:
    """No inline style, no markup from text: the page's console stays silent (the fixture looks)."""
    page = show(site, "strict=1")
    frame = panel(page)
    write(page, frame, "Under a strict policy")
    said(frame, "Under a strict policy").wait_for()


def test_a_pages_own_styles_do_not_reach_the_launcher(site: Site, show: Open) -> None:
    """Whatever the page does to every element, the launcher stays 56 px in its corner."""
    attack = "*{all:unset!important} div{position:static!important;opacity:0!important;inline-size:3px!important}"
    page = show(site)
    page.add_style_tag(content=attack)
    box = page.get_by_role("button", name="Open chat").bounding_box()
    assert box == {"x": 900 - 76, "y": 760 - 76, "width": 56, "height": 56}


# --- a conversation


def test_a_message_goes_out_and_the_answer_comes_in(site: Site, show: Open) -> None:
    """The bubble is there at once, then sent; the agent's answer shows the name."""
    page = show(site)
    frame = panel(page)
    write(page, frame, "Where is my parcel now?")
    said(frame, "Where is my parcel now?").wait_for()
    frame.get_by_text(re.compile(r"^Sent \d\d:\d\d$")).wait_for()
    site.join()
    site.reply("It arrives today.")
    said(frame, "It arrives today.").wait_for()
    frame.get_by_text("Lena has joined").wait_for()
    frame.get_by_text("You are talking to Lena").wait_for()
    assert frame.get_by_role("textbox").input_value() == ""


def test_history_is_there_after_a_reload_once(site: Site, show: Open) -> None:
    """The panel opens again by itself and shows every message exactly once."""
    page = show(site)
    frame = panel(page)
    for text in ("first of three", "second of three", "third of three"):
        write(page, frame, text)
        said(frame, text).wait_for()
    page.reload()
    frame = page.frame_locator("iframe")
    said(frame, "third of three").wait_for()
    bubbles = frame.locator(".bubble").all_inner_texts()
    assert bubbles == ["first of three", "second of three", "third of three"]


def test_text_is_text(site: Site, show: Open) -> None:
    """Markup in a message is shown, never obeyed; only web addresses become links."""
    page = show(site)
    frame = panel(page)
    text = '<img src=x onerror="document.title=1"> javascript:alert(1) https://shop.example/a?b=1.'
    write(page, frame, text)
    said(frame, text).wait_for()
    links = frame.get_by_role("log").get_by_role("link")
    assert links.count() == 1
    assert links.get_attribute("href") == "https://shop.example/a?b=1"
    assert "noopener" in links.get_attribute("rel")


def test_a_topic_is_sent_as_it_stands(site: Site, show: Open) -> None:
    """An empty chat offers first questions."""
    page = show(site)
    frame = panel(page)
    frame.get_by_role("button", name="Where is my parcel?").click()
    said(frame, "Where is my parcel?").wait_for()


def test_bot_says_what_it_is_and_gives_way(assisted: Site, show: Open) -> None:
    """Its messages carry the word Assistant and their sources, and a person is one press away."""
    page = show(assisted)
    frame = panel(page)
    write(page, frame, "When is my refund due?")
    frame.locator(".bot .who", has_text="Assistant").wait_for()
    assert frame.get_by_role("list", name="Sources").get_by_role("link").count() == 2
    frame.get_by_role("button", name="Talk to a person").click()
    frame.get_by_text("A person will take over").wait_for()
    frame.get_by_role("button", name="Talk to a person").wait_for(state="hidden")
    frame.get_by_role("status").filter(has_text="You are next").wait_for()


def test_resolved_is_rated_and_a_new_one_started(site: Site, show: Open) -> None:
    """Five labelled choices by keyboard, a comment if wanted, and a clean start."""
    page = show(site)
    frame = panel(page)
    write(page, frame, "A matter to be rated")
    said(frame, "A matter to be rated").wait_for()
    site.reply("Done.")
    site.resolve()
    frame.get_by_role("radio", name="Very bad").focus()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    frame.get_by_label("What could be better? (optional)").fill("Nothing")
    frame.get_by_role("button", name="Send rating").click()
    frame.get_by_text("Thank you for your rating.").wait_for()
    frame.get_by_role("button", name="Start a new one").click()
    write(page, frame, "A new matter")
    said(frame, "A new matter").wait_for()
    assert site.texts() == [("contact", "A new matter")]


# --- when things go wrong


def test_a_message_written_offline_goes_out_when_back(site: Site, show: Open) -> None:
    """The strip says so, the composer keeps working, and nothing is sent twice."""
    page = show(site)
    frame = panel(page)
    write(page, frame, "before")
    said(frame, "before").wait_for()
    page.context.set_offline(True)
    frame.get_by_text("Reconnecting…").wait_for()
    write(page, frame, "while away")
    frame.get_by_text("Waiting for the connection").wait_for()
    page.context.set_offline(False)
    said(frame, "while away").wait_for()
    frame.get_by_text("Reconnecting…").wait_for(state="hidden")
    assert [text for _, text in site.texts()] == ["before", "while away"]


def test_a_message_survives_a_reload_before_it_is_sent(site: Site, show: Open) -> None:
    """What waits for the connection is still there, and goes out, after the page was loaded anew."""
    page = show(site)
    frame = panel(page)
    write(page, frame, "kept one")
    said(frame, "kept one").wait_for()
    site.refuse = True
    try:
        page.reload()
        frame = page.frame_locator("iframe")
        write(page, frame, "kept two")
        frame.get_by_text("Waiting for the connection").wait_for()
        page.reload()
        frame.get_by_text("kept two").wait_for()
    finally:
        site.refuse = False
    said(frame, "kept two").wait_for()
    assert [text for _, text in site.texts()] == ["kept one", "kept two"]


def test_a_draft_survives_a_reload(site: Site, show: Open) -> None:
    """Half a sentence is not lost."""
    page = show(site)
    frame = panel(page)
    frame.get_by_role("textbox").fill("half a sen")
    page.wait_for_timeout(400)
    page.reload()
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox").wait_for()
    assert frame.get_by_role("textbox").input_value() == "half a sen"


def test_unavailable_says_where_to_turn(site: Site, show: Open) -> None:
    """After some tries in vain the panel names another way, and keeps the text."""
    site.refuse = True
    try:
        page = show(site)
        frame = panel(page)
        frame.get_by_text("Chat is not available just now.").wait_for(timeout=15000)
        assert frame.get_by_role("link").get_attribute("href") == "mailto:help@northwind.example"
    finally:
        site.refuse = False


# --- keyboard, sizes, languages


def test_the_whole_way_by_keyboard(site: Site, show: Open) -> None:
    """Enter opens and puts the focus in the field; Escape returns it to the launcher."""
    page = show(site)
    page.get_by_role("button", name="Open chat").focus()
    page.keyboard.press("Enter")
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox").wait_for()
    frame.locator("textarea:focus").wait_for()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    said(frame, "by keyboard").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open chat").wait_for()
    focused = page.evaluate("document.activeElement.shadowRoot?.activeElement?.tagName")
    assert focused == "BUTTON"
    assert not page.locator("iframe").is_visible()


def test_shift_enter_breaks_the_line(site: Site, show: Open) -> None:
    """Enter sends, Shift+Enter does not."""
    page = show(site)
    frame = panel(page)
    frame.get_by_role("textbox").press_sequentially("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert frame.get_by_role("textbox").input_value() == "one\ntwo"


def test_what_comes_while_closed_is_counted(site: Site, show: Open) -> None:
    """The launcher tells how many; opening takes the number away."""
    page = show(site)
    frame = panel(page)
    write(page, frame, "counting")
    said(frame, "counting").wait_for()
    page.keyboard.press("Escape")
    site.reply("one")
    site.reply("two")
    page.get_by_role("button", name="Open chat, 2 unread").click()
    said(frame, "two").wait_for()
    page.get_by_role("button", name="Close chat").first.wait_for()
    assert page.locator(".badge").is_hidden()


@pytest.mark.parametrize(("width", "height"), [(320, 568), (320, 256), (1280, 420)])
def test_fits_small_screens(site: Site, show: Open, width: int, height: int) -> None:
    """Full screen where there is little room; nothing is cut off and nothing scrolls sideways."""
    page = show(site, viewport={"width": width, "height": height}, reduced_motion="reduce")  # measured at rest
    frame = panel(page)
    box = page.locator("iframe").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= height
    send = frame.get_by_role("button", name="Send").bounding_box()
    assert send["y"] + send["height"] <= height
    body = frame.locator("body")
    assert body.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_mirrors_on_a_page_from_right_to_left(site: Site, show: Open) -> None:
    """The launcher sits at the inline end, which is on the left there."""
    page = show(site, "dir=rtl")
    box = page.get_by_role("button", name="Open chat").bounding_box()
    assert box["x"] == 20


def test_speaks_the_language_of_the_tag(site: Site, show: Open) -> None:
    """data-lang decides for the launcher and the panel."""
    page = show(site, "lang=es")
    page.get_by_role("button", name="Abrir el chat").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Hola. ¿En qué podemos ayudarte?").wait_for()
    assert frame.locator("html").get_attribute("lang") == "es"


def test_keeps_nothing_when_told_so(site: Site, show: Open) -> None:
    """With data-persist=none a reload is a new visitor."""
    page = show(site, "persist=none")
    frame = panel(page)
    write(page, frame, "of nobody in particular")
    said(frame, "of nobody in particular").wait_for()
    page.reload()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Hello. How can we help?").wait_for()
    assert frame.locator("html").evaluate("() => localStorage.length") == 0


def test_the_page_can_drive_it(site: Site, show: Open) -> None:
    """Commands from the page's script, and events back."""
    page = show(site)
    page.evaluate(
        """() => {
          window.heard = [];
          for (const name of ["ready", "open", "close", "message:sent"]) carekit("on", name, () => heard.push(name));
          carekit("prefill", "from the page");
          carekit("open");
        }"""
    )
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Send").click()
    said(frame, "from the page").wait_for()
    page.evaluate("carekit('close')")
    assert page.evaluate("heard") == ["open", "ready", "message:sent", "close"]


def test_a_queue_of_calls_made_before_it_loaded_is_obeyed(site: Site, show: Open) -> None:
    """The snippet's queue is read when the loader arrives."""
    page = show(site)
    page.evaluate(
        """() => {
          document.querySelector("[data-carekit]").remove();
          window.carekit = Object.assign(function () { carekit.q.push(arguments) }, { q: [] });
          carekit("open");
          const script = document.createElement("script");
          script.src = "/channels/website/w.js?again";
          document.body.append(script);
        }"""
    )
    page.frame_locator("iframe").get_by_role("textbox").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["empty", "talking", "resolved"])
def test_axe_finds_nothing(site: Site, browser: Any, scheme: str, state: str) -> None:
    """No violation of WCAG 2.2 AA or of good practice, in the page's corner and in the panel."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    context = browser.new_context(color_scheme=scheme, locale="en-GB", bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{site.url}/channels/website/panel.html")
    page.get_by_role("heading", name="Hello. How can we help?").wait_for()
    if state != "empty":
        page.get_by_role("textbox").fill("Hello https://shop.example/order")
        page.keyboard.press("Enter")
        page.get_by_text("Sent").wait_for()
        site.reply("Good morning")
        page.get_by_text("Good morning").wait_for()
    if state == "resolved":
        site.resolve()
        page.get_by_text("Good", exact=True).click()
        page.get_by_role("button", name="Send rating").wait_for()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    assert found.response["violations"] == []
    context.close()


def test_waits_its_turn(browser: Any, show: Open) -> None:
    """With everybody busy, the visitor is told the place."""
    with Site(module(), more=ROUTE) as site:
        site.call(lambda: site.kit.desk.set_presence("lena", Presence.OFF, "agent:lena"))
        first = show(site)
        write(first, panel(first), "first in line")
        said(first.frame_locator("iframe"), "first in line").wait_for()
        second = show(site)
        frame = panel(second)
        write(second, frame, "second in line")
        frame.get_by_role("status").filter(has_text="You are 2nd.").wait_for()
