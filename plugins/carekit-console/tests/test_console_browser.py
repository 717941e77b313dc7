"""The console in a real browser: two agents at work, by keyboard, without scripts, under its own content policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from console_harness import Opener, Served, World

from carekit import Address, Inbound, MessageReceived, MessageSent, NoteAdded, Presence, Scope, Send, Status, Typing

pytestmark = pytest.mark.require("chromium", "install it with apt-get install chromium")
AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


def fill(world: World) -> None:
    """A morning's work: a mail thread with a note, a bot's chat that was handed off, a breached promise."""
    kit = world.kit
    kit.add_agent("lena", name="Lena Ruiz")
    kit.add_agent("marc", name="Marc Weiss", presence=Presence.AWAY)
    first = world.write("My lamp arrived broken.\nCan you help?", name="Ana Petrova", subject="Broken lamp")
    kit.note("marc", "Known batch, replace it.", first)
    kit.reply("lena", "A new one is on its way.", first)
    world.write("Thank you. When will it come?", name="Ana Petrova")
    world.write("How do I return a lamp?", sender="joe", channel="website", name="Joe Martins")
    world.write("Who pays the customs?", sender="joe", channel="website", name="Joe Martins")
    world.write("Is anybody there?", sender="joe", channel="website", name="Joe Martins")
    kit.advance("5h")
    world.write("مرحبا، متى يصل طلبي؟", sender="omar", name="عمر الحداد", subject="طلب رقم 20412")


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served(fill)
    yield made
    made.stop()


def write(served: Served, text: str, sender: str = "new", name: str = "New Person") -> str:
    """A message that arrives while the pages are open."""
    key = f"peer:{sender}"
    address = Address("email", f"{sender}@post.example", name)
    inbound = Inbound("support", f"{sender}-{text}", address, text, (key,), (key,))
    return served.do(served.world.kit.desk.receive(inbound)).conversation


def conversation_of(served: Served, name: str) -> str:
    """The id of the conversation that Ana or Joe began."""
    sender = {"Ana": "Broken lamp", "Joe": ""}[name]
    page = served.world.kit.service.store
    started = [e for e in page.feed(0, 10_000, Scope.everything()) if e.kind == "conversation_started"]
    for event in started:
        facts = [e.fact for e in page.events(event.stream) if isinstance(e.fact, MessageReceived)]
        if facts[0].subject == sender:
            return event.stream
    raise AssertionError(name)


def test_a_new_conversation_appears_by_itself(open_page: Opener, served: Served) -> None:
    """With its count and the title, without touching anything."""
    page = open_page()
    assert page.title().startswith("(3) All")
    page.wait_for_selector("#live-state:empty", state="attached")
    id = write(served, "I am new here")
    page.wait_for_selector(f'.row[data-key="{id}"]')
    page.wait_for_selector('.views [data-count="all"]:text-is("4")')
    assert page.title().startswith("(4) All")


def test_nothing_moves_under_the_pointer(open_page: Opener, served: Served) -> None:
    """While the pointer is over the list a new row waits behind a pill."""
    page = open_page()
    first = page.locator(".row").first
    first.hover()
    before = first.get_attribute("data-key")
    id = write(served, "I am new here")
    page.wait_for_selector("#pill:not([hidden])")
    assert page.inner_text("#pill") == "1 new"
    assert page.locator(".row").first.get_attribute("data-key") == before
    page.click("#pill")
    page.wait_for_selector(f'.row[data-key="{id}"]')


def test_two_agents_see_each_other_at_once(open_page: Opener, served: Served) -> None:
    """A reply, a note and an assignment of one show in the other's open thread."""
    id = conversation_of(served, "Ana")
    lena, marc = open_page(f"/c/{id}"), open_page(f"/c/{id}", agent="marc")
    lena.fill("#reply-text", "Tomorrow.")
    lena.keyboard.press("Control+Enter")
    marc.wait_for_selector('article:has-text("Tomorrow.")')
    assert lena.input_value("#reply-text") == ""
    marc.click("#tab-note")
    assert marc.inner_text("#note-form button[type=submit]") == "Add note"
    marc.fill("#note-text", "Courier confirmed.")
    marc.keyboard.press("Control+Enter")
    lena.wait_for_selector('.note article:has-text("Courier confirmed.")')
    marc.click("text=Assign to me")
    lena.wait_for_selector('.event:has-text("Marc Weiss took it")')
    facts = served.world.kit.facts(MessageSent, id)
    assert [fact.text for fact in facts if fact.author == "agent:lena"][-1] == "Tomorrow."
    assert len(served.world.kit.facts(NoteAdded, id)) == 2


