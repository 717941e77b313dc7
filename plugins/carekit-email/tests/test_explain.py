"""Why a mail belongs where it does, told by the same steps as its arrival takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mail_tests_mailroom import mail

from carekit import Close
from carekit_email.explain import Verdict, explain


def ask(room: Any, raw: bytes) -> Verdict:
    channel = room.channel
    found: Verdict = room.kit.run(explain(room.kit.desk, channel._way, channel._limits, channel._rules, raw))
    return found


@pytest.fixture
def room(rooms: Callable[..., Any]) -> Any:
    """A desk with one conversation that was answered."""
    made = rooms('authserv_id = "mx.shop.example"\n')
    made.take(mail(Message_ID="<first@host.example>"))
    made.kit.reply("ana", "On its way.")
    return made


@pytest.mark.parametrize("how", ["token", "seen id"])
def test_it_says_what_led_to_the_conversation(room: Any, how: str) -> None:
    """The genuine token, or the id of a mail that was seen."""
    (id,) = room.conversations()
    key = room.answers()[0].message_id if how == "token" else "first@host.example"
    found = ask(room, mail("Thanks", References=f"<unknown@x.example> <{key}>"))
    assert (found.what, found.conversation) == ("joins", id)
    assert key in found.lines()[-1] and "the contact is the same" in found.lines()[-1]


def test_it_says_why_a_stranger_does_not_get_in(room: Any) -> None:
    """The id is known, and leads to somebody else."""
    key = room.answers()[0].message_id
    found = ask(room, mail("Thanks", From="eve@else.example", In_Reply_To=f"<{key}>", Subject="Re: [#1]"))
    assert found.what == "begins"
    text = "\n".join(found.lines())
    assert "with somebody else" in text and "subject are not read" in text


def test_it_says_that_a_conversation_is_closed(room: Any) -> None:
    """The key fits, and a new one begins all the same."""
    (id,) = room.conversations()
    room.kit.act(Close(), "agent:ana", id)
    found = ask(room, mail("Thanks", In_Reply_To="<first@host.example>"))
    assert found.what == "begins" and "closed for good" in "\n".join(found.lines())


@pytest.mark.parametrize(
    ("raw", "what", "word"),
    [
        (mail(From="help@shop.example"), "ignored", "our own"),
        (b"Subject: x\r\n\r\ny", "set aside", "no sender"),
        (mail(Subject="Verify your email", From="no-reply@slack.example"), "set aside", "verification"),
        (mail(Authentication_Results="mx.shop.example; dmarc=fail"), "begins", "not who they claim"),
        (
            mail("could not be delivered", From="mailer-daemon@x.example", Subject="failure notice"),
            "reports",
            "no token",
        ),
    ],
)
def test_it_says_what_becomes_of_mail_that_is_no_message(room: Any, raw: bytes, what: str, word: str) -> None:
    """Each with its reason."""
    found = ask(room, raw)
    assert found.what == what and word in "\n".join(found.lines())


def test_what_it_says_is_what_happens(room: Any) -> None:
    """Asking changes nothing, and the arrival then does as told."""
    for raw in (mail("Thanks", In_Reply_To="<first@host.example>"), mail("New", From="bob@host.example")):
        before = len(room.conversations())
        found = ask(room, raw)
        assert len(room.conversations()) == before
        room.take(raw)
        assert (len(room.conversations()) == before) is (found.what == "joins")
