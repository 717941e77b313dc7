from __future__ import annotations

import json
from typing import Any

import pytest
from chat_harness import BOT, ROUTE, SURVEY
from chat_shop import Shop, hello, say, shop_of, take

from carekit import (
    AddNote,
    Address,
    Assign,
    Close,
    ContactIdentified,
    DeliveryChanged,
    DeliveryStatus,
    HandedOff,
    Resolve,
    Scope,
    Send,
    SurveyAnswered,
    Typing,
)

# --- what the visitor sees


def test_an_agent_is_seen_by_name(shop: Shop) -> None:
    """Joining and writing show the display name; the id of the agent stays inside."""
    shop.kit.add_agent("lena", name="Lena")
    with shop.open() as ws:
        hello(ws)
        say(ws, "Hello")
        shop.act(Assign("lena", reason="secret-reason"))  # by Lena herself
        joined = take(ws, "agent")
        now = take(ws, "now", lambda frame: frame["handler"] == "agent")
        shop.act(Send("Good morning"))
        message = take(ws, "message", lambda frame: frame["from"] == "agent")
    assert (joined["event"], joined["name"], now["name"], message["name"]) == ("joined", "Lena", "Lena", "Lena")
    assert "secret-reason" not in json.dumps([joined, now, message])
    assert '"lena"' not in json.dumps([joined, now, message])


def test_nobody_has_joined_before_they_act() -> None:
    """Out of hours a rule still assigns; the visitor is told that we are closed, and of the agent when she writes."""
    more = ROUTE + '[calendars.office]\nhours = { fri = ["09:00-12:00"] }\ntimezone = "UTC"'
    for shop in shop_of('calendar = "office"', more):
        shop.kit.add_agent("lena", name="Lena")
        with shop.open() as ws:
            token = hello(ws)["token"]
            say(ws, "Hello")
            now = take(ws, "now")
            shop.act(Send("Good evening"))
            message = take(ws, "message", lambda frame: frame["from"] == "agent")
            after = take(ws, "now", lambda frame: frame["handler"] == "agent")
        with shop.open() as ws:
            state = hello(ws, token=token)
            events = [(each["type"], each.get("joins")) for each in state["events"]]
            resumed = hello_again(shop, token, state)
        assert shop.kit.conversation().assignee == "lena"
        assert (now["handler"], now["name"], message["joins"], after["name"]) == ("team", "", True, "Lena")
        assert events == [("message", None), ("message", True)]
        assert (resumed["events"], resumed["now"]["name"]) == ([], "Lena")


def hello_again(shop: Shop, token: str, state: dict[str, Any]) -> dict[str, Any]:
    """What a widget is told that has seen all of *state*."""
    with shop.open() as ws:
        return hello(ws, token=token, conversation=state["conversation"], after=shop.kit.conversation().seq)


def test_waiting_is_told_while_nobody_has_it() -> None:
    """A visitor in the queue hears of it without asking."""
    for shop in shop_of():
        with shop.open() as ws:
            state = hello(ws)
            say(ws, "Hello")
            now = take(ws, "now")
        assert now["queued"]
        assert state["waiting"]["open"]


def test_the_service_tells_when_it_opens_again() -> None:
    """Outside of business hours the state says so, with the instant."""
    more = '[calendars.office]\nhours = { fri = ["09:00-12:00"] }\ntimezone = "UTC"'
    for shop in shop_of('calendar = "office"', more):
        with shop.open() as ws:
            waiting = hello(ws)["waiting"]
        assert waiting["open"] is False
        assert waiting["opens_at"] == "2024-01-12T09:00:00.000Z"


def test_bot_answers_and_gives_way_on_request() -> None:
    """The chip sends a message with an intent; the desk hands over."""
    for shop in shop_of(more=BOT):
        with shop.open() as ws:
            hello(ws)
            say(ws, "When do I get my refund?")
            answer = take(ws, "message", lambda frame: frame["from"] == "bot")
            say(ws, "Talk to a person", intent="handoff")
            event = take(ws, "agent")
        assert [source["title"] for source in answer["sources"]] == ["Returns and refunds", "How we pay money back"]
        assert event["event"] == "handoff"
        assert [fact.trigger for fact in shop.kit.facts(HandedOff)] == ["requested"]


