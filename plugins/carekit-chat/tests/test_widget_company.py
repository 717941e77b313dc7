"""The widget in a real browser: what it tells of the other side, and of what the page says of its visitor."""

from __future__ import annotations

from chat_browser import Open, panel, said, write
from chat_harness import Site

from carekit import Typing


def test_an_address_that_is_none_is_told(site: Site, show: Open) -> None:
    """The visitor reads which and why, and the page hears of it; it goes with the next message or a better claim."""
    page = show(site)
    page.evaluate("window.heard = []; carekit('on', 'error', (detail) => heard.push(detail))")
    frame = panel(page)
    page.evaluate("carekit('identify', { name: 'Ana', email: 'ana at mail' })")
    notice = frame.get_by_role("alert")
    notice.get_by_text("“ana at mail” is not an e-mail address").wait_for()
    assert page.evaluate("heard") == ["not an e-mail address"]
    page.evaluate("carekit('identify', { email: 'ana@mail.example' })")
    notice.wait_for(state="hidden")
    page.evaluate("carekit('identify', { email: 'nobody' })")
    notice.wait_for()
    write(page, frame, "Hello there, without an address")
    said(frame, "Hello there, without an address").wait_for()
    notice.wait_for(state="hidden")


def test_an_agent_writing_is_seen_for_a_while(site: Site, show: Open) -> None:
    """The dots come with the name and go with the message, or by themselves when nothing more is heard."""
    page = show(site)
    page.clock.install()
    frame = panel(page)
    write(page, frame, "Is anybody there?")
    said(frame, "Is anybody there?").wait_for()
    dots = frame.locator("#typing")
    site.types()
    dots.get_by_text("Lena is writing").wait_for()
    site.reply("Yes, I am.")
    said(frame, "Yes, I am.").wait_for()
    dots.wait_for(state="hidden")
    site.kit.clock.advance("2s")
    site.types()
    dots.wait_for()
    page.clock.fast_forward(5_000)
    assert dots.is_visible()
    page.clock.fast_forward(2_000)
    dots.wait_for(state="hidden")


def test_writing_is_told_once_in_a_while(site: Site, show: Open) -> None:
    """Not for each key, not for white space, and not before there is a conversation."""
    heard: list[Typing] = []
    site.hear(heard.append)
    page = show(site)
    frame = panel(page)
    write(page, frame, "Where is my parcel?")
    said(frame, "Where is my parcel?").wait_for()
    assert heard == []
    box = frame.get_by_role("textbox")
    box.press_sequentially("   ")
    box.press_sequentially("It should have been here by now")
    page.wait_for_timeout(200)
    assert heard == [Typing(site.newest(), "contact")]
