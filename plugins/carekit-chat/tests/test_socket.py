from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from chat_harness import BOT, SURVEY, toml
from chat_parts import module
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from carekit import (
    Address,
    Assign,
    Close,
    ContactIdentified,
    DeliveryChanged,
    DeliveryStatus,
    HandedOff,
    MessageReceived,
    Resolve,
    Scope,
    Send,
    SurveyAnswered,
)
from carekit.testing import DeskKit
from carekit_chat import plugin
from carekit_chat.room import TABS

URL = "https://care.example"
PATH = "/channels/website/socket"
ids = (f"message-{number}" for number in itertools.count())


class Shop:
    """A desk with a chat channel, and a client that opens sockets to it."""

    def __init__(self, kit: DeskKit, client: TestClient) -> None:
        self.kit = kit
        self.client = client

    def open(self, origin: str | None = URL) -> WebSocketTestSession:
        """A socket as a page of *origin* opens it."""
        return self.client.websocket_connect(PATH, headers={} if origin is None else {"origin": origin})

    def act(self, action: Any, actor: str = "agent:lena") -> None:
        """Let *actor* act on the newest conversation."""

        async def act() -> None:
            id = self.kit.conversation().id
            await self.kit.desk.act(id, action, actor, scope=Scope.everything())

        assert self.client.portal
        self.client.portal.call(act)

    def count(self) -> int:
        """How many conversations there are."""
        return sum(event.kind == "conversation_started" for event in self.log())

    def log(self) -> list[Any]:
        """Every event there is."""
        return self.kit.service.store.feed(0, 10_000, Scope.everything())


def shop_of(keys: str = "", more: str = "") -> Iterator[Shop]:
    """A running shop."""
    extra = {"chat": plugin, "parts": module()}
    with DeskKit(toml(URL, keys=keys, more=more), extra=extra, discover=False) as kit:
        routes = kit.service.channels["website"].routes(kit.desk)
        with TestClient(Starlette(routes=[Mount("/channels/website", routes=routes)]), base_url=URL) as client:
            yield Shop(kit, client)


@pytest.fixture
def shop() -> Iterator[Shop]:
    yield from shop_of()


def hello(ws: WebSocketTestSession, **fields: Any) -> dict[str, Any]:
    """Say hello; the state that comes back."""
    ws.send_json({"type": "hello", **fields})
    return take(ws, "state")


def take(ws: WebSocketTestSession, kind: str, fits: Callable[[Any], bool] = lambda frame: True) -> dict[str, Any]:
    """The next frame of *kind* that *fits*."""
    while True:
        frame: dict[str, Any] = ws.receive_json()
        if frame["type"] == kind and fits(frame):
            return frame


def say(ws: WebSocketTestSession, text: str, **fields: Any) -> dict[str, Any]:
    """Send a message; its acknowledgement."""
    ws.send_json({"type": "send", "id": next(ids), "text": text, **fields})
    return take(ws, "ack")


def closed(ws: WebSocketTestSession) -> WebSocketDisconnect:
    """How the service closed the socket."""
    with pytest.raises(WebSocketDisconnect) as caught:
        while True:
            ws.receive_json()
    return caught.value


# --- who may come in


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "https://care.example.evil.example", "http://care.example"]
)
def test_a_foreign_page_gets_no_socket(shop: Shop, origin: str | None) -> None:
    """It is refused at the handshake, before a frame is read."""
    with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), shop.open(origin):
        pass


def test_nothing_is_kept_before_the_first_message(shop: Shop) -> None:
    """Opening the chat makes neither contact nor conversation."""
    with shop.open() as ws:
        state = hello(ws)
    assert state["conversation"] is None
    assert state["events"] == []
    assert shop.count() == 0


def test_first_message_is_kept_then_acknowledged(shop: Shop) -> None:
    """The acknowledgement names the step under which the desk has it."""
    with shop.open() as ws:
        hello(ws)
        ack = say(ws, "Hello")
        message = take(ws, "message")
    (received,) = shop.kit.facts(MessageReceived)
    assert received.text == "Hello"
    assert (message["conversation"], message["seq"], message["id"]) == (ack["conversation"], ack["seq"], ack["id"])


def test_the_same_message_twice_is_one(shop: Shop) -> None:
    """A retry after a lost acknowledgement gets the same answer and no second message."""
    with shop.open() as ws:
        hello(ws)
        frame = {"type": "send", "id": "the-same-id", "text": "Hello"}
        ws.send_json(frame)
        first = take(ws, "ack")
        ws.send_json(frame)
        second = take(ws, "ack")
    assert first == second
    assert len(shop.kit.facts(MessageReceived)) == 1


