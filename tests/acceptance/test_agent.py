"""The agent and the visitor at once, in two browsers: live, private where it must be, and whole after every mishap."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance._browser import Console, Visitor
from tests.acceptance._shop import Shop, Table
from tests.acceptance.conftest import Opener

QUESTION = "How do I return something?"
PLEA = "I want to talk to a person, please"


def staff(table: Table) -> None:
    """The agent of these tests has room for all of them."""
    for agent in table["agents"]:
        agent["capacity"] = 50


@pytest.fixture(scope="module")
def shop(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("agent"), staff=staff) as shop:
        yield shop


@pytest.fixture
def lena(shop: Shop, open_page: Opener) -> Console:
    """Lena, at her list."""
    return Console(open_page(f"{shop.url}/console"), "lena@northwind.example", "mountain-lake")


@pytest.fixture
def visitor(shop: Shop, open_page: Opener) -> Visitor:
    """A visitor with the chat open."""
    return Visitor(open_page(shop.url))


def hand_over(shop: Shop, visitor: Visitor, plea: str) -> str:
    """The visitor asks the bot, and then for a person by a sentence of their own; the conversation's id."""
    visitor.says(QUESTION)
    visitor.chat.get_by_role("list", name="Sources").wait_for()
    visitor.says(plea)
    visitor.chat.get_by_text("A person will take over").wait_for()
    id: str = shop.about(plea)["id"]
    return id


def test_a_wrong_password_is_refused(shop: Shop, open_page: Opener) -> None:
    """Nothing of the console is to be seen without logging in."""
    page = open_page(f"{shop.url}/console")
    page.get_by_label("E-mail or agent id").fill("lena")
    page.get_by_label("Password").fill("mountain-lakes")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    assert page.locator("#rows").count() == 0


def test_a_conversation_appears_live_with_the_bots_part(
    shop: Shop, lena: Console, visitor: Visitor, pictures: Path
) -> None:
    """Without a reload: in the list, assigned by policy for a reason that can be read, with the bot's transcript."""
    lena.page.evaluate("window.untouched = true")
    id = hand_over(shop, visitor, PLEA)
    lena.row(id).wait_for()
    lena.open(id)
    lena.article("How to return").locator(".sources a").first.wait_for()
    lena.line("handed off to people: the contact asked for a person").wait_for()
    assigned = lena.line("Assigned to Lena Ortega")
    assigned.get_by_text("Why?").click()
    assert "routing" in assigned.inner_text()
    assert "least loaded of 1 available" in assigned.inner_text()
    assert lena.page.evaluate("window.untouched"), "the page was loaded again"
    lena.page.screenshot(path=pictures / "console-light.png")


def test_a_reply_is_seen_live_and_a_note_never(shop: Shop, lena: Console, visitor: Visitor, pictures: Path) -> None:
    """What is written to the visitor arrives at once; what is written to colleagues stays with them."""
    id = hand_over(shop, visitor, "A human please, for a reply")
    lena.open(id)
    lena.note("Prefers to be called Dr. Nobody")
    lena.reply("Use the label in your parcel.")
    visitor.sees("Use the label in your parcel.")
    visitor.chat.get_by_text("You are talking to Lena Ortega").wait_for()
    visitor.reload()
    visitor.sees("Use the label in your parcel.")
    assert "Nobody" not in visitor.chat.locator("html").inner_html()
    visitor.page.screenshot(path=pictures / "widget-reply.png")
    lena.page.emulate_media(color_scheme="dark")
    lena.page.screenshot(path=pictures / "console-dark.png")


def test_the_rating_after_resolution_reaches_the_agent(
    shop: Shop, lena: Console, visitor: Visitor, pictures: Path
) -> None:
    """Resolved: the visitor is asked, answers, and the agent sees the score without a reload."""
    id = hand_over(shop, visitor, "A human please, to be rated")
    lena.open(id)
    lena.reply("Done.")
    lena.resolve()
    question = "How satisfied are you with the help you got?"
    visitor.chat.get_by_text(question).wait_for()
    visitor.page.screenshot(path=pictures / "widget-rating.png")
    visitor.chat.get_by_role("radio", name="Good", exact=True).check(force=True)
    visitor.chat.get_by_label("What could be better? (optional)").fill("A little faster")
    visitor.chat.get_by_role("button", name="Send rating").click()
    visitor.chat.get_by_text("Thank you for your rating.").wait_for()
    lena.line("rated 4 of 5: “A little faster”").wait_for()
    assert [event["fact"]["score"] for event in shop.events(id, "survey_answered")] == [4]


def test_a_reload_shows_the_whole_thread_once(shop: Shop, lena: Console, visitor: Visitor) -> None:
    """Both sides load their page again and read the same, nothing missing, nothing twice."""
    id = hand_over(shop, visitor, "A human please, before reloading")
    lena.open(id)
    for number in range(3):
        visitor.says(f"Question {number}.")
        lena.article(f"Question {number}.").wait_for()
        lena.reply(f"Answer {number}.")
        visitor.sees(f"Answer {number}.")
    before = visitor.bubbles()
    assert before[-6:] == [f"{word} {number}." for number in range(3) for word in ("Question", "Answer")]
    visitor.reload()
    visitor.sees("Answer 2.")
    lena.page.reload()
    lena.article("Answer 2.").wait_for()
    assert visitor.bubbles() == before
    assert squeezed(lena.articles()) == squeezed(before) == squeezed(text for _, text in shop.said(id))


def test_a_kill_loses_nothing_on_either_side(shop: Shop, lena: Console, visitor: Visitor) -> None:
    """Killed without warning while both look: what was written meanwhile arrives once, and both sides go on."""
    id = hand_over(shop, visitor, "A human please, before the power cut")
    lena.open(id)
    lena.reply("I am looking into it.")
    visitor.sees("I am looking into it.")
    shop.kill()
    visitor.write("Written in the dark.")
    visitor.chat.get_by_text("Waiting for the connection").wait_for()
    shop.start()
    visitor.sees("Written in the dark.")
    lena.article("Written in the dark.").wait_for()
    lena.reply("It is light again.")
    visitor.sees("It is light again.")
    texts = [text for _, text in shop.said(id)]
    for text in ("I am looking into it.", "Written in the dark.", "It is light again."):
        assert texts.count(text) == 1
    visitor.reload()
    visitor.sees("It is light again.")
    lena.page.reload()
    lena.article("It is light again.").wait_for()
    assert squeezed(visitor.bubbles()) == squeezed(lena.articles()) == squeezed(texts)


def test_a_stop_waits_for_nobody(shop: Shop, lena: Console, visitor: Visitor) -> None:
    """With both pages open, a request that never ends and an idle mail session: it stops, and all go on after."""
    id = hand_over(shop, visitor, "A human please, before the pause")
    lena.open(id)
    with (
        socket.create_connection(("127.0.0.1", shop.port)) as slow,
        socket.create_connection(("127.0.0.1", shop.mail_port)),
    ):
        slow.sendall(b"POST /api/v1/conversations/x/reply HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        shop.stop()
    shop.start()
    visitor.says("Are you back?")
    lena.article("Are you back?").wait_for()


def squeezed(texts: Any) -> list[str]:
    """Texts without their line breaks, which each page renders in its own way."""
    return [re.sub(r"\s+", " ", text).strip() for text in texts]
