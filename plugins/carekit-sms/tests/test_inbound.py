"""Texts that come in: whose they are, for which number, what they ask for, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sms_recorded as recorded
from sms_kit import desk

from carekit import ConsentChanged, Ignored, Malformed, MessageReceived, NotOurs, Payload, Scope, replace
from carekit.testing import FrozenClock
from carekit_sms.provider import Posted
from carekit_sms.settings import WordsSettings

NOW = FrozenClock().now()


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
@pytest.mark.parametrize(
    "text", ["Grüße aus Köln €5", "привет 👋🏽", "مرحبا", "a" * 700, "line\nline", "{to} %d &amp; \\"]
)
def test_a_text_comes_in_as_it_was_written(provider: str, text: str) -> None:
    """Unicode, long (concatenated) and odd texts arrive whole from every provider."""
    (message,) = recorded.channel(provider).decode(recorded.inbound(provider, text))
    assert message.text == text


@pytest.mark.parametrize(
    ("provider", "fields", "sender"),
    [
        ("kannel", {"from": "34612345678"}, "+34612345678"),
        ("kannel", {"from": "0034612345678"}, "+34612345678"),
        ("kannel", {"from": "612345678"}, "+34612345678"),
        ("kannel", {"from": "447400123456"}, "+447400123456"),
        ("twilio", {"From": "+447400123456"}, "+447400123456"),
        ("vonage", {"from": "447400123456"}, "+447400123456"),
        ("messagebird", {"originator": "447400123456"}, "+447400123456"),
        ("generic", {"from": 34612345678}, "+34612345678"),
    ],
)
def test_a_sender_is_in_international_form(provider: str, fields: dict[str, Any], sender: str) -> None:
    """However a gateway writes a number, the contact's address is one; national numbers lie where ours does."""
    (message,) = recorded.channel(provider).decode(recorded.inbound(provider, **fields))
    assert message.sender.key == f"phone:{sender}"
    assert message.keys == (f"peer:{sender}",)


@pytest.mark.parametrize("sender", ["Vodafone", "22122"])
def test_a_sender_without_a_number_is_a_machine(sender: str) -> None:
    """A name or a short code cannot be answered: its text is kept, and nobody's turn."""
    (message,) = recorded.channel("kannel").decode(recorded.inbound("kannel", **{"from": sender}))
    assert message.automatic
    assert message.sender.value == sender


def test_what_a_text_that_was_set_aside_says_is_told() -> None:
    """Sender, number and words, as far as the provider's payload can be read without its headers."""
    payload = recorded.inbound("vonage", "Where is it?", to="34600000009")
    seen = recorded.channel("vonage").glimpse(payload.body)
    assert (seen.sender.lstrip("+"), seen.to.lstrip("+"), seen.text) == (
        recorded.ANA.lstrip("+"),
        "34600000009",
        "Where is it?",
    )


def test_a_text_for_another_number_is_set_aside() -> None:
    """A provider that posts to the wrong channel loses nothing, and the remedy is named; an alias is ours."""
    payload = recorded.inbound("twilio", To="+34911999999")
    with pytest.raises(Malformed, match=r"is for \+34911999999, which is not a number of this channel.*aliases"):
        recorded.channel("twilio").decode(payload)
    (message,) = recorded.channel("twilio", aliases=("+34 911 999 999",)).decode(payload)
    assert message.text == "Where is my parcel?"


@pytest.mark.parametrize("number", ["13013", "+34 911 000 000", "0034911000000"])
def test_our_own_number_may_be_written_in_any_form(number: str) -> None:
    """A short code or spaces in the file are the number that the gateway names."""
    to = "13013" if number == "13013" else recorded.OURS
    channel = recorded.channel("kannel", number=number, region="ES")
    assert channel.decode(recorded.inbound("kannel", to=to))