def test_a_reply_does_not_cross_a_colleagues(open_page: Opener, served: Served) -> None:
    """While one writes the other answers: it is shown first, the text stays, and Send anyway sends it."""
    id = conversation_of(served, "Ana")
    page = open_page(f"/c/{id}")
    page.fill("#reply-text", "Half-written")
    served.do(served.world.kit.desk.act(id, Send("I answered already."), "agent:marc", scope=Scope.everything()))
    page.wait_for_selector("#composer-news p")
    assert "Marc Weiss: I answered already." in page.inner_text("#composer-news")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#composer-problem:has-text("Something new")')
    assert page.input_value("#reply-text") == "Half-written"
    page.click("#composer-choices button[type=submit]")
    page.wait_for_selector('article:has-text("Half-written")')
    assert served.world.kit.facts(MessageSent, id)[-1].text == "Half-written"


def test_the_current_view_is_in_sight_on_a_small_screen(open_page: Opener) -> None:
    """The strip of views is wider than the screen: it is scrolled to the one that is shown."""
    page = open_page("/view/all", viewport={"width": 320, "height": 640})
    box = page.locator("#views [aria-current]").bounding_box()
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 320
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_who_is_writing_is_seen_on_both_sides(open_page: Opener, served: Served) -> None:
    """The contact's writing shows for a while; a reply is told to the other side, a note is not."""
    page = open_page()
    page.clock.install()
    heard: list[Typing] = []

    async def listen() -> None:
        served.world.kit.desk.hear_typing(Scope.everything(), heard.append)

    served.do(listen())
    page.click(".row a")
    page.wait_for_selector("#reply-text")
    id, name = page.get_attribute("#thread", "data-conversation"), page.inner_text("#thread h2")
    served.do(served.world.kit.desk.typing(id, "contact", scope=Scope.everything()))
    page.wait_for_selector(f'#writing:has-text("{name} is writing")')
    page.clock.fast_forward(7_000)
    assert page.inner_text("#writing") == ""
    heard.clear()
    page.click("#tab-note")
    page.locator("#note-text").press_sequentially("secret thoughts")
    page.click("#tab-reply")
    with page.expect_response(lambda response: response.url.endswith(f"/c/{id}/typing")) as told:
        page.locator("#reply-text").press_sequentially("It left")
    assert told.value.status == 204
    assert heard == [Typing(id, "agent:lena")]
    assert page.inner_text("#writing") == ""


def test_a_draft_survives_and_stays_with_its_conversation(open_page: Opener, served: Served) -> None:
    """It is there after a reload, marked in the list, and nowhere else."""
    id, other = conversation_of(served, "Ana"), conversation_of(served, "Joe")
    page = open_page(f"/c/{id}?view=all")
    page.fill("#reply-text", "Not finished")
    page.reload()
    assert page.input_value("#reply-text") == "Not finished"
    assert page.is_visible(f'.row[data-key="{id}"] .chip-draft')
    page.click(f'.row[data-key="{other}"] a')
    page.wait_for_url(f"**/c/{other}?view=all")
    assert page.input_value("#reply-text") == ""


def test_a_text_is_not_lost_without_a_connection(open_page: Opener, served: Served) -> None:
    """Offline: a word about it, the text still there, and the second try sends it once."""
    id = conversation_of(served, "Ana")
    page = open_page(f"/c/{id}")
    page.fill("#reply-text", "Important")
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('#composer-problem:has-text("Not sent")')
    assert page.input_value("#reply-text") == "Important"
    page.context.set_offline(False)
    page.click("#reply-form button[type=submit]")
    page.wait_for_selector('article:has-text("Important"):not([aria-label=Sending])')
    assert [f.text for f in served.world.kit.facts(MessageSent, id)].count("Important") == 1


