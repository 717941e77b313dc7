"""The whole way through a real gateway: Kannel with its fake SMSC, and `carekit serve` as a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from sms_gateway import FAKESMSC, OURS, REMEDY, FakeSmsc, Kannel, Phones, Service, until

from carekit.testing import free_port

pytestmark = [pytest.mark.require("bearerbox", REMEDY), pytest.mark.require(FAKESMSC, REMEDY)]

ANA, JOE = "+34612345678", "+447400123456"
CYRILLIC = "Где моя посылка? €"
MANY = int(os.environ.get("CAREKIT_SMS_MANY", "1000"))
"""How many texts go each way in the test of many."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Kannel]]:
    """A gateway and a desk that know each other."""
    folder = tmp_path_factory.mktemp("kannel")
    port = free_port()
    kannel = Kannel(folder, port)
    channels = (
        f'[channels.sms]\nuse = "sms"\nprovider = "kannel"\nnumber = "{OURS}"\nregion = "ES"\n[channels.sms.kannel]\n'
        f'url = "http://127.0.0.1:{kannel.sendsms}/cgi-bin/sendsms"\nuser = "care"\npassword = "for-sending"\n'
        'secret = "for-posting"\n'
    )
    service = Service(folder, port, channels)
    try:
        kannel.start()
        service.start()
        yield service, kannel
    finally:
        service.close()
        kannel.stop()


def test_a_text_goes_the_whole_way(world: tuple[Service, Kannel]) -> None:
    """In from a phone; an answer out to it; the operator's two receipts (8 accepted, 1 delivered) back."""
    service, kannel = world
    with FakeSmsc(kannel, f"{ANA} {OURS} text Where is my parcel?") as phone:
        until(lambda: "Where is my parcel?" in service.received(), "the text from the phone")
        conversation = service.begin("It left today: 5 €", ANA)
        until(lambda: phone.got, "the answer on the phone")
        assert phone.got == [f"{OURS} {ANA} text It left today: 5 €"]
        until(lambda: "delivered" in service.statuses(conversation), "the receipt")
    assert service.statuses(conversation) == ["sending", "sent", "delivered"]
    (started,) = [event for event in service.events("conversation_started") if event["stream"] == conversation]
    assert started["stream"] == service.events("message_received")[0]["stream"], "the answer joined the conversation"
    for kind in ("8", "1"):
        assert f"type={kind}&" in kannel.said


def test_other_scripts_go_the_whole_way(world: tuple[Service, Kannel]) -> None:
    """UCS-2 in and out, byte for byte."""
    service, kannel = world
    with FakeSmsc(kannel, f"{JOE} {OURS} ucs2 {quote(CYRILLIC.encode('utf-16-be'))}"):
        until(lambda: CYRILLIC in service.received(), "the text in Cyrillic")
    with Phones(kannel) as phones:
        service.begin(CYRILLIC, JOE)
        until(lambda: phones.got, "the answer in Cyrillic")
        assert phones.got == [(JOE, CYRILLIC)]


def test_long_texts_are_one_message_each_way(world: tuple[Service, Kannel]) -> None:
    """A concatenated text comes in as one; a long one goes out in parts with one header, and is delivered once."""
    service, kannel = world
    first, second = "This is the first part of a long text, ", "and this is the second"
    with Phones(kannel) as phones:
        for number, part in ((1, first), (2, second)):
            header = quote(bytes([5, 0, 3, 42, 2, number]))
            phones._socket.sendall(f"{ANA} {OURS} udh-text {header} {part}\n".encode())
        until(lambda: any(text.startswith("This is the first") for text in service.received()), "the long text")
        assert first + second in service.received()
    with FakeSmsc(kannel, "nobody nobody text x", count=0) as phone:
        conversation = service.begin("long " * 60, ANA)
        until(lambda: len(phone.got) == 2, "both parts")
        assert all(" udh %05%00%03" in got for got in phone.got)
        until(lambda: service.statuses(conversation)[-1] == "delivered", "the receipt")


def test_stop_is_obeyed(world: tuple[Service, Kannel]) -> None:
    """The word from a phone is in the log, and nothing goes there any more until START."""
    service, kannel = world
    number = "+34699000001"
    with FakeSmsc(kannel, f"{number} {OURS} text Stop"):
        until(lambda: service.events("consent_changed"), "the consent")
    with Phones(kannel) as phones:
        service.begin("Your order left.", number)
        assert service.events("message_withheld")
        service.begin("Your order left.", JOE)
        until(lambda: phones.got, "what goes elsewhere")
        phones.write(number, "START")
        until(lambda: len(service.events("consent_changed")) == 2, "the second consent")
        service.begin("Your other order left.", number)
        until(lambda: len(phones.got) == 2, "the text after START")
        assert phones.got == [(JOE, "Your order left."), (number, "Your other order left.")]


def test_the_gateway_may_stop_and_start_again(world: tuple[Service, Kannel]) -> None:
    """What is sent meanwhile waits, and arrives once."""
    service, kannel = world
    kannel.stop()
    conversation = service.begin("Sent while the gateway was down", "+34699000002")
    until(lambda: "cannot be reached" in service.said, "an attempt")
    kannel.start()
    with Phones(kannel) as phones:
        until(lambda: phones.got, "the text", 60)
        until(lambda: service.statuses(conversation)[-1] == "delivered", "the receipt")
        time.sleep(1)
        assert phones.got == [("+34699000002", "Sent while the gateway was down")]


def test_a_text_that_comes_while_the_desk_is_down_is_kept(world: tuple[Service, Kannel]) -> None:
    """With ``http-request-retry`` smsbox posts again until it hears that the text is kept; then it is there once."""
    service, kannel = world
    service.stop()
    with FakeSmsc(kannel, f"{ANA} {OURS} text Is anybody there?"):
        until(lambda: "Retrying request" in kannel.said, "an attempt")
        service.start()
        until(lambda: service.received(), "the text")
        time.sleep(2)
        assert service.received() == ["Is anybody there?"]


def test_many_texts_go_each_way_and_none_is_lost_or_doubled(world: tuple[Service, Kannel]) -> None:
    """Numbered, from and to many phones at once: each arrives once, and every message is delivered.

    ``CAREKIT_SMS_MANY`` says how many.
    """
    service, kannel = world
    before, before_delivered = len(service.received()), len(delivered(service))
    numbers = [f"+3461{number:07}" for number in range(MANY)]
    with Phones(kannel) as phones:
        for place, number in enumerate(numbers):
            phones.write(number, f"in {place}")
            service.begin(f"out {place}", number)
        until(lambda: len(phones.got) >= MANY, "what goes out", 300)
        until(lambda: len(service.received()) >= before + MANY, "what comes in", 300)
        until(lambda: len(delivered(service)) >= before_delivered + MANY, "the receipts", 300)
        time.sleep(0.5)
        assert sorted(phones.got) == sorted((number, f"out {place}") for place, number in enumerate(numbers))
    assert sorted(service.received()[before:]) == sorted(f"in {place}" for place in range(MANY))
    assert len(set(delivered(service))) == len(delivered(service)) == before_delivered + MANY


def delivered(service: Service) -> list[tuple[str, int]]:
    """The messages that were delivered: conversation and step."""
    changes = service.events("delivery_changed")
    return [(e["stream"], e["fact"]["message"]) for e in changes if e["fact"]["status"] == "delivered"]
