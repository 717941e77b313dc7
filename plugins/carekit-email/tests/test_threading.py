"""Tokens authorise, references suggest, subjects do neither."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_email.codec import InboundEmail, decode
from carekit_email.threading import (
    SentMessage,
    candidates,
    named_message,
    reply_address,
    signed_message_id,
    verify_message_id,
)

SECRET = b"s" * 32
CONVERSATION = "c_01hf3k9m2qp4r6t8v0w2x4"
ADA = "Ada@host.example"


def mail(sender: str = ADA, to: str = "help@shop.example", reply_to: str = "", references: str = "") -> InboundEmail:
    headers = [f"From: {sender}", f"To: {to}", f"In-Reply-To: {reply_to}", f"References: {references}"]
    return decode("\n".join([*headers, f"Subject: [#1] {CONVERSATION}", "", "x"]).encode())


def message_id(**changes: Any) -> str:
    values: dict[str, Any] = {"secret": SECRET, "conversation": CONVERSATION, "seq": 5, "recipient": ADA}
    return signed_message_id(**(values | changes), domain="shop.example")


def test_an_answer_to_our_message_is_verified() -> None:
    """The signed Message-ID comes back in In-Reply-To or anywhere in References."""
    assert candidates(mail(reply_to=f"<{message_id()}>"), SECRET).conversation == CONVERSATION
    assert candidates(mail(references=f"<a@b> <{message_id()}> <c@d>"), SECRET).conversation == CONVERSATION


def test_the_plus_address_is_verified_in_any_case() -> None:
    """Mail systems may change the case of an address."""
    address = reply_address(SECRET, CONVERSATION, ADA, "help@shop.example")
    assert len(address.split("@")[0]) <= 64
    for spelling in (address, address.upper()):
        assert candidates(mail(to=spelling), SECRET).conversation == CONVERSATION


@pytest.mark.parametrize(
    "changes", [{"secret": b"other"}, {"recipient": "eve@host.example"}, {"conversation": "c_other"}, {"seq": 6}]
)
def test_a_token_is_good_for_one_conversation_recipient_and_purpose(changes: dict[str, Any]) -> None:
    """Whatever part differs, the tag no longer fits."""
    forged = f"{CONVERSATION}.5.{message_id(**changes).split('.')[2].split('@')[0]}@shop.example"
    assert candidates(mail(reply_to=f"<{forged}>"), SECRET).conversation == ""


def test_a_stranger_with_a_genuine_token_is_not_verified() -> None:
    """Who got a copy of our mail does not become the contact; the id still is a candidate."""
    found = candidates(mail(sender="eve@host.example", reply_to=f"<{message_id()}>"), SECRET)
    assert found.conversation == ""
    assert found.ids == (message_id(),)


def test_a_reply_token_is_no_message_token() -> None:
    """One purpose's tag is worthless for another."""
    tag = reply_address(SECRET, CONVERSATION, ADA, "help@shop.example").split("-")[1].split("@")[0]
    assert verify_message_id(f"{CONVERSATION}.5.{tag}@shop.example", (ADA,), SECRET) is None


def test_references_follow_in_reply_to_from_newest_to_oldest() -> None:
    """Each id once, strongest first."""
    assert candidates(mail(reply_to="<2@x>", references="<0@x> <1@x> <2@x>"), SECRET).ids == ("2@x", "1@x", "0@x")


def test_a_number_in_the_subject_means_nothing() -> None:
    """Every mail here has one."""
    found = candidates(mail(), SECRET)
    assert (found.conversation, found.ids) == ("", ())


def test_a_bounce_names_the_message_that_failed() -> None:
    """Conversation and step are in the id, verified for one of the recipients that failed."""
    assert verify_message_id(message_id(), ("x@y.example", ADA), SECRET) == SentMessage(CONVERSATION, 5)
    assert named_message(message_id()) == SentMessage(CONVERSATION, 5)
    assert named_message("anything@else.example") is None


@given(st.text(max_size=120))
def test_no_text_is_a_token(text: str) -> None:
    """Random ids verify as nothing and raise nothing."""
    assert verify_message_id(text, (ADA, text), SECRET) is None
