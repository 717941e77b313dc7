"""Where the far side posts: the answer says whether to send again, and comes after the commit."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from carekit.facts.events import InboundQuarantined
from carekit.facts.nouns import Address, Inbound
from carekit.ground.errors import Ignored, Malformed, NotOurs, Refused, Unavailable
from carekit.seams.capabilities import Capabilities
from carekit.seams.channel import Channel, Payload
from carekit.testing.desk import DeskKit
from tests.unit.web._web import Web, make_app

BODY = {"id": "m-1", "sender": "ana", "text": "hello"}


class Scripted(Channel):
    """Decodes as the test says."""

    capabilities = Capabilities(webhook=True)

    def __init__(self, answer: Any) -> None:
        super().__init__("loop", None)
        self.answer = answer
        self.seen: list[Payload] = []

    def decode(self, payload: Payload) -> Any:
        self.seen.append(payload)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def scripted(kit: DeskKit, answer: Any) -> tuple[Web, Scripted]:
    channel = Scripted(answer)
    return Web(kit, make_app(kit, channels=[channel])), channel


def message(id: str, channel: str = "loop") -> Inbound:
    return Inbound(channel, id, Address("loopback", "ana"), "hello", ("peer:ana",), ("peer:ana",))


def aside(kit: DeskKit) -> list[InboundQuarantined]:
    events = kit.service.store.events("channel:loop")
    return [event.fact for event in events if isinstance(event.fact, InboundQuarantined)]


def test_a_message_is_kept_before_it_is_acknowledged(web: Web, kit: DeskKit) -> None:
    """202 names the conversation and step at which the message now stands."""
    response = web.post("/channels/loop/inbound", BODY, "")
    assert response.status_code == 202
    receipt = response.json()["receipts"][0]
    assert receipt["conversation"] == kit.conversation().id
    assert kit.thread() == [("contact", "hello")]


def test_the_same_message_again_is_known(web: Web, kit: DeskKit) -> None:
    """A repeated post is acknowledged and kept once."""
    first, second = (web.post("/channels/loop/inbound", BODY, "") for _ in range(2))
    assert second.status_code == 202
    assert second.json()["receipts"][0] == {**first.json()["receipts"][0], "repeated": True}
    assert len(kit.thread()) == 1


def test_several_messages_keep_their_order(kit: DeskKit) -> None:
    """A payload of many messages is kept in the payload's order."""
    web, _ = scripted(kit, [message("a"), message("b"), message("c")])
    receipts = web.post("/channels/loop/inbound", {}, "").json()["receipts"]
    assert [receipt["seq"] for receipt in receipts] == sorted(receipt["seq"] for receipt in receipts)
    assert len(receipts) == 3


@pytest.mark.parametrize("why", ["the signature is missing", "the signature is wrong", "too old"])
def test_a_stranger_learns_nothing(kit: DeskKit, why: str) -> None:
    """Whatever is wrong with the signature, the answer is the same 403."""
    web, _ = scripted(kit, NotOurs(why))
    response = web.post("/channels/loop/inbound", {}, "", headers={"X-Request-Id": "same"})
    assert response.status_code == 403
    assert response.json()["detail"] == "this payload is not from the far side of this channel"


def test_a_ping_is_answered_and_not_kept(kit: DeskKit) -> None:
    """What there is nothing to keep of answers 200 and says so."""
    web, _ = scripted(kit, Ignored("a ping"))
    before = kit.service.store.last_position()
    response = web.post("/channels/loop/inbound", {}, "")
    assert (response.status_code, response.json()) == (200, {"ignored": "a ping"})
    assert kit.service.store.last_position() == before


@pytest.mark.parametrize(
    "answer",
    [Malformed("no text"), ValueError("canary-bug"), [message("x", channel="other")], 5, [None]],
    ids=["malformed", "bug", "foreign channel", "no list", "no message"],
)
def test_what_cannot_be_read_is_kept_and_set_aside(kit: DeskKit, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An unreadable payload, or a channel that breaks on one, loses no bytes: they are kept, and 202 ends retries."""
    web, _ = scripted(kit, answer)
    with caplog.at_level(logging.ERROR, "carekit.web"):
        responses = [web.post("/channels/loop/inbound", {"odd": 1}, "") for _ in range(2)]
    assert [(r.status_code, r.json()) for r in responses] == [(202, {"quarantined": True})] * 2
    assert len(aside(kit)) == 1
    assert json.loads(kit.run(kit.desk.fetch(aside(kit)[0].raw))) == {"odd": 1}
    if not isinstance(answer, Malformed):
        assert "channel loop" in caplog.text


def test_a_message_that_the_desk_refuses_is_set_aside(kit: DeskKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending it again would not make it acceptable, so it is kept and acknowledged."""

    async def refuse(*_: Any, **__: Any) -> Any:
        raise Refused("too long")

    web, _ = scripted(kit, [message("a")])
    monkeypatch.setattr(kit.desk, "receive", refuse)
    assert web.post("/channels/loop/inbound", {}, "").json() == {"quarantined": True}


@pytest.mark.parametrize("method", ["receive", "quarantine"])
def test_a_store_that_is_away_asks_for_another_try(kit: DeskKit, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """What could not be kept is never acknowledged."""

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("not now")

    web, _ = scripted(kit, [message("a")] if method == "receive" else Malformed("x"))
    monkeypatch.setattr(kit.desk, method, away)
    response = web.post("/channels/loop/inbound", {}, "")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


def test_a_payload_beyond_the_limit_is_refused_unread(kit: DeskKit) -> None:
    """More than a megabyte answers 413, and the channel never sees it."""
    web, channel = scripted(kit, [])
    response = web.request("POST", "/channels/loop/inbound", content=b"x" * 1_000_001)
    assert response.status_code == 413
    assert channel.seen == []
    assert web.request("POST", "/channels/loop/inbound", content=b"x" * 1_000_000).status_code == 202


def test_the_channel_sees_what_came(kit: DeskKit) -> None:
    """Body, headers in lower case, query and remote address reach the decoder unchanged."""
    web, channel = scripted(kit, [])
    web.request("POST", "/channels/loop/inbound?a=1&b=%20", content=b"\x00\xff", headers={"X-Signature": "s"})
    payload = channel.seen[0]
    assert payload.body == b"\x00\xff"
    assert payload.headers["x-signature"] == "s"
    assert payload.query == {"a": "1", "b": " "}
    assert payload.remote == "127.0.0.1"


def test_a_channel_without_a_webhook_takes_no_posts(kit: DeskKit) -> None:
    """Where a channel does not declare it, there is no address."""

    class Quiet(Scripted):
        capabilities = Capabilities()

    web = Web(kit, make_app(kit, channels=[Quiet([])]))
    assert web.post("/channels/loop/inbound", {}, "").status_code == 404


def test_posts_go_nowhere_else(web: Web) -> None:
    """Unknown channels do not exist, and a GET is not a post."""
    assert web.post("/channels/nowhere/inbound", BODY, "").status_code == 404
    assert web.get("/channels/loop/inbound", "").status_code == 405