def test_the_time_is_the_far_sides_claim() -> None:
    """Where the provider says when a text was sent, it is kept, in UTC."""
    at = {"kannel": datetime(2026, 11, 24, 18, 41, 44, tzinfo=UTC), "twilio": None}
    for provider, expected in at.items():
        assert recorded.channel(provider).decode(recorded.inbound(provider))[0].sent_at == expected
    assert recorded.channel("vonage").decode(recorded.inbound("vonage"))[0].sent_at == at["kannel"]


# --- who posts


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_a_changed_or_unsigned_payload_is_refused(provider: str) -> None:
    """One character changed, the signature taken away, or that of another text: none is read."""
    channel, genuine = recorded.channel(provider), recorded.inbound(provider)
    other = recorded.inbound(provider, "Cancel my order")
    forged = [Payload(genuine.body, {"content-type": "application/json"}, genuine.query)]
    if provider != "kannel":  # whose password says who posts, not what
        forged += [
            Payload(genuine.body.replace(b"parcel", b"parcls"), genuine.headers, genuine.query),
            Payload(genuine.body, other.headers, genuine.query),
        ]
    for payload in forged:
        with pytest.raises(NotOurs):
            channel.decode(payload)


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[" * 10_000, b"&".join([b"a=1"] * 1_000)])
def test_what_nobody_proved_is_never_kept(provider: str, body: bytes) -> None:
    """Bytes that cannot even be read are refused and not set aside, or strangers could fill our disk."""
    for headers in ({}, {"authorization": "Basic x", "x-twilio-signature": "x", "messagebird-request-timestamp": "é"}):
        with pytest.raises(NotOurs):
            recorded.channel(provider).decode(Payload(body, headers))


@pytest.mark.parametrize("provider", ["vonage", "messagebird", "bird"])
def test_a_replay_of_another_day_is_refused(provider: str) -> None:
    """Where the time is signed, a recording of two days ago is no delivery; within a day its id tells it."""
    with desk(provider) as kit:
        for days, taken in ((0, True), (-2, False), (2, False)):
            at = (kit.clock.now() + timedelta(days=days)).timestamp()
            payload = recorded.inbound(provider, at=at)
            if taken:
                assert kit.sms.decode(payload)
            else:
                with pytest.raises(NotOurs):
                    kit.sms.decode(payload)


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_a_replay_is_known_by_its_id(provider: str) -> None:
    """The same payload again gives the same message, and neither a second one nor a second consent."""
    with desk(provider) as kit:
        at = kit.clock.now().timestamp()
        stop, start = (recorded.inbound(provider, word, at=at) for word in ("STOP", "START"))
        messages = [kit.sms.decode(stop)[0], replace(kit.sms.decode(start)[0], external_id="another")]
        receipts = [kit.run(kit.desk.receive(one)) for one in (*messages, *messages)]
        assert [one.repeated for one in receipts] == [False, False, True, True]
        assert len(kit.facts(MessageReceived)) == 2
        assert [fact.allowed for fact in kit.facts(ConsentChanged)] == [False, True]


@pytest.mark.parametrize(
    ("remote", "ours"), [("192.0.2.7", True), ("2001:db8::7", True), ("198.51.100.1", False), ("", False)]
)
def test_a_foreign_source_is_refused(remote: str, ours: bool) -> None:
    """With `sources`, only these networks may post, whatever the signature."""
    channel = recorded.channel("kannel", sources=("192.0.2.0/24", "2001:db8::/32"))
    genuine = recorded.inbound("kannel")
    payload = Payload(genuine.body, genuine.headers, genuine.query, remote)
    if ours:
        assert channel.decode(payload)
    else:
        with pytest.raises(NotOurs):
            channel.decode(payload)


def test_a_token_of_another_account_is_refused() -> None:
    """Vonage signs for many: the account must be ours."""
    payload = recorded.inbound("vonage")
    headers = recorded.vonage_headers(payload.body, NOW.timestamp(), api_key="another")
    with pytest.raises(NotOurs, match="another account"):
        recorded.channel("vonage").decode(Payload(payload.body, headers))


def test_what_is_no_text_of_ours_is_ignored() -> None:
    """A webhook of another channel of the same account is neither kept nor refused."""
    for provider, fields in (("vonage", {"channel": "whatsapp"}), ("bird", {"channelId": "another"})):
        with pytest.raises(Ignored):
            recorded.channel(provider).decode(recorded.inbound(provider, **fields))


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("twilio", b"From=%2B34612345678&To=%2B34911000000&Body=x"),
        ("vonage", b'{"channel": "sms", "from": "34612345678"}'),
        ("vonage", b'["sms"]'),
        ("vonage", b"\xff\xfe"),
        ("messagebird", b"id=1&recipient=34911000000"),
        ("bird", b'{"event": "sms.inbound", "payload": {"channelId": "86cc4dc0-3dc0-41b7-ac43-8ec829ead56f"}}'),
        ("generic", b'{"message": {"id": null, "from": true}}'),
        ("generic", b'{"message": "no object"}'),
    ],
)
def test_a_genuine_payload_that_lacks_something_is_set_aside(provider: str, body: bytes) -> None:
    """What is signed and cannot be read is Malformed, and so kept for people to look at."""
    with pytest.raises(Malformed):
        recorded.channel(provider).provider.read(Posted(recorded.URL, body))


