"""What providers share: payloads and answers as values."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import sms_recorded as recorded

from carekit import Capabilities, Malformed, NotOurs, Payload, Permanent, Secret, Temporary, Unsure
from carekit_sms.provider import Posted, Reply, field, inner, instant, international, optional
from carekit_sms.providers.generic import VerifySettings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Permanent), (401, Temporary), (403, Temporary), (404, Permanent), (408, Unsure), (410, Permanent),
     (422, Permanent), (429, Temporary), (500, Unsure), (502, Unsure), (503, Temporary), (504, Unsure), (302, Unsure)],
)  # fmt: skip
def test_a_status_says_what_is_known(status: int, error: type[Exception]) -> None:
    """Only what certainly was not taken may be tried again."""
    assert type(Reply(status).refusal("because")) is error
    assert "because" in str(Reply(status).refusal("because"))


@pytest.mark.parametrize(("given", "seconds"), [("7", 7.0), ("soon", None), ("", None), ("²", None), ("-1", None)])
def test_a_provider_may_say_when_to_come_back(given: str, seconds: float | None) -> None:
    """In whole seconds; anything else says nothing."""
    error = Reply(429, {"retry-after": given}).refusal()
    assert isinstance(error, Temporary)
    assert error.retry_after == seconds


def test_an_answer_that_is_no_json_is_empty() -> None:
    """The status tells what became of the text, not what stands in the answer."""
    assert Reply(201, {}, b"<html>").json == Reply(201, {}, b"[1]").json == Reply(201, {}, b"\xff").json == {}
    assert Reply(400, {}, b"a\nb  c").words == "a b c"


@pytest.mark.parametrize("body", [b"", b"x", b"[1]", b"{", b'{"a": "\\ud800"}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_malformed(body: bytes) -> None:
    """Including halves of characters and depths that no parser survives."""
    with pytest.raises(Malformed):
        _ = Posted("https://x", body).json


@pytest.mark.parametrize("body", [b"\xff", b"&".join(b"a=%d" % n for n in range(500))])
def test_a_body_that_is_no_form_is_malformed(body: bytes) -> None:
    """Bytes that are no text, and more fields than any provider sends."""
    with pytest.raises(Malformed):
        _ = Posted("https://x", body).form


def test_fields_are_texts_or_numbers() -> None:
    """Anything else is none; a needed one is asked for by name."""
    fields = {"text": "x", "number": 7, "flag": True, "list": [1], "none": None, "in": {"side": {"a": "b"}}}
    assert [optional(fields, name) for name in ("text", "number", "flag", "list", "none", "no")] == ["x", "7"] + [
        ""
    ] * 4
    assert inner(fields, "in", "side") == {"a": "b"}
    assert inner(fields, "text", "side") == inner(fields, "no") == {}
    with pytest.raises(Malformed, match="no 'flag'"):
        field(fields, "flag")


def test_instants_and_numbers_are_read_with_care() -> None:
    """A time without a zone is none of ours to guess; only long digits are international."""
    assert instant("2026-11-24T12:00:00Z") == NOW
    assert instant("2026-11-24T12:00:00") is instant("yesterday") is None
    assert [international(one) for one in ("34612345678", "13013", "+34", "Bank", "²" * 9)] == [
        "+34612345678", "13013", "+34", "Bank", "²" * 9,
    ]  # fmt: skip


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_what_a_channel_can_do_is_declared(provider: str) -> None:
    """Length, segments with their price, receipts and writing first: as data that console, check and docs read."""
    channel = recorded.channel(provider, price="0.07 €")
    can = channel.capabilities
    assert isinstance(can, Capabilities)
    assert (can.webhook, can.delivered, can.may_initiate, can.reply_window, can.idempotent) == (
        True, True, True, None, False,
    )  # fmt: skip
    assert can.segments is not None
    assert (can.segments.price, can.segments.count("hola €")) == ("0.07 €", (1, 153))
    assert can.max_length == channel.provider.max_length * 10
    refusing = recorded.channel(provider, long="refuse", parts=3)
    assert refusing.capabilities.max_length == channel.provider.max_length
    assert refusing.capabilities.segments is not None
    assert (can.segments.most, refusing.capabilities.segments.most) == (None, 3)


# --- how a gateway of the file proves itself

SECRET = "a long shared secret"
BODY = (
    b'{"message": {"id": 1, "from": "+34612345678", "to": "+34911000000", "text": "x"}, "key": "a long shared secret"}'
)


def generic(verify: VerifySettings, body: bytes, headers: dict[str, str]) -> None:
    table: Any = {"verify": verify}
    channel = recorded.channel("generic", generic=table)
    channel.provider.verify(Posted(f"{recorded.URL}/inbound", body, headers, {}, NOW))


def signed(*parts: bytes, algorithm: Any = hashlib.sha256) -> bytes:
    return hmac.new(SECRET.encode(), b".".join(parts), algorithm).digest()


STAMP = str(int(NOW.timestamp()))
WAYS = {
    "basic": (
        VerifySettings(by="basic", secret=Secret(SECRET)),
        {"authorization": "Basic " + base64.b64encode(f"gw:{SECRET}".encode()).decode()},
    ),
    "bearer": (VerifySettings(by="bearer", secret=Secret(SECRET)), {"authorization": f"Bearer {SECRET}"}),
    "header": (VerifySettings(by="header", name="X-Key", secret=Secret(SECRET)), {"x-key": SECRET}),
    "field": (VerifySettings(by="field", name="key", secret=Secret(SECRET)), {}),
    "hmac": (
        VerifySettings(by="hmac", name="X-Sig", algorithm="sha1", encoding="base64", secret=Secret(SECRET)),
        {"x-sig": base64.b64encode(signed(BODY, algorithm=hashlib.sha1)).decode()},
    ),
    "hmac over more": (
        VerifySettings(
            by="hmac", name="X-Sig", over=("stamp", "url", "body"), joiner=".", stamp="X-Stamp", secret=Secret(SECRET)
        ),
        {"x-stamp": STAMP, "x-sig": signed(STAMP.encode(), f"{recorded.URL}/inbound".encode(), BODY).hex()},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_gateway_proves_itself_as_the_file_says(way: str) -> None:
    """Six ways; each takes the genuine request, and no request without its proof or with a changed one."""
    verify, headers = WAYS[way]
    generic(verify, BODY, headers)
    changed = BODY.replace(SECRET.encode(), b"another secret")
    wrong = {name: value[:-2] + ("xx" if value[-2:] != "xx" else "yy") for name, value in headers.items()}
    for body, given in ((changed, {}), (changed, wrong), *(() if way == "field" else ((BODY, wrong), (BODY, {})))):
        with pytest.raises(NotOurs):
            generic(verify, body, given)


def test_a_signed_time_counts() -> None:
    """With a stamp a request of another day is refused, however well it is signed."""
    verify, headers = WAYS["hmac over more"]
    old = str(int(NOW.timestamp()) - 100_000)
    again = {"x-stamp": old, "x-sig": signed(old.encode(), f"{recorded.URL}/inbound".encode(), BODY).hex()}
    with pytest.raises(NotOurs, match="too long ago"):
        generic(verify, BODY, headers | again)


def test_a_field_is_found_through_objects_and_lists() -> None:
    """`results.0.message.id` leads into JSON; a field whose own name has dots wins."""
    inbound = attrs.evolve(recorded.generic()["inbound"], id="results.0.id", sender="results.0.from", to="", text="a.b")
    channel = recorded.channel("generic", generic={"inbound": inbound})
    body = b'{"results": [{"id": 7, "from": "+34612345678"}], "a.b": "hello", "a": {"b": "no"}}'
    (text,) = channel.provider.read(Posted(recorded.URL, body))
    assert (text.id, text.sender, text.to, text.text) == ("7", "+34612345678", "", "hello")
    for hostile in (b'{"results": []}', b'{"results": {"0": 1}}', b'{"results": "0"}'):
        with pytest.raises(Malformed):
            channel.provider.read(Posted(recorded.URL, hostile))


def test_a_text_may_come_in_the_query() -> None:
    """For gateways that put everything into the address."""
    inbound = attrs.evolve(recorded.generic()["inbound"], format="query", id="id", sender="from", to="to", text="text")
    channel = recorded.channel("generic", generic={"inbound": inbound, "verify": WAYS["bearer"][0]})
    query = {"id": "1", "from": recorded.ANA, "to": recorded.OURS, "text": "hello"}
    (message,) = channel.decode(Payload(b"", WAYS["bearer"][1], query))
    assert message.text == "hello"