def test_a_retry_on_a_new_socket_is_one_message(shop: Shop) -> None:
    """The token makes it the same visitor, so the id is the same too."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        ws.send_json({"type": "send", "id": "the-same-id", "text": "Hello"})
    with shop.open() as ws:
        hello(ws, token=token)
        ws.send_json({"type": "send", "id": "the-same-id", "text": "Hello"})
        take(ws, "ack")
    assert len(shop.kit.facts(MessageReceived)) == 1
    assert shop.count() == 1


# --- coming back


def test_history_comes_back_once_and_in_order(shop: Shop) -> None:
    """After a reload the state holds everything, and the feed repeats none of it."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        for text in ("one", "two"):
            say(ws, text)
        shop.act(Send("three"))
        take(ws, "message", lambda frame: frame["text"] == "three")
    with shop.open() as ws:
        state = hello(ws, token=token)
        shop.act(Send("four"))
        four = take(ws, "message")
    texts = [event["text"] for event in state["events"] if event["type"] == "message"]
    assert texts == ["one", "two", "three"]
    assert state["reset"]
    assert four["text"] == "four"


def test_a_cursor_gets_only_what_is_new(shop: Shop) -> None:
    """A widget that lost its socket asks for what follows its last step."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        ack = say(ws, "one")
    shop.act(Send("two"))
    with shop.open() as ws:
        state = hello(ws, token=token, conversation=ack["conversation"], after=ack["seq"])
    assert [event["text"] for event in state["events"] if event["type"] == "message"] == ["two"]
    assert not state["reset"]


@pytest.mark.parametrize("cursor", [{"conversation": "another", "after": 3}, {"after": 10_000}, {"after": 0}])
def test_a_cursor_that_does_not_fit_starts_over(shop: Shop, cursor: dict[str, Any]) -> None:
    """The widget is told to forget what it has, and gets the whole."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        ack = say(ws, "one")
    given = {"conversation": ack["conversation"], **cursor} if cursor["after"] else cursor
    with shop.open() as ws:
        state = hello(ws, token=token, **given)
    assert state["reset"]
    assert [event["text"] for event in state["events"] if event["type"] == "message"] == ["one"]


