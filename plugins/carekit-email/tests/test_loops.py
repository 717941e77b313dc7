"""Machines do not answer each other, strangers cannot make us write, and other services' mail is not for everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mail_tests_mailroom import ADDRESS, FILE, mail

from carekit import MessageSent, Send
from carekit_email import decode
from carekit_email.loops import Rates, is_for_an_account, is_machine

ACKNOWLEDGE = """
[policies.ack]
use = "acknowledge"
text = "We have your message."
"""


def relayed(path: bytes, *, strip: bool) -> bytes:
    """A mail as a careless system hands it on: without the fields that tell of machines."""
    kept = [
        line
        for line in path.split(b"\r\n")
        if not line.lower().startswith((b"auto-submitted", b"precedence", b"x-auto"))
    ]
    return b"\r\n".join(kept) if strip else path


@pytest.mark.parametrize("strip", [False, True], ids=["marks kept", "marks lost"])
def test_s_16_two_desks_that_answer_each_other_stop_within_three_mails(rooms: Callable[..., Any], strip: bool) -> None:
    """Also when everything that marks automatic mail gets lost on the way."""
    one = rooms(ACKNOWLEDGE)
    other = rooms(ACKNOWLEDGE, FILE.replace(ADDRESS, "care@other.example"))
    one.take(mail(From="care@other.example"))
    mails = 1
    here, there = one, other
    for _ in range(10):
        waiting = sorted(here.out.glob("*.eml"))
        if not waiting:
            break
        mails += 1
        raw = waiting[0].read_bytes()
        waiting[0].unlink()
        there.take(relayed(raw, strip=strip))
        here, there = there, here
    assert mails <= 3


def test_s_16_an_acknowledgement_quotes_nothing_of_a_stranger(rooms: Callable[..., Any]) -> None:
    """Spam that is sent through us would carry the spammer's words; only the subject's thread is kept, marked Re:."""
    room = rooms(ACKNOWLEDGE)
    room.take(mail("BUY NOW http://evil.example", From="victim@host.example", Subject="Order"))
    (answer,) = room.answers()
    assert "evil" not in answer.text + answer.html and answer.auto_reply
    assert answer.to == ("victim@host.example",)


def test_s_16_a_flood_of_one_sender_is_answered_once_and_then_set_aside(rooms: Callable[..., Any]) -> None:
    """A stranger cannot fill the inbox, nor have us fill theirs."""
    room = rooms("per_sender = 5\n" + ACKNOWLEDGE)
    for number in range(9):
        room.take(mail(f"message {number}", Subject=f"Order {number}"))
    assert (len(room.received()), len(room.quarantined()), len(room.answers())) == (5, 4, 1)
    room.take(mail("hello", From="bob@host.example"))
    assert len(room.received()) == 6
    room.kit.advance("61m")
    room.take(mail("again"))
    assert len(room.received()) == 7


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"since": 5, "counts": {}}', '{"since": "2026-11-02", "counts": 7}'])
def test_counts_that_cannot_be_read_begin_anew(text: str) -> None:
    """A mark is data like any other; whatever it holds, mail comes in."""
    now = datetime(2026, 11, 2, tzinfo=UTC)
    assert Rates.load(1, text, now).allow("ada", now)


def test_counts_go_from_process_to_process() -> None:
    """Those of this hour, and of the busiest senders only: a mark must not grow with every address of a flood."""
    now = datetime(2026, 11, 2, tzinfo=UTC)
    rates = Rates(2, now)
    for number in range(3_000):
        rates.allow(f"{number}@host.example", now)
    rates.allow("ada@host.example", now)
    rates.allow("ada@host.example", now)
    assert len(str(rates)) < 60_000
    again = Rates.load(2, str(rates), now)
    assert not again.allow("ada@host.example", now)
    assert again.allow("ada@host.example", now + timedelta(hours=1))


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<l.host.example>"},
        {"X_Auto_Response_Suppress": "All"},
        {"From": "no-reply@host.example"},
        {"From": "MAILER-DAEMON@host.example"},
        {"X_Spam_Flag": "YES"},
        {"From": "help@shop.example"},
        {"Return_Path": "<>"},
    ],
)
def test_s_16_machines_get_no_automatic_answer(rooms: Callable[..., Any], headers: dict[str, str]) -> None:
    """Auto-replies, lists, bounces, addresses nobody reads, ourselves."""
    room = rooms(ACKNOWLEDGE)
    room.take(mail(**headers))
    assert not room.answers()


def test_people_may_be_written_to_wherever_they_are(room: Any) -> None:
    """What an agent writes goes out also where a machine's message would not."""
    room.take(mail(From="no-reply@host.example"))
    room.kit.reply("ana", "Is anybody there?")
    assert [one.to for one in room.answers()] == [("no-reply@host.example",)]


def test_the_same_automatic_message_goes_out_once_a_day(room: Any) -> None:
    """Whatever a policy or a bot wants."""
    room.take(mail())
    for _ in range(2):
        room.kit.act(Send("We are closed.", purpose="hours"), "policy:hours")
    assert len(room.facts(MessageSent)) == 2
    assert len(room.answers()) == 1
    room.kit.advance("25h")
    room.kit.act(Send("We are closed.", purpose="hours"), "policy:hours")
    assert len(room.answers()) == 2


@pytest.mark.parametrize(
    ("subject", "sender"),
    [
        ("Confirm your email address", "no-reply@slack.example"),
        ("Your verification code is 123456", "notifications@github.example"),
        ("123456 is your login code", "noreply@x.example"),
        ("Reset your password", "do-not-reply@x.example"),
        ("You have been invited to join Northwind on Slack", "no-reply@slack.example"),
        ("Ihr Bestätigungscode", "no-reply@x.example"),
        ("验证码", "no-reply@x.example"),
    ],
)
def test_s_16_verification_mail_stays_out_of_the_inbox(room: Any, subject: str, sender: str) -> None:
    """Whoever reads it could open or take over an account in our name."""
    room.take(mail("code 123456", Subject=subject, From=sender))
    assert not room.received()
    (aside,) = room.quarantined()
    assert "verification" in aside.error


def test_s_16_verification_mail_goes_to_the_restricted_inbox_where_there_is_one(rooms: Callable[..., Any]) -> None:
    """One that few may see."""
    room = rooms('restricted = "accounts"\n')
    room.take(mail("code 123456", Subject="Your login code", From="no-reply@x.example"))
    (conversation,) = room.conversations()
    assert room.kit.conversation(conversation).inbox == "accounts"
    assert room.received()[0].automatic and not room.quarantined()


@pytest.mark.parametrize(
    "raw",
    [
        mail("How do I reset it?", Subject="Reset my password"),
        mail("It never came", Subject="Re: Confirm your email", In_Reply_To="<1@x>", From="no-reply@host.example"),
        mail("Hi", Subject="Order confirmation?"),
        mail("Your parcel", Subject="Your parcel is on its way", From="no-reply@carrier.example"),
    ],
)
def test_what_people_write_about_accounts_is_ordinary_mail(raw: bytes) -> None:
    """They answer something, or come from no machine."""
    assert not is_for_an_account(decode(raw))


def test_addresses_of_machines_are_known() -> None:
    """By the local part, with and without marks."""
    assert all(
        map(
            is_machine,
            ["no-reply@x.example", "MAILER-DAEMON@x.example", "bounces+123=a@x.example", "x-request@y.example"],
        )
    )
    assert not any(map(is_machine, ["ada@x.example", "rootbeer@x.example", "bouncer@x.example", "noreen@x.example"]))
