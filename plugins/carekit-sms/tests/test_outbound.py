"""Texts that go out: what each provider is asked, what its answers mean, and what must not or not yet be sent."""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
from datetime import timedelta
from typing import Any

import pytest
import sms_recorded as recorded
from joserfc import jwt
from joserfc.jwk import RSAKey
from sms_far_side import FarSide, Told
from sms_kit import FILE, desk

from carekit import (
    Address,
    Attachment,
    DeliveryChanged,
    DeliveryStatus,
    MessageSent,
    MessageWithheld,
    NotAllowed,
    Outbound,
    Permanent,
    PolicyFailed,
    Refused,
    Resend,
    Scope,
    Secret,
    Send,
    Temporary,
)
from carekit.testing import FrozenClock
from carekit_sms import wire
from carekit_sms.provider import Outgoing
from carekit_sms.receipts import Reference
from carekit_sms.settings import QuietSettings

ALL = Scope.everything()
CYRILLIC = "Ваш заказ отправлен"
REFERENCE = Reference("c_1", 3)


def statuses(kit: Any, message: int | None = None) -> list[str]:
    """How far the messages got, step by step."""
    return [f.status.value for f in kit.facts(DeliveryChanged) if message in (None, f.message)]


# --- what is asked


def test_kannel_is_asked_in_headers() -> None:
    """Password, numbers and the receipt's address go in headers and the text in the body: no log has the password."""
    with desk("kannel", kannel={"smsc": "SMSC1"}) as kit:
        kit.begin(CYRILLIC, scope=ALL)
        kit.begin("It left today: 5 €", scope=ALL)
        wide, plain = kit.far_side.asked
        assert (wide.method, wide.path, dict(wide.query)) == ("POST", "/cgi-bin/sendsms", {})
        assert wide.headers["x-kannel-username"] == "care"
        assert wide.headers["x-kannel-password"] == "for sending"
        assert (wide.headers["x-kannel-from"], wide.headers["x-kannel-to"]) == (recorded.OURS, recorded.ANA)
        assert wide.headers["x-kannel-smsc"] == "SMSC1"
        assert (wide.headers["x-kannel-coding"], plain.headers["x-kannel-coding"]) == ("2", "0")
        assert wide.body.decode() == CYRILLIC
        assert plain.headers["x-kannel-dlr-url"].startswith(f"{recorded.URL}/receipt/c_")
        assert plain.headers["x-kannel-dlr-url"].endswith("?type=%d&detail=%A")


def test_twilio_is_asked_with_a_form() -> None:
    """To, From, Body and StatusCallback, with the account's own authentication."""
    with desk("twilio") as kit:
        kit.begin(CYRILLIC, scope=ALL)
        (asked,) = kit.far_side.asked
        assert asked.path == "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"
        assert (
            asked.headers["authorization"]
            == "Basic " + base64.b64encode(b"AC00000000000000000000000000000001:12345").decode()
        )
        form = asked.form
        assert form.pop("StatusCallback").startswith(f"{recorded.URL}/receipt/")
        assert form == {"To": recorded.ANA, "From": recorded.OURS, "Body": CYRILLIC}


def test_twilio_may_send_through_a_messaging_service() -> None:
    """With `service`, that chooses the number."""
    with desk("twilio", twilio={"service": "MG1"}) as kit:
        kit.begin("It left today.", scope=ALL)
        assert kit.far_side.asked[0].form["MessagingServiceSid"] == "MG1"
        assert "From" not in kit.far_side.asked[0].form


def test_vonage_is_asked_with_json() -> None:
    """The Messages API, numbers without their plus, the reference as client_ref, and where to report to."""
    with desk("vonage", sender="Northwind") as kit:
        kit.begin(CYRILLIC, scope=ALL)
        (asked,) = kit.far_side.asked
        assert asked.path == "/v1/messages"
        body = asked.json
        assert (body["from"], body["to"], body["text"]) == ("Northwind", "34612345678", CYRILLIC)
        assert (body["channel"], body["message_type"], body["sms"]) == ("sms", "text", {"encoding_type": "unicode"})
        assert body["webhook_url"].endswith(body["client_ref"])
        assert len(body["client_ref"]) <= 100
        assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"abcd1234:for sending").decode()


