from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from chat_shop import Shop, closed, hello, ids, say, shop_of, take
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from carekit import (
    MessageReceived,
    Send,
)
from carekit_chat.room import TABS

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