def test_bot_is_typing_until_it_has_answered() -> None:
    """The dots come with the question and go with the answer."""
    for shop in shop_of(more=BOT):
        with shop.open() as ws:
            hello(ws)
            say(ws, "refund")
            assert take(ws, "now", lambda frame: frame["handler"] == "bot")["typing"]
            take(ws, "message", lambda frame: frame["from"] == "bot")
            assert not take(ws, "now")["typing"]


def test_the_visitor_sees_an_agent_writing(shop: Shop) -> None:
    """By name and at once; a note, another conversation and the visitor's own writing show nothing."""
    shop.kit.add_agent("lena", name="Lena")
    other = shop.kit.write("somebody else", channel="website").conversation
    with shop.open() as ws:
        hello(ws)
        mine = say(ws, "Hello")["conversation"]
        shop.act(AddNote("secret-note"))
        for id, actor in ((other, "agent:lena"), (mine, "contact"), (mine, "agent:lena")):
            shop.tell(id, actor)
        frame = take(ws, "typing")
        shop.act(Send("Hi"))
        after = take(ws, "message", lambda frame: frame["from"] == "agent")
    assert frame == {"type": "typing", "name": "Lena"}
    assert after["text"] == "Hi"


def test_agents_hear_of_a_visitor_writing(shop: Shop) -> None:
    """What the browser says is passed on without a word of content; before the first message there is nobody."""
    heard: list[Typing] = []
    shop.kit.desk.hear_typing(Scope.everything(), heard.append)
    with shop.open() as ws:
        hello(ws)
        ws.send_json({"type": "typing"})
        mine = say(ws, "Hello")["conversation"]
        for _ in range(3):
            ws.send_json({"type": "typing"})
        say(ws, "to be sure that the frames before were handled")
    assert heard == [Typing(mine, "contact")]


# --- the end


def test_a_resolved_conversation_is_rated_in_place() -> None:
    """The survey is offered in the log, and its answer is kept."""
    for shop in shop_of(more=SURVEY):
        with shop.open() as ws:
            hello(ws)
            say(ws, "Hello")
            shop.act(Send("Hi"))
            shop.act(Resolve())
            offered = take(ws, "survey")
            ws.send_json({"type": "survey", "score": 5, "comment": " Quick "})
            answered = take(ws, "survey")
        (fact,) = shop.kit.facts(SurveyAnswered)
        assert (offered["question"], offered["best"]) == ("How was the help you got?", 5)
        assert (fact.score, fact.positive, fact.comment) == (5, True, "Quick")
        assert answered["score"] == 5
        assert "comment" not in answered


@pytest.mark.parametrize("frame", [{"score": 6}, {"score": 0}, {"score": 3, "survey": "other"}])
def test_a_rating_off_the_scale_is_refused(frame: dict[str, Any]) -> None:
    """An error comes back and nothing is kept."""
    for shop in shop_of(more=SURVEY):
        with shop.open() as ws:
            hello(ws)
            say(ws, "Hello")
            shop.act(Send("Hi"))
            shop.act(Resolve())
            take(ws, "survey")
            ws.send_json({"type": "survey", **frame})
            assert take(ws, "error")["code"] == "refused"
        assert shop.kit.facts(SurveyAnswered) == []


def test_rating_without_an_offer_is_refused(shop: Shop) -> None:
    """Nobody rates what was never put to them."""
    with shop.open() as ws:
        hello(ws)
        ws.send_json({"type": "survey", "score": 5})
        assert take(ws, "error")["code"] == "refused"


def test_writing_again_reopens(shop: Shop) -> None:
    """A resolved conversation goes on with the next message."""
    with shop.open() as ws:
        hello(ws)
        say(ws, "Hello")
        shop.act(Resolve())
        take(ws, "status", lambda frame: frame["status"] == "resolved")
        say(ws, "One more thing")
        assert take(ws, "status")["status"] == "open"
    assert shop.count() == 1