def test_kannel_says_what_its_address_lacks() -> None:
    """Without the id no repetition could be told: the text is set aside with the remedy."""
    genuine = recorded.inbound("kannel")
    with pytest.raises(Malformed, match=r"\?id=%I&from=%p&to=%P"):
        recorded.channel("kannel").decode(Payload(genuine.body, genuine.headers, {}))


def test_a_text_that_was_set_aside_can_be_read_again() -> None:
    """When the file has been mended, the payload that was kept is read without its signature, which was looked at."""
    with desk("twilio", aliases=("+34911999999",)) as kit:
        payload = recorded.inbound("twilio", To="+34911999999")
        (message,) = kit.run(kit.sms.reread(payload.body, kit.desk))
        assert message.text == "Where is my parcel?"


# --- the words


@pytest.mark.parametrize(
    ("text", "consent"),
    [("STOP", False), (" stop. ", False), ("Stop!", False), ("START", True), ("unsubscribe", False),
     ("please stop calling", None), ("HELP", None), ("stop\nit", None)],
)  # fmt: skip
def test_the_words_are_heard_before_anything_else(text: str, consent: bool | None) -> None:
    """STOP and START alone are a consent, in a sentence they are words; a keyword is nobody's turn."""
    (message,) = recorded.channel("twilio").decode(recorded.inbound("twilio", text))
    assert message.consent is consent
    assert message.automatic == (consent is not None or text == "HELP")


def test_the_words_are_those_of_the_files_languages() -> None:
    """BAJA stops a desk that speaks Spanish, not one that does not; the file adds words of its own."""
    payload = recorded.inbound("twilio", "¡Baja!")
    assert recorded.channel("twilio").decode(payload)[0].consent is None
    assert recorded.channel("twilio", languages=("en", "es")).decode(payload)[0].consent is False
    own = recorded.channel("twilio", words=WordsSettings(stop=("baja",)))
    assert own.decode(payload)[0].consent is False


def test_the_providers_own_word_counts() -> None:
    """Twilio says STOP for words that only it was told (OptOutType of its advanced opt-out)."""
    (message,) = recorded.channel("twilio").decode(recorded.inbound("twilio", "Genug!", OptOutType="STOP"))
    assert message.consent is False


def test_a_consent_is_in_the_log_and_on_the_contact() -> None:
    """STOP is recorded as an event with the contact's own word, and START takes it back."""
    with desk() as kit:
        kit.text("Where is my parcel?")
        kit.text("STOP")
        assert [(fact.allowed, fact.word) for fact in kit.facts(ConsentChanged)] == [(False, "STOP")]
        contact = kit.run(kit.desk.contact(kit.conversation().contact, Scope.everything()))
        assert contact.refused == (f"phone:{recorded.ANA}",)
        kit.text("START")
        contact = kit.run(kit.desk.contact(kit.conversation().contact, Scope.everything()))
        assert contact.refused == ()
