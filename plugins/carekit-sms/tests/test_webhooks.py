"""The webhooks of a running service: genuine payloads are kept, and nothing that comes is ever an error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import httpx2
import pytest
import sms_recorded as recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sms_gateway import Service

from carekit import Payload
from carekit.testing import free_port

TABLES = """
[channels.kannel]
use = "sms"
provider = "kannel"
number = "+34911000000"
kannel = {{ user = "care", password = "for sending", secret = "for posting", url = "http://127.0.0.1:9/" }}

[channels.twilio]
use = "sms"
provider = "twilio"
number = "+34911000001"
aliases = ["+34911000011"]
twilio = {{ account = "AC00000000000000000000000000000001", token = "12345", api = "http://127.0.0.1:9" }}

[channels.vonage]
use = "sms"
provider = "vonage"
number = "+34911000002"
vonage = {{ key = "abcd1234", signature = "{key}", secret = "x", api = "http://127.0.0.1:9" }}

[channels.messagebird]
use = "sms"
provider = "messagebird"
number = "+34911000003"
messagebird = {{ key = "x", signing_key = "{key}", api = "http://127.0.0.1:9" }}

[channels.bird]
use = "sms"
provider = "bird"
number = "+34911000004"
bird = {{ key = "x", workspace = "w", channel = "{bird}", signing_key = "{key}", api = "http://127.0.0.1:9" }}

[channels.generic]
use = "sms"
provider = "generic"
number = "+34911000005"

[channels.generic.generic]
url = "http://127.0.0.1:9/"
send = {{ to = "{{to}}", text = "{{text}}" }}
verify = {{ by = "hmac", name = "X-Signature", prefix = "sha256=", secret = "{key}" }}
inbound = {{ format = "json", id = "message.id", sender = "message.from", to = "message.to", text = "message.text" }}
receipts = {{ delivered = ["DELIVRD"] }}
"""
TO = {"kannel": "to", "twilio": "To", "vonage": "to", "messagebird": "recipient", "bird": "", "generic": "to"}
NUMBERS = {
    name: f"3491100000{place}"
    for place, name in enumerate(("kannel", "twilio", "vonage", "messagebird", "bird", "generic"))
}
KINDS = (
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain; charset=utf-16",
    "text/plain; charset=unicode_escape",
    "multipart/form-data; boundary=x",
    "",
)
SIGNATURES = (
    "authorization",
    "messagebird-request-timestamp",
    "messagebird-signature",
    "messagebird-signature-jwt",
    "x-signature",
    "x-twilio-signature",
)
WAYS = ("inbound", "receipt", "receipt/", "receipt/c_1.2.1.1.x", "receipt/%00", "receipt/%ff.1.1.1")
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60)
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A desk with a channel at each provider."""
    tables = TABLES.format(key=recorded.KEY, bird=recorded.TABLES["bird"]["channel"])
    running = Service(tmp_path_factory.mktemp("webhooks"), free_port(), tables)
    try:
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def web(service: Service) -> Iterator[httpx2.Client]:
    """Somebody in the network."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as client:
        yield client


def post(web: httpx2.Client, provider: str, payload: Payload) -> httpx2.Response:
    path = f"/channels/{provider}/inbound"
    return web.post(path, content=payload.body, headers=dict(payload.headers), params=dict(payload.query))


def genuine(service: Service, provider: str, text: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> Payload:
    """A payload for the channel of *provider*, signed for its address."""
    monkeypatch.setattr(recorded, "URL", f"http://127.0.0.1:{service.port}/channels/{provider}")
    plus = "" if provider in ("vonage", "messagebird") else "+"
    to = {TO[provider]: plus + NUMBERS[provider]} if TO[provider] else {}
    return recorded.inbound(provider, text, **(to | more))


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_a_genuine_payload_is_kept_once(
    service: Service, web: httpx2.Client, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the wire, and answered as the provider wants to hear it; delivered twice it is one message."""
    payload = genuine(service, provider, f"hello from {provider}", monkeypatch)
    answers = [post(web, provider, payload) for _ in range(2)]
    expected = recorded.channel(provider).accepted
    for answer in answers:
        assert answer.status_code == expected.status == 200
        assert expected.body is None or answer.content == expected.body
    assert service.received().count(f"hello from {provider}") == 1


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_a_foreign_payload_is_refused_and_not_kept(
    service: Service, web: httpx2.Client, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """403, whatever was wrong."""
    payload = genuine(service, provider, f"forged for {provider}", monkeypatch)
    stripped = Payload(payload.body, {"content-type": payload.headers["content-type"]}, payload.query)
    assert post(web, provider, stripped).status_code == 403
    assert f"forged for {provider}" not in service.received()


def test_a_payload_for_another_number_is_set_aside(
    service: Service, web: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledged, because it is kept; and the health says that somebody should look."""
    payload = genuine(service, "twilio", "for somebody else", monkeypatch, To="+34911777777")
    assert post(web, "twilio", payload).status_code == 200
    assert "for somebody else" not in service.received()
    assert "which is not a number of this channel" in str(service.events("inbound_quarantined")[-1]["fact"]["error"])


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_no_webhook_is_an_error_of_ours(
    service: Service, web: httpx2.Client, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any bytes, any headers, damaged genuine payloads, to every address of the channel: never a 5xx."""
    payload = genuine(service, provider, "fuzz", monkeypatch)
    names = st.sampled_from(sorted({*payload.headers, *SIGNATURES}))

    @quick
    @given(
        body=st.binary(max_size=200),
        damage=st.integers(0, len(payload.body)),
        headers=st.dictionaries(names, VALUES, max_size=4),
        kind=st.sampled_from(KINDS),
        way=st.sampled_from(WAYS),
        query=st.dictionaries(st.sampled_from(["type", "id", "from", "to", "status", "reference"]), VALUES, max_size=4),
        signed=st.booleans(),
    )
    def any_request(
        body: bytes, damage: int, headers: dict[str, str], kind: str, way: str, query: dict[str, str], signed: bool
    ) -> None:
        answer = web.request(
            "GET" if way != "inbound" and damage % 2 else "POST",
            f"/channels/{provider}/{way}",
            content=payload.body[:damage] + body + payload.body[damage + len(body) :],
            headers={**(payload.headers if signed else {}), **headers, "content-type": kind},
            params=query if damage % 3 else dict(payload.query),
        )
        assert answer.status_code < 500, (answer.status_code, answer.text)

    any_request()


def test_a_body_without_an_end_is_cut_off(service: Service, web: httpx2.Client) -> None:
    """More than a receipt can have is refused while it comes in."""
    random = Random(7)
    body = bytes(random.randrange(256) for _ in range(70_000))
    assert web.post("/channels/twilio/receipt/x", content=body).status_code == 413