def test_a_fresh_message_starts_a_new_one(shop: Shop) -> None:
    """After the end, the visitor may choose a new conversation; coming back leads to that one."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        first = say(ws, "Hello")
        shop.act(Resolve())
        take(ws, "now", lambda frame: frame["status"] == "resolved")
        second = say(ws, "Something else", fresh=True)
        take(ws, "message", lambda frame: frame["text"] == "Something else")
    with shop.open() as ws:
        state = hello(ws, token=token)
    assert first["conversation"] != second["conversation"] == state["conversation"]


def test_a_fresh_message_in_an_open_conversation_stays_in_it(shop: Shop) -> None:
    """A widget cannot scatter one matter over many conversations."""
    with shop.open() as ws:
        hello(ws)
        first = say(ws, "Hello")
        assert say(ws, "Again", fresh=True)["conversation"] == first["conversation"]


def test_a_closed_conversation_is_followed_by_a_new_one(shop: Shop) -> None:
    """An archived conversation takes nothing more."""
    with shop.open() as ws:
        hello(ws)
        first = say(ws, "Hello")
        shop.act(Close())
        take(ws, "status", lambda frame: frame["status"] == "closed")
        assert say(ws, "Hello again")["conversation"] != first["conversation"]


# --- receipts and identity


def test_delivered_and_read_are_reported_once(shop: Shop) -> None:
    """Leaving for the browser is delivered, being looked at is read; saying it twice changes nothing."""
    with shop.open() as ws:
        hello(ws)
        say(ws, "Hello")
        shop.act(Send("Hi"))
        message = take(ws, "message", lambda frame: frame["from"] == "agent")
        for _ in range(2):
            ws.send_json({"type": "read", "seq": message["seq"]})
        say(ws, "to be sure that the frames before were handled")
    statuses = [fact.status for fact in shop.kit.facts(DeliveryChanged) if fact.message == message["seq"]]
    assert statuses == [DeliveryStatus.DELIVERED, DeliveryStatus.READ]


def test_a_claimed_name_waits_for_the_first_message(shop: Shop) -> None:
    """Identifying before writing makes no contact; the claim is kept with the first message."""
    with shop.open() as ws:
        hello(ws)
        ws.send_json({"type": "identify", "name": "Ana", "email": "ana@mail.example"})
        assert shop.log() == [] or shop.count() == 0
        say(ws, "Hello")
        say(ws, "to be sure that the claim was handled")
    (fact,) = shop.kit.facts(ContactIdentified)
    assert (fact.name, fact.email) == ("Ana", "ana@mail.example")


@pytest.mark.parametrize("email", ["not an address", "ana@localhost", "ana@mail.example, bo@mail.example", "a" * 320])
def test_what_is_no_address_is_not_kept(shop: Shop, email: str) -> None:
    """An error names it, before and after the first message; the name that came with it is kept."""
    with shop.open() as ws:
        hello(ws)
        ws.send_json({"type": "identify", "name": "Ana", "email": email})
        early = take(ws, "error")
        say(ws, "Hello")
        ws.send_json({"type": "identify", "email": email})
        late = take(ws, "error")
        ws.send_json({"type": "identify", "email": " ana@mail.example "})
        say(ws, "to be sure that the claim was handled")
    assert (early["code"], late["code"]) == ("email", "email")
    assert "is not an e-mail address" in early["text"]
    assert [(fact.name, fact.email) for fact in shop.kit.facts(ContactIdentified)] == [
        ("Ana", ""),
        ("", "ana@mail.example"),
    ]


def test_a_claimed_address_shows_no_older_conversation(shop: Shop) -> None:
    """Claiming somebody else's address gives nothing of theirs."""
    shop.kit.write("secret matter", address=Address("email", "ana@mail.example"), channel="website")
    with shop.open() as ws:
        hello(ws)
        ws.send_json({"type": "identify", "email": "ana@mail.example"})
        say(ws, "Hello")
        message = take(ws, "message")
    assert message["text"] == "Hello"
    assert shop.count() == 2