def test_vonage_may_be_asked_as_an_application() -> None:
    """Then the token is a JWT of that application, signed with its key and good for a quarter of an hour."""
    key = RSAKey.generate_key(2048, private=True)
    pem = key.as_pem(private=True).decode()
    own = {"secret": None, "application": "78d335fa", "private_key": Secret(pem)}
    with desk("vonage", vonage=own) as kit:
        kit.begin("It left today.", scope=ALL)
        token = kit.far_side.asked[0].headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["RS256"]).claims
        assert claims["application_id"] == "78d335fa"
        assert claims["iat"] == int(kit.clock.now().timestamp())
        assert claims["exp"] - claims["iat"] == 900
    with desk("vonage", vonage=own | {"private_key": Secret("not PEM")}) as kit:
        kit.begin("It left today.", scope=ALL)
        assert statuses(kit)[-1] == "failed"
        assert "private_key in the file cannot be used" in kit.facts(DeliveryChanged)[-1].detail


def test_messagebird_is_asked_with_json() -> None:
    """A reference, without which it reports nothing, and the coding that the text needs."""
    with desk("messagebird") as kit:
        kit.begin(CYRILLIC, scope=ALL)
        (asked,) = kit.far_side.asked
        assert (asked.path, asked.headers["authorization"]) == ("/messages", "AccessKey for sending")
        body = asked.json
        assert (body["originator"], body["recipients"]) == ("34911000000", ["34612345678"])
        assert (body["body"], body["datacoding"]) == (CYRILLIC, "unicode")
        assert body["reportUrl"].endswith(body["reference"])


def test_bird_is_asked_with_json() -> None:
    """The channel of the workspace, the receiver by number, and our reference."""
    with desk("bird") as kit:
        kit.begin(CYRILLIC, scope=ALL)
        (asked,) = kit.far_side.asked
        table = recorded.TABLES["bird"]
        assert asked.path == f"/workspaces/{table['workspace']}/channels/{table['channel']}/messages"
        assert asked.json["receiver"] == {
            "contacts": [{"identifierKey": "phonenumber", "identifierValue": recorded.ANA}]
        }
        assert asked.json["body"] == {"type": "text", "text": {"text": CYRILLIC}}


def test_a_gateway_is_asked_as_the_file_says() -> None:
    """Names, method and secrets come from the file; braces in a text are no names."""
    with desk("generic") as kit:
        kit.begin("{secret.password} {to}", scope=ALL)
        (asked,) = kit.far_side.asked
        assert (asked.method, asked.path) == ("GET", "/send")
        assert asked.query["msg"] == "{secret.password} {to}"
        assert (asked.query["user"], asked.query["pass"]) == ("care", "for sending")
        assert (asked.query["to"], asked.query["from"]) == ("34612345678", recorded.OURS)


