"""What holds for every route, generated from the list of routes: a new one is covered the day it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from console_harness import World
from starlette.routing import Route

from carekit import AddNote, DeliveryStatus, HandOff, Scope, Send, Unassign
from carekit_console.render import CSP

OPEN = {"static", "login", "log_in"}
VALUES = {"version": "x", "name": "console.js", "view": "all", "seq": "2", "number": "0"}
FIELDS = {"text": "hello", "expected_seq": "99", "agent": "me", "until": "hour", "presence": "away", "theme": "dark"}


def routes() -> list[Route]:
    """The routes of a console, made once to name the tests."""
    world = World()
    world.kit.close()
    return world.routes


ROUTES = routes()
POSTS = [route for route in ROUTES if "POST" in (route.methods or ())]
READS = [route for route in ROUTES if "GET" in (route.methods or ())]
PER_CONVERSATION = [route for route in ROUTES if "{id}" in route.path]


def path_of(route: Route, id: str) -> str:
    """An address that the route answers."""
    path = route.path.replace(":int", "")
    for name, value in {**VALUES, "id": id}.items():
        path = path.replace("{" + name + "}", value)
    return path


def named(routes: list[Route]) -> Any:
    return pytest.mark.parametrize("route", routes, ids=[route.name for route in routes])


def log_of(world: World) -> int:
    """How long the whole log is."""
    return len(world.kit.run(world.kit.desk.feed(0, Scope.everything(), limit=10_000)))


class Shared:
    """One world for tests that all show that nothing changes: two agents who see everything, one who sees an inbox."""

    def __init__(self) -> None:
        self.world = World()
        self.lena, self.marc = self.world.agent("lena", name="Lena Canary"), self.world.agent("marc")
        self.limited = self.world.agent("ines", inboxes=["support"])
        self.id = self.world.write("a canary of a message")
        self.foreign = self.world.write("a canary of a message", sender="joe", channel="website", name="Canary Person")
        self.world.kit.act(AddNote("a canary of a note"), "agent:x", self.foreign)


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    made = Shared()
    yield made
    made.world.kit.close()


@named(POSTS)
@pytest.mark.parametrize("token", [None, "", "nonsense", "foreign", "session"])
def test_a_form_without_its_own_token_changes_nothing(shared: Shared, route: Route, token: str | None) -> None:
    """No token, a wrong one, another session's, the cookie itself: refused, and the log does not grow."""
    world, id = shared.world, shared.id
    visitor, other = shared.lena, shared.marc
    page = other.get("/view/mine").text
    foreign = page.split('name="csrf" value="')[1].split('"')[0]
    given = {"foreign": foreign, "session": visitor.client.cookies["carekit-console"]}.get(token or "", token)
    before = log_of(world)
    fields = FIELDS | {"email": "lena", "password": "password-of-lena"}
    answer = visitor.post(path_of(route, id), fields | ({} if given is None else {"csrf": given}), token=False)
    assert answer.status_code == 403
    assert log_of(world) == before


@named(POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://console.test.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
    ids=str,
)
def test_a_form_from_another_site_changes_nothing(shared: Shared, route: Route, headers: dict[str, str]) -> None:
    """Even with the right token, a form that another site sent is refused."""
    world, id = shared.world, shared.id
    visitor = shared.lena
    token = visitor.get("/view/mine").text.split('name="csrf" value="')[1].split('"')[0]
    before = log_of(world)
    answer = visitor.post(path_of(route, id), FIELDS | {"csrf": token}, headers=headers)
    assert answer.status_code == 403
    assert log_of(world) == before


@named([route for route in READS if route.name != "live"])
def test_reading_changes_nothing(shared: Shared, route: Route) -> None:
    """Every page asked for twice leaves the log as it was."""
    world, id = shared.world, shared.id
    visitor = shared.lena
    before = log_of(world)
    for _ in range(2):
        visitor.get(path_of(route, id))
    assert log_of(world) == before


@named([route for route in ROUTES if route.name not in OPEN])
def test_nothing_is_answered_without_a_session(shared: Shared, route: Route) -> None:
    """Every route but the log-in sends strangers to it, and tells them nothing."""
    world, id = shared.world, shared.id
    visitor = world.visitor()
    call = visitor.get if "GET" in (route.methods or ()) else lambda path: visitor.post(path, FIELDS)
    answer = call(path_of(route, id))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/login")
    assert "canary" not in answer.text


@named(PER_CONVERSATION)
def test_a_foreign_conversation_is_like_none_at_all(shared: Shared, route: Route) -> None:
    """An agent of another inbox gets, byte for byte, what a made-up id gets; and changes nothing."""
    world, visitor, foreign = shared.world, shared.limited, shared.foreign
    before = log_of(world)
    if "GET" in (route.methods or ()):
        real, none = (visitor.get(path_of(route, id)) for id in (foreign, "c_404"))
    else:
        real, none = (visitor.post(path_of(route, id), FIELDS, follow_redirects=False) for id in (foreign, "c_404"))
    # A notice of typing looks at nothing while nobody listens, so it cannot tell either.
    assert real.status_code == none.status_code == (204 if route.name == "typing" else 404)
    assert real.content == none.content
    assert dict(real.headers) == dict(none.headers)
    assert "canary" not in real.text
    assert log_of(world) == before


