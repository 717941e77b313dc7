"""Programs: the API with a token of the file, and sockets that send what no widget sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.acceptance._shop import PATIENCE, Shop, Table
from tests.acceptance._socket import HELLO, Caller, call, dial

READER = "a token that may only read things"


def edit(table: Table) -> None:
    """A second token, for reading only."""
    table["tokens"]["reader"] = {"value": READER}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Shop(tmp_path_factory.mktemp("api"), edit) as shop:
        yield shop


def problem(answer: httpx2.Response, status: int) -> Any:
    """The problem details of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["type"] and told["title"] and told["detail"]
    return told


# --- the API


def test_a_token_of_the_file_lets_in(shop: Shop) -> None:
    """With it the list is there; without it, or with another one, nothing is."""
    id = call(shop, "A conversation to be listed")
    assert id in [each["id"] for each in shop.conversations()]
    address = f"{shop.url}/api/v1/conversations"
    problem(httpx2.get(address), 401)
    problem(httpx2.get(address, headers={"Authorization": "Bearer a token that nobody wrote"}), 401)


def test_a_token_for_reading_does_not_write(shop: Shop) -> None:
    """It lists, and is refused where something would change."""
    id = call(shop, "Look, do not touch")
    with httpx2.Client(base_url=f"{shop.url}/api/v1", headers={"Authorization": f"Bearer {READER}"}) as reader:
        assert reader.get("/conversations").status_code == 200
        problem(reader.post(f"/conversations/{id}/resolve", json={}), 403)
    assert shop.events(id, "resolved") == []


def test_a_reply_repeated_under_its_key_is_one_message(shop: Shop) -> None:
    """A program that does not know whether it got through may ask again."""
    caller = Caller(shop)
    id = caller.write("Please answer once", "handoff")
    body = {"agent": "lena", "text": "Once."}
    answers = [
        shop.http.post(f"/api/v1/conversations/{id}/reply", json=body, headers={"Idempotency-Key": "key-1"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["repeated"] for answer in answers] == [False, True]
    assert answers[0].json()["events"] == answers[1].json()["events"]
    assert [text for _, text in shop.said(id)].count("Once.") == 1
    while (frame := caller.hear("message"))["from"] != "agent":
        pass
    assert frame["text"] == "Once."
    caller.close()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"agent": "lena"}', 422, "text"),
        (b'{"agent": "lena", "text": 5}', 422, "text"),
        (b'{"agent": "lena", "text": "x", "txet": "y"}', 422, "txet"),
        (b'{"agent": "nobody-here", "text": "x"}', 422, "agent"),
        (b'{"agent": ', 400, ""),
        (b"\xff\xfe", 400, ""),
    ],
)
def test_a_bad_body_is_a_problem_with_its_field(shop: Shop, body: bytes, status: int, field: str) -> None:
    """The refusal is problem+json and names what to mend; nothing was written."""
    id = call(shop, "Never answered")
    headers = {"Content-Type": "application/json"}
    told = problem(shop.http.post(f"/api/v1/conversations/{id}/reply", content=body, headers=headers), status)
    assert told.get("field", "") == field
    assert [event for event in shop.events(id, "message_sent") if event["actor"] == "agent:lena"] == []


def test_an_unknown_conversation_is_a_problem(shop: Shop) -> None:
    """404 in the same form."""
    problem(shop.http.get("/api/v1/conversations/c_nothing"), 404)


def test_the_document_describes_what_is_there(shop: Shop) -> None:
    """OpenAPI 3.1, open to all, with the addresses that were used above."""
    document = httpx2.get(f"{shop.url}/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/conversations", "/api/v1/conversations/{id}/reply"} <= set(document["paths"])


# --- bad frames


@pytest.fixture
def answers_still(shop: Shop) -> Iterator[None]:
    """Afterwards the service takes a message as before."""
    yield
    assert shop.events(call(shop, "Still there?"), "message_received")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_foreign_origin_gets_no_socket(shop: Shop, answers_still: None, origin: str) -> None:
    """Refused at the handshake."""
    with pytest.raises(InvalidStatus) as refused, dial(shop, origin):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("not json", 1003),
        (b"\x00\x01", 1003),
        ("[" * 60_000, 1008),
        ('{"type": "send", "id": "12345678", "text": "x"}', 1008),
        ('{"type": "sudo"}', 1008),
        ('{"type": "hello", "after": -1}', 1008),
        (json.dumps({**HELLO, "token": "x" * 70_000}), 1009),
    ],
    ids=["no json", "binary", "deep", "no hello", "unknown", "negative", "oversized"],
)
def test_a_bad_first_frame_closes_the_socket(shop: Shop, answers_still: None, frame: Any, code: int) -> None:
    """With the code that says why."""
    with dial(shop) as socket:
        socket.send(frame)
        assert closed(socket) == code


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"type": "send", "id": "!", "text": "x"}', 1008),
        ('{"type": "survey", "score": "many"}', 1008),
        (json.dumps({"type": "send", "id": "12345678", "text": "x" * 70_000}), 1009),
        ("{", 1003),
    ],
    ids=["bad id", "bad score", "oversized", "cut off"],
)
def test_a_bad_later_frame_closes_the_socket(shop: Shop, answers_still: None, frame: str, code: int) -> None:
    """Also after a proper greeting."""
    with dial(shop) as socket:
        socket.send(json.dumps(HELLO))
        socket.recv(PATIENCE)
        socket.send(frame)
        assert closed(socket) == code


def closed(socket: Any) -> int:
    """The code with which the service closes."""
    with pytest.raises(ConnectionClosed) as end:
        receive_all(socket)
    assert end.value.rcvd is not None, "the connection was cut without a word"
    return int(end.value.rcvd.code)


def receive_all(socket: Any) -> None:
    """Read to the end, which raises."""
    while True:
        socket.recv(PATIENCE)


def test_a_forged_token_is_a_new_visitor(shop: Shop, answers_still: None) -> None:
    """Somebody else's conversation cannot be asked for by name."""
    id = call(shop, "Between us")
    with dial(shop) as socket:
        socket.send(json.dumps({**HELLO, "token": "forged.token.value", "conversation": id}))
        state = json.loads(socket.recv(PATIENCE))
    assert state["type"] == "state"
    assert "Between us" not in json.dumps(state)
    assert state.get("conversation") != id