def test_a_forged_token_sees_nobodys_conversation(shop: Shop) -> None:
    """Not with a bad signature, not with the id that agents see."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        say(ws, "private")
    visitor = shop.kit.facts(MessageReceived)[0].sender.removeprefix("visitor:")
    for forged in (token[:-2] + "xx", visitor, f"visitor:{visitor}"):
        with shop.open() as ws:
            assert hello(ws, token=forged)["events"] == []


def test_two_visitors_see_only_their_own(shop: Shop) -> None:
    """A message of one never reaches the socket of the other."""
    with shop.open() as one, shop.open() as other:
        hello(one)
        hello(other)
        say(one, "of one")
        say(other, "of other")
        assert take(one, "message")["text"] == "of one"
        assert take(other, "message")["text"] == "of other"
    assert shop.count() == 2


def test_two_tabs_show_the_same(shop: Shop) -> None:
    """What is written in one tab appears in the other."""
    with shop.open() as one:
        token = hello(one)["token"]
        say(one, "first")
        with shop.open() as other:
            hello(other, token=token)
            say(one, "second")
            assert take(other, "message")["text"] == "second"
    assert shop.count() == 1


def test_too_many_tabs_close_the_oldest(shop: Shop) -> None:
    """A visitor cannot hold sockets without end."""
    with shop.open() as first:
        token = hello(first)["token"]
        others = [shop.open() for _ in range(TABS)]
        for ws in others:
            hello(ws.__enter__(), token=token)
        assert closed(first).code == 1013
        for ws in others:
            ws.__exit__(None, None, None)


# --- what the visitor sees


def test_an_agent_is_seen_by_name(shop: Shop) -> None:
    """Joining and writing show the display name; the id of the agent stays inside."""
    shop.kit.add_agent("lena", name="Lena")
    with shop.open() as ws:
        hello(ws)
        say(ws, "Hello")
        shop.act(Assign("lena", reason="secret-reason"))
        joined = take(ws, "agent")
        now = take(ws, "now", lambda frame: frame["handler"] == "agent")
        shop.act(Send("Good morning"))
        message = take(ws, "message", lambda frame: frame["from"] == "agent")
    assert (joined["event"], joined["name"], now["name"], message["name"]) == ("joined", "Lena", "Lena", "Lena")
    assert "secret-reason" not in json.dumps([joined, now, message])
    assert '"lena"' not in json.dumps([joined, now, message])


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


# --- limits


def test_a_flood_is_slowed_with_the_seconds_to_wait() -> None:
    """The error names the message and the wait; after it the message is taken."""
    for shop in shop_of("messages_per_minute = 3"):
        with shop.open() as ws:
            hello(ws)
            for _ in range(3):
                say(ws, "Hello")
            ws.send_json({"type": "send", "id": "too-many", "text": "Hello"})
            error = take(ws, "error")
            shop.kit.clock.advance("20s")
            ws.send_json({"type": "send", "id": "too-many", "text": "Hello"})
            take(ws, "ack")
        assert (error["id"], error["code"], error["retry"]) == ("too-many", "rate", 20)
        assert "You can send again in 20 s" in error["text"]


def test_one_address_cannot_begin_conversations_without_end() -> None:
    """Throwing the token away does not help a flood."""
    for shop in shop_of("visitors_per_minute = 2"):
        codes = []
        for _ in range(3):
            with shop.open() as ws:
                hello(ws)
                ws.send_json({"type": "send", "id": next(ids), "text": "Hello"})
                frame = ws.receive_json()
                codes.append(frame.get("code", frame["type"]))
        assert codes == ["ack", "ack", "rate"]


@pytest.mark.parametrize(("text", "code"), [("   ", "empty"), ("x" * 2001, "long")])
def test_a_message_that_cannot_be_is_refused_for_good(shop: Shop, text: str, code: str) -> None:
    """No retry is suggested where none can help."""
    with shop.open() as ws:
        hello(ws)
        ws.send_json({"type": "send", "id": "message-id", "text": text})
        error = take(ws, "error")
    assert (error["code"], error["retry"]) == (code, None)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"type":"message","from":"agent","text":"spoofed"}', 1008),
        ('{"type":"state"}', 1008),
        ('{"type":"hello"}', 1008),
        ('{"type":"subscribe","to":"%"}', 1008),
        ("not json", 1003),
        ("x" * 65_537, 1009),
    ],
)
def test_a_frame_that_is_none_of_the_clients_ends_the_socket(shop: Shop, frame: str, code: int) -> None:
    """Server-only types, unknown types, a second hello, no JSON, too much: closed with the reason, nothing kept."""
    with shop.open() as ws:
        hello(ws)
        ws.send_text(frame)
        end = closed(ws)
    assert end.code == code
    assert end.reason
    assert shop.count() == 0


def test_binary_frames_are_not_taken(shop: Shop) -> None:
    """JSON is text."""
    with shop.open() as ws:
        ws.send_bytes(b'{"type":"hello"}')
        assert closed(ws).code == 1003


def test_hello_comes_first(shop: Shop) -> None:
    """Nothing else is taken from a stranger."""
    with shop.open() as ws:
        ws.send_json({"type": "send", "id": "message-id", "text": "Hello"})
        assert closed(ws).code == 1008
    assert shop.count() == 0


def test_a_flood_of_frames_ends_the_socket(shop: Shop) -> None:
    """Also of those that keep nothing."""
    with shop.open() as ws:
        hello(ws)
        for _ in range(400):
            ws.send_json({"type": "typing"})
        assert closed(ws).code == 1008


# --- the end of the service


def test_sockets_close_with_1012_when_the_service_stops(shop: Shop) -> None:
    """The widget knows that it should come back in a moment."""
    with shop.open() as ws:
        hello(ws)
        say(ws, "Hello")
        take(ws, "now")
        assert shop.client.portal
        shop.client.portal.call(partial(_later, shop.kit.service.hub.close))
        take(ws, "bye")
        assert closed(ws).code == 1012


async def _later(act: Callable[[], None]) -> None:
    act()


def test_the_token_is_never_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Not in our words and not in those of the libraries."""
    caplog.set_level(logging.DEBUG)
    with shop.open() as ws:
        token = hello(ws)["token"]
        say(ws, "Hello")
        ws.send_text("not json")
        closed(ws)
    assert token not in caplog.text


def test_the_token_is_nowhere_in_the_log_of_events(shop: Shop) -> None:
    """Agents read the log through the API; the token is not in it."""
    with shop.open() as ws:
        token = hello(ws)["token"]
        say(ws, "Hello")
    assert token not in "".join(repr(event) for event in shop.log())