@pytest.mark.parametrize(
    "path", ["/view/mine", "/view/all", "/view/all?part=list", "/view/waiting", "/find?q=canary", "/find"]
)
def test_no_list_shows_a_foreign_inbox(shared: Shared, path: str) -> None:
    """Lists, counts and the search stay within the agent's inboxes."""
    text = shared.limited.get(path).text
    assert "Canary Person" not in text
    if path.startswith("/view"):
        assert 'data-count="all">1</span>' in text


def test_a_foreign_conversation_cannot_be_given_to_who_may_not_see_it(world: World) -> None:
    """Assigning checks the other agent's inboxes too."""
    id = world.write("hello")
    visitor = world.agent("lena")
    world.kit.add_agent("marc", inboxes=["website"])
    page = visitor.get(f"/c/{id}").text
    assert 'value="marc"' not in page
    assert visitor.post(f"/c/{id}/assign", {"agent": "marc"}).status_code == 422
    assert visitor.post(f"/c/{id}/assign", {"agent": "nobody-here"}).status_code == 422


def test_reports_count_what_the_agent_sees(world: World) -> None:
    """What came to other inboxes is in none of the figures."""
    world.write("hello", channel="website")
    world.write("hello", channel="support")
    page = world.agent("lena", inboxes=["support"]).get("/reports").text
    assert '<dt>Conversations</dt><dd class="figure-value">1</dd>' in page


def test_what_the_bot_answers_waits_for_nobody(world: World) -> None:
    """It stands in a view of its own, unmarked, until the bot gives way: then a person is needed, and it says so."""
    marked = "Waits for us"
    id = world.write("How do I return this?", channel="website")
    visitor = world.agent("lena", inboxes=["website"])

    def views() -> dict[str, bool]:
        keys = ("unassigned", "waiting", "bot")
        return {key: f'data-key="{id}"' in visitor.get(f"/view/{key}").text for key in keys}

    assert views() == {"unassigned": False, "waiting": False, "bot": True}
    assert marked not in visitor.get("/view/all").text
    world.kit.act(HandOff("requested"), "contact", id)
    assert views() == {"unassigned": False, "waiting": True, "bot": False}
    world.kit.act(Unassign(), "agent:lena", id)
    assert views() == {"unassigned": True, "waiting": True, "bot": False}


def test_dead_letters_are_for_those_who_see_every_inbox(world: World) -> None:
    """The page lists what could not be read with its reason; an agent of some inboxes finds neither it nor the way."""
    world.kit.run(world.kit.desk.quarantine("support", b"\x00", "<not> a mail", key="1"))
    page = world.agent("lena").get("/letters").text
    assert "&lt;not&gt; a mail" in page
    assert "Nothing of it can be shown." in page
    limited = world.agent("marc", inboxes=["support"])
    assert "There are none." in limited.get("/letters").text
    assert "/letters" not in limited.get("/view/all").text


def test_a_dead_letter_shows_what_it_is(world: World) -> None:
    """Kind, channel, who wrote it to whom, its first words on one line, why, and the way to its conversation."""
    world.kit.add_agent("marc", name="Marc Blom")
    id = world.write("Where is my order?", name="Ana Petrova")
    sent = world.kit.act(Send("It left\ntoday <b>" + " and goes on" * 60), "agent:marc", id).events[0]
    report = world.kit.desk.report_delivery(id, sent.seq, DeliveryStatus.FAILED, detail="550 5.1.1 no such user")
    world.kit.run(report)
    world.kit.run(world.kit.desk.quarantine("phone", b'{"from": "+34600000001"}', "no text in it", key="1"))
    page = world.agent("lena").get("/letters").text
    for words in (
        "Could not be sent", "support", "<dd dir=\"auto\">Marc Blom</dd>", "Ana Petrova &lt;ana@post.example&gt;",
        "It left today &lt;b&gt; and goes on", "…</dd>", "550 5.1.1 no such user", f"/console/c/{id}",
        "Could not be read", "phone", "{&#34;from&#34;: &#34;+34600000001&#34;}", "no text in it",
    ):  # fmt: skip
        assert words in page


def test_dead_letters_come_in_pages(world: World) -> None:
    """Each letter is on one page, and the last page leads no further."""
    for number in range(27):
        world.kit.run(world.kit.desk.quarantine("support", b"junk", f"fault {number:02}", key=str(number)))
    visitor = world.agent("lena")
    first = visitor.get("/letters").text
    onward = first.partition('href="/console/letters?after=')[2].partition('"')[0]
    second = visitor.get(f"/letters?after={onward}").text
    assert (first.count('<li class="letter">'), second.count('<li class="letter">')) == (25, 2)
    assert "Later ones" not in second


@named(ROUTES)
def test_every_answer_carries_the_headers(world: World, route: Route) -> None:
    """The policy for content, no sniffing, no framing, and no caching of what is somebody's."""
    id = world.write("hello")
    visitor = world.agent("lena")
    if route.name == "live":
        pytest.skip("a stream never ends here; test_console_live.py reads it")
    path = path_of(route, id)
    answer = visitor.get(path) if "GET" in (route.methods or ()) else visitor.post(path, FIELDS)
    assert answer.headers["content-security-policy"] == CSP or route.name == "file"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    if route.name != "static":
        assert answer.headers["cache-control"] == "no-store"


def test_two_agents_at_one_address_see_their_own_page(shared: Shared) -> None:
    """The same address shows each agent their own name and conversations."""
    assert '<strong dir="auto">Lena Canary' in shared.lena.get("/view/snoozed").text
    assert "Lena Canary" not in shared.marc.get("/view/snoozed").text