def test_a_gateway_may_be_asked_with_nested_json() -> None:
    """A dot in a field's name makes an object; headers may hold secrets, too."""
    more = {"method": "PUT", "format": "json", "headers": {"X-Key": "{secret.password}"},
            "send": {"message.to": "{to}", "message.text": "{text}", "ref": "{reference}"}}  # fmt: skip
    channel = recorded.channel("generic", generic=more)
    outgoing = Outgoing(recorded.OURS, recorded.ANA, "hello", "ref-1", "https://x", FrozenClock().now())
    asked = channel.provider.submit(outgoing)
    assert (asked.method, asked.headers) == ("PUT", {"X-Key": "for sending"})
    assert asked.json == {"message": {"to": recorded.ANA, "text": "hello"}, "ref": "ref-1"}


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
def test_no_secret_is_shown_or_logged(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the repr of a submission, not in a log at any level, not in the detail of a failure."""
    caplog.set_level(logging.DEBUG)
    with desk(provider) as kit:
        kit.far_side.answers = [Told(500, b"broken")]
        kit.begin("It left today.", scope=ALL)
        details = [fact.detail for fact in kit.facts(DeliveryChanged)]
    unreachable = recorded.channel(provider, "http://127.0.0.1:9")
    with pytest.raises(Temporary) as told:
        asyncio.run(unreachable.hand_over(recorded.ANA, "x", REFERENCE))
    everything = "\n".join([*details, str(told.value), repr(unreachable.settings), caplog.text])
    for secret in ("for sending", "for+sending", "12345:", recorded.KEY):
        assert secret not in everything


# --- what is answered


@pytest.mark.parametrize("provider", recorded.PROVIDERS)
@pytest.mark.parametrize(
    ("told", "status", "tries"),
    [
        (Told(400, b'{"message": "no", "title": "no"}'), "failed", 1),
        (Told(500), "unsure", 1),
        (Told(502, b"<html>"), "unsure", 1),
        (Told(302, headers={"Location": "http://169.254.169.254/"}), "unsure", 1),
        (Told(breaks=True), "unsure", 1),
        (Told(429, headers={"Retry-After": "3"}), "sent", 2),
        (Told(503), "sent", 2),
        (Told(401), "sent", 2),
    ],
    ids=["400", "500", "502", "302", "cut", "429", "503", "401"],
)
def test_an_answer_means_what_is_known(provider: str, told: Told, status: str, tries: int) -> None:
    """Refused is failed; told to wait is tried again; anything that may have been taken is unsure, and never resent."""
    with desk(provider) as kit:
        kit.far_side.answers = [told]
        kit.begin("It left today.", scope=ALL)
        kit.advance("2m")
        assert statuses(kit)[-1] == status
        assert len(kit.far_side.asked) == tries


def test_an_answer_that_does_not_come_is_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that hangs may have the text; nobody waits for it longer than the limit."""
    monkeypatch.setattr(wire, "TIMEOUT", 0.3)
    with desk("twilio") as kit:
        kit.far_side.answers = [Told(hangs=1.0)]
        kit.begin("It left today.", scope=ALL)
        kit.advance("1h")
        assert statuses(kit)[-1] == "unsure"
        assert len(kit.far_side.asked) == 1


def test_an_endless_answer_is_cut_off() -> None:
    """Of an answer only the beginning is read, and its status counts."""
    with desk("twilio") as kit:
        kit.far_side.answers = [Told(201, b"x" * 3_000_000)]
        kit.begin("It left today.", scope=ALL)
        assert statuses(kit)[-1] == "sent"


def test_what_cannot_be_reached_is_tried_again() -> None:
    """A refused connection is certain: nothing was taken."""
    channel = recorded.channel("twilio", "http://127.0.0.1:9")
    with pytest.raises(Temporary, match="cannot be reached"):
        asyncio.run(channel.hand_over(recorded.ANA, "x", REFERENCE))
    health = asyncio.run(channel.health())
    assert (health.state, "cannot be reached" in health.detail) == ("degraded", True)


@pytest.mark.parametrize(
    ("provider", "told", "words"),
    [
        ("twilio", Told(400, b'{"code": 21610, "message": "unsubscribed"}'), "only their START"),
        ("twilio", Told(400, b'{"code": 21211, "message": "Invalid To"}'), "Invalid To (Twilio error 21211)"),
        ("vonage", Told(422, b'{"title": "Invalid params", "detail": "to is wrong"}'), "Invalid params: to is wrong"),
        ("messagebird", Told(422, b'{"errors": [{"code": 9, "description": "no recipients"}]}'), "no recipients"),
        ("bird", Told(422, b'{"code": "InvalidPayload", "message": "bad number"}'), "bad number"),
        ("kannel", Told(403, b"Not routable. Do not try again."), "Not routable"),
        ("generic", Told(400, b"ERR 7 bad number"), "ERR 7 bad number"),
    ],
)
def test_a_refusal_is_told_in_the_providers_words(provider: str, told: Told, words: str) -> None:
    """The agent reads why, as the provider put it."""
    with desk(provider) as kit:
        kit.far_side.answers = [told]
        kit.begin("It left today.", scope=ALL)
        assert words in kit.facts(DeliveryChanged)[-1].detail


def test_a_gateway_that_always_answers_200_is_read() -> None:
    """`taken` names what a good answer holds; any other is a refusal."""
    with desk("generic", generic={"taken": "OK"}) as kit:
        kit.far_side.answers = [Told(200, b"ERR:104"), Told(200, b'{"id": 7, "state": "OK"}')]
        kit.begin("one", scope=ALL)
        kit.begin("two", scope=ALL)
        outcomes = [fact for fact in kit.facts(DeliveryChanged) if fact.status is not DeliveryStatus.SENDING]
        assert [(one.status.value, one.external_id) for one in outcomes] == [("failed", ""), ("sent", "7")]


def test_an_unsure_text_goes_again_only_when_a_person_says_so() -> None:
    """Resend is the one way."""
    with desk("twilio") as kit:
        kit.far_side.answers = [Told(breaks=True)]
        kit.begin("It left today.", scope=ALL)
        kit.advance("3d")
        assert len(kit.far_side.asked) == 1
        kit.act(Resend(2), "agent:lena")
        assert (len(kit.far_side.asked), statuses(kit)[-1]) == (2, "sent")


# --- what is long


def test_a_long_text_goes_as_one_text_of_several_parts() -> None:
    """The provider concatenates; the phone shows one message."""
    with desk("twilio") as kit:
        kit.begin("word " * 100, scope=ALL)
        assert len(kit.far_side.asked) == 1


def test_a_longer_text_is_split_into_several() -> None:
    """Beyond the parts that the file allows or the length that the provider takes, at spaces, with nothing lost."""
    text = "word " * 300
    with desk("twilio", parts=3) as kit:
        kit.begin(text, scope=ALL)
        pieces = [asked.form["Body"] for asked in kit.far_side.asked]
        assert len(pieces) == 4
        assert all(kit.sms.segments.count(piece)[0] <= 3 for piece in pieces)
        assert " ".join(pieces) == text.strip()
        assert len(set(kit.references)) == 4
        assert statuses(kit)[-1] == "sent"


def test_a_long_text_is_refused_where_the_file_says_so() -> None:
    """With ``long = "refuse"`` whoever writes it is told before anything is sent, and can shorten it."""
    with desk("twilio", parts=1, long="refuse") as kit:
        with pytest.raises(Refused, match=r"takes 2 parts, and its channel sends at most 1: shorten it") as refused:
            kit.begin("x" * 200, scope=ALL)
        assert refused.value.field == "text"
        assert (kit.far_side.asked, kit.service.store.last_position()) == ([], 0)


def test_what_a_rule_writes_too_long_is_not_sent() -> None:
    """Nobody is there to shorten it: the rule has failed and says why."""
    answer = FILE + f'[policies.thanks]\nuse = "acknowledge"\ntext = "{"x" * 2_000}"\n'
    with desk("twilio", file=answer, parts=1, long="refuse") as kit:
        kit.text("Hello")
        assert kit.far_side.asked == []
        assert [failed.name for failed in kit.facts(PolicyFailed)] == ["thanks"]
        assert "shorten it" in kit.facts(PolicyFailed)[0].error


def test_what_would_be_more_texts_than_anybody_reads_is_not_sent() -> None:
    """How many texts a long one becomes shows when it is cut at its spaces: then it fails and says why."""
    answer = FILE + f'[policies.thanks]\nuse = "acknowledge"\ntext = "{"x" * 2_000}"\n'
    with desk("twilio", file=answer, parts=1) as kit:
        kit.text("Hello")
        assert kit.far_side.asked == []
        assert "10 are the most" in kit.facts(DeliveryChanged)[-1].detail


@pytest.mark.parametrize("failure", [Told(400), Told(503), Told(breaks=True)], ids=["refused", "later", "cut"])
def test_half_of_a_split_text_is_unsure(failure: Told) -> None:
    """When a later piece fails, the pieces before it are out: it is not sent again by itself."""
    with desk("twilio", parts=1) as kit:
        kit.far_side.answers = [Told(), failure]
        kit.begin("word " * 60, scope=ALL)
        kit.advance("1h")
        assert statuses(kit)[-1] == "unsure"
        assert kit.facts(DeliveryChanged)[-1].detail.startswith("1 of 2 texts were sent")
        assert len(kit.far_side.asked) == 2


# --- who may be written to


def test_we_may_write_first() -> None:
    """A shipped order, by number; the answer comes back into the same conversation, and the key makes it harmless."""
    with desk("twilio") as kit:
        first = kit.begin("Your order 7 left today.", scope=ALL, key="order-7")
        again = kit.begin("Your order 7 left today.", scope=ALL, key="order-7")
        assert (again.repeated, len(kit.far_side.asked)) == (True, 1)
        kit.text("Thank you! When will it come?")
        assert kit.conversation().id == first.conversation.id
        assert kit.thread() == [("service", "Your order 7 left today."), ("contact", "Thank you! When will it come?")]


@pytest.mark.parametrize("to", ["0612 345 678", "612345678", "ana@host.example", "+34", "INFO", "+34612345678x"])
def test_only_numbers_in_international_form_can_be_written_to_first(to: str) -> None:
    """Anything else is refused at once, with an example: an answer from it would find another contact."""
    with desk() as kit, pytest.raises(Refused, match=r"international form, such as") as refused:
        kit.begin("hello", to, scope=ALL)
    assert refused.value.field == "to"


def test_who_said_stop_is_not_written_to() -> None:
    """A person is told, what a rule wanted to say is noted, and START lets both again."""
    with desk() as kit:
        kit.text("Where is my parcel?")
        kit.text("STOP")
        with pytest.raises(NotAllowed):
            kit.reply("lena", "It left today.")
        kit.begin("Your order left.", scope=ALL)
        assert len(kit.facts(MessageWithheld)) == 1
        assert kit.far_side.asked == []
        kit.text("START")
        kit.reply("lena", "It left today.")
        assert len(kit.far_side.asked) == 1


def test_a_stop_reaches_what_was_still_waiting() -> None:
    """A text that was held when STOP came is not sent when its time has come."""
    with desk(quiet=QuietSettings(hours="00:00-23:00", timezone="UTC")) as kit:
        kit.begin("Your order left.", scope=ALL)
        kit.text("STOP")
        kit.advance("1d")
        assert kit.far_side.asked == []
        assert kit.facts(DeliveryChanged)[-1].status is DeliveryStatus.FAILED
        assert "does not want to be written to" in kit.facts(DeliveryChanged)[-1].detail


def test_a_stop_reaches_even_what_is_being_sent() -> None:
    """The contact is looked up anew before each text: what was loaded a moment ago may be old."""
    with desk() as kit:
        kit.text("Where is my parcel?")
        conversation = kit.conversation()
        before = kit.run(kit.desk.contact(conversation.contact, ALL))
        kit.text("STOP")
        outbound = Outbound(conversation, before, 9, MessageSent("agent:lena", "hi"), recorded.ANA, kit.clock.now())
        with pytest.raises(Permanent, match="does not want to be written to"):
            kit.run(kit.sms.send(outbound))
        assert kit.far_side.asked == []


def test_files_and_odd_addresses_are_refused() -> None:
    """A text carries no files of ours, and goes nowhere but to a number; both are told, not dropped."""
    with desk() as kit:
        kit.text("hello")
        file = Attachment("label.pdf", "application/pdf", 3, kit.run(kit.desk.keep(b"pdf")))
        kit.act(Send("here", attachments=(file,)), "agent:lena")
        assert "carry no files" in kit.facts(DeliveryChanged)[-1].detail
        kit.write("hi", channel="sms", sender="Vodafone", address=Address("phone", "Vodafone"))
        kit.reply("lena", "hello")
        assert "is not a telephone number" in kit.facts(DeliveryChanged)[-1].detail
        assert kit.far_side.asked == []


# --- when


def test_quiet_hours_are_the_contacts() -> None:
    """A notice at nine in the evening in Tokyo waits for the morning there; an answer goes at once."""
    with desk(quiet=QuietSettings(hours="21:00-08:00")) as kit:
        kit.clock.set(kit.clock.now().replace(hour=12, minute=30))
        kit.begin("Your order left.", "+81312345678", scope=ALL)
        kit.begin("Your order left.", "+34911111111", scope=ALL)
        assert [asked.headers["x-kannel-to"] for asked in kit.far_side.asked] == ["+34911111111"]
        kit.advance("10h")
        assert len(kit.far_side.asked) == 1
        kit.advance("31m")
        assert [asked.headers["x-kannel-to"] for asked in kit.far_side.asked][1:] == ["+81312345678"]
        kit.text("Now?", sender="+81312345678")
        kit.clock.set(kit.clock.now().replace(hour=13))
        kit.reply("lena", "Now.")
        assert len(kit.far_side.asked) == 3


def test_quiet_hours_may_hold_answers_as_well() -> None:
    """With ``holds = "everything"``."""
    with desk(quiet=QuietSettings(hours="08:00-18:00", timezone="UTC", holds="everything")) as kit:
        kit.text("hello")
        kit.reply("lena", "hi")
        assert kit.far_side.asked == []
        kit.advance("12h")
        assert len(kit.far_side.asked) == 1


def test_a_number_keeps_its_pace() -> None:
    """Twenty texts at two a second take ten seconds, in order for each contact, and none is lost."""
    with desk(rate=2.0) as kit:
        for number in range(20):
            kit.begin(f"text {number}", f"+346123456{number % 4:02}", scope=ALL)
        assert len(kit.far_side.asked) == 1
        sent_by = []
        for _ in range(22):
            kit.advance(timedelta(seconds=0.5))
            sent_by.append(len(kit.far_side.asked))
        assert max(after - before for before, after in itertools.pairwise(sent_by)) <= 1
        bodies = [(asked.headers["x-kannel-to"], asked.body.decode()) for asked in kit.far_side.asked]
        assert len(set(bodies)) == len(bodies) == 20
        for contact in {to for to, _ in bodies}:
            own = [int(body.split()[1]) for to, body in bodies if to == contact]
            assert own == sorted(own)


def test_connections_are_kept_while_the_service_runs(far_side: FarSide) -> None:
    """Between `run` and its end one connection serves many texts; outside of it each text has its own."""

    async def go() -> None:
        channel = recorded.channel("twilio", far_side.url)
        running = asyncio.create_task(channel._wire.keep_open())
        await asyncio.sleep(0)
        for _ in range(3):
            await channel.hand_over(recorded.ANA, "x", REFERENCE)
        running.cancel()
        await asyncio.wait([running])
        await channel.hand_over(recorded.ANA, "x", REFERENCE)

    asyncio.run(go())
    kept, other = {asked.connection for asked in far_side.asked[:3]}, far_side.asked[3].connection
    assert len(kept) == 1
    assert other not in kept


def test_an_error_of_ours_is_told_apart() -> None:
    """An address that cannot be asked at all is Permanent: no attempt will make it better."""
    channel = recorded.channel("generic", generic={"url": "ftp://sms.example/send"})
    with pytest.raises(Permanent, match="cannot be written"):
        asyncio.run(channel.hand_over(recorded.ANA, "x", REFERENCE))