def test_the_inbox_is_worked_by_keyboard(open_page: Opener, served: Served) -> None:
    """Open, note, reply, snooze, resolve, find: without a pointer."""
    page = open_page()
    keys = page.keyboard
    keys.press("j")
    keys.press("Enter")
    page.wait_for_url("**/c/**")
    id = page.get_attribute("#thread", "data-conversation")
    keys.press("n")
    keys.type("by key")
    keys.press("Control+Enter")
    page.wait_for_selector('.note article:has-text("by key")')
    keys.press("Escape")
    keys.press("r")
    keys.type("answer by key")
    keys.press("Control+Enter")
    page.wait_for_selector('article:has-text("answer by key"):not([aria-label=Sending])')
    keys.press("Escape")
    keys.press("s")
    keys.press("Enter")
    page.wait_for_selector('#thread-head:has-text("Snoozed")')
    page.wait_for_selector("#thread-head details[open]", state="detached")  # the menu is closed, the keys are free
    keys.press("e")
    page.wait_for_selector('#thread-head :text-is("Open")')
    keys.press("e")
    page.wait_for_selector('#thread-head :text-is("Resolved")')
    assert served.world.kit.conversation(id).status is Status.RESOLVED
    keys.press("Control+k")
    keys.type("petrova")
    page.wait_for_selector('#palette-list [aria-selected=true]:has-text("Ana Petrova")')
    keys.press("Enter")
    page.wait_for_selector('#thread h2:has-text("Ana Petrova")')
    keys.press("?")
    page.wait_for_selector("dialog[open] #sheet-title")


def test_letters_can_be_switched_off(open_page: Opener) -> None:
    """With shortcuts off a letter does nothing."""
    page = open_page()
    page.click("#me summary")
    page.click("[name=keys][value=off]")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 0


def test_deactivation_closes_the_open_page(open_page: Opener, served: Served) -> None:
    """Within seconds the page says that the session is over; what was being written stays in the browser."""
    id = conversation_of(served, "Ana")
    page = open_page(f"/c/{id}")
    page.fill("#reply-text", "Still here")
    served.world.deactivate("lena")
    page.wait_for_selector("#session-ended")
    assert page.evaluate(f"localStorage.getItem('carekit:draft:lena:{id}:reply')") == "Still here"


def test_reading_and_answering_need_no_scripts(open_page: Opener, served: Served) -> None:
    """With JavaScript off: open, reply, note, resolve."""
    id = conversation_of(served, "Ana")
    page = open_page("/view/all", java_script_enabled=False)
    page.click(f'.row[data-key="{id}"] a')
    assert "My lamp arrived broken." in page.inner_text("#entries")
    page.fill("#reply-text", "Without scripts")
    page.click("#reply-form button[type=submit]")
    page.fill("#note-text", "A plain note")
    page.click("#note-form button[type=submit]")
    page.click('form[action$="/resolve"] button')
    assert "Resolved" in page.inner_text("#thread-head")
    assert served.world.kit.facts(MessageSent, id)[-1].text == "Without scripts"
    assert served.world.kit.conversation(id).status is Status.RESOLVED


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1000, 320])
def test_axe_finds_nothing(browser: Any, served: Served, scheme: str, width: int) -> None:
    """No violation of any impact on any page, and nothing wider than the window."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="install carekit-console[test]").Axe()
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    found = []
    id, other = conversation_of(served, "Ana"), conversation_of(served, "Joe")

    def look(where: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        violations = axe.run(page, options=AXE).response["violations"]
        found.extend((where, one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in violations)

    page.goto(f"{served.url}/console/login")
    look("login")
    page.fill("#email", "lena")
    page.fill("#password", "password-of-lena")
    page.click("button[type=submit]")
    page.wait_for_url("**/view/mine")
    look("mine")
    for where in (f"/c/{id}?view=all", f"/c/{other}?view=waiting", "/view/snoozed", "/reports"):
        page.goto(f"{served.url}/console{where}")
        page.evaluate("document.querySelectorAll('.why, .quoted, .table').forEach((one) => { one.open = true; })")
        look(re.sub(r"c_\d+", "id", where))
    page.goto(f"{served.url}/console/c/{id}?view=all")
    page.click("#tab-note")
    look("note")
    page.click("#me summary")
    look("menu")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    look("palette")
    context.close()
    assert found == []


def test_the_page_can_be_read_from_right_to_left(open_page: Opener, served: Served) -> None:
    """Mirrored, nothing overflows and the list lies on the right."""
    page = open_page(f"/c/{conversation_of(served, 'Ana')}", viewport={"width": 1440, "height": 900})
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    assert page.locator("#list").bounding_box()["x"] > page.locator("#thread").bounding_box()["x"]
