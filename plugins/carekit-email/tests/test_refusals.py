"""The way out of mail that nobody asked for: one click, or a mail; nobody else can take it for somebody."""

from __future__ import annotations

import email.policy
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mail_tests_mailroom import FILE, mail
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carekit import ConsentChanged, MessageSent, MessageWithheld, NotAllowed, Send
from carekit_email.refusals import refusal, token

SECRET = b"k" * 32
PUBLIC = FILE.replace('name = "Shop"\n', 'name = "Shop"\nurl = "https://care.shop.example"\n', 1)


def surveyed(room: Any) -> EmailMessage:
    """The survey that a contact is sent."""
    room.take(mail())
    room.kit.act(Send("How was it?", purpose="survey"), "policy:csat")
    (path,) = room.out.glob("*.eml")
    return BytesParser(policy=email.policy.default).parsebytes(path.read_bytes())


def ways_out(sent: EmailMessage) -> list[str]:
    return [one.strip(" <>") for one in str(sent["List-Unsubscribe"]).split(",")]


def client(room: Any) -> TestClient:
    return TestClient(Starlette(routes=room.channel.routes(room.kit.desk)), raise_server_exceptions=False)


def path_of(link: str) -> str:
    return link.removeprefix("https://care.shop.example/channels/mail")


def test_mail_that_nobody_asked_for_offers_a_way_out(rooms: Callable[..., Any]) -> None:
    """One click where the service has an https address (RFC 8058), and a mail everywhere (RFC 2369)."""
    sent = surveyed(rooms("", PUBLIC))
    link, mailto = ways_out(sent)
    assert link.startswith("https://care.shop.example/channels/mail/unsubscribe/")
    assert mailto.startswith("mailto:help@shop.example?subject=unsubscribe%20")
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain = surveyed(rooms())
    assert [one.partition(":")[0] for one in ways_out(plain)] == ["mailto"]
    assert plain["List-Unsubscribe-Post"] is None


def test_one_click_is_heeded_once(rooms: Callable[..., Any]) -> None:
    """What policies want to say is withheld then; a second click changes nothing."""
    room = rooms("", PUBLIC)
    link = path_of(ways_out(surveyed(room))[0])
    for _ in range(2):
        answer = client(room).post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200 and "ada@host.example" in answer.text
    assert [(fact.address, fact.allowed) for fact in room.facts(ConsentChanged)] == [("email:ada@host.example", False)]
    room.kit.act(Send("And how was that?", purpose="survey"), "policy:csat")
    assert len(room.facts(MessageWithheld)) == 1 and len(room.facts(MessageSent)) == 1


def test_looking_at_the_link_does_nothing(rooms: Callable[..., Any]) -> None:
    """Mail scanners follow every link; people get a button."""
    room = rooms("", PUBLIC)
    answer = client(room).get(path_of(ways_out(surveyed(room))[0]))
    assert answer.status_code == 200 and '<form method="post">' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not room.facts(ConsentChanged)


def test_who_writes_again_is_answered_again(rooms: Callable[..., Any]) -> None:
    """Nobody can be helped without an answer; the old link is good for another refusal."""
    room = rooms("", PUBLIC)
    link = path_of(ways_out(surveyed(room))[0])
    client(room).post(link)
    with pytest.raises(NotAllowed):
        room.kit.reply("ana", "Still there?")
    room.kit.advance("2h")
    room.take(mail("Where is my parcel?"))
    room.kit.reply("ana", "On its way.")
    client(room).post(link)
    assert [fact.allowed for fact in room.facts(ConsentChanged)] == [False, True, False]


@pytest.mark.parametrize("sender", ["ada@host.example", "other@host.example"])
def test_a_mail_refuses_by_its_subject(rooms: Callable[..., Any], sender: str) -> None:
    """Also from another address of the same person; nothing else of the mail speaks for the contact."""
    room = rooms("", PUBLIC)
    subject = ways_out(surveyed(room))[1].partition("subject=")[2].replace("%20", " ")
    room.take(mail("Refund me", From=sender, Subject=subject))
    assert [(fact.address, fact.allowed) for fact in room.facts(ConsentChanged)] == [("email:ada@host.example", False)]
    assert "Refund" not in room.received()[-1].text and len(room.conversations()) == 1


def test_a_machine_allows_nothing(rooms: Callable[..., Any]) -> None:
    """An out-of-office note is no word of the contact."""
    room = rooms("", PUBLIC)
    client(room).post(path_of(ways_out(surveyed(room))[0]))
    room.take(mail("I am away", Auto_Submitted="auto-replied"))
    assert [fact.allowed for fact in room.facts(ConsentChanged)] == [False]


@given(st.integers(0, 200), st.characters(min_codepoint=33, max_codepoint=126))
@example(52, "T")
def test_a_token_that_was_changed_is_none(place: int, char: str) -> None:
    """Or it says the very same: nobody can make one for somebody else."""
    genuine = token(SECRET, "c_01hf3k9m2qp4r6t8v0w2x4", "ada@host.example")
    place %= len(genuine)
    found = refusal(genuine[:place] + char + genuine[place + 1 :], "mail", SECRET, "1")
    assert found is None or found.sender.value == "ada@host.example"
    assert refusal(genuine, "mail", b"other", "1") is None


@pytest.mark.parametrize("path", ["/unsubscribe/x", "/unsubscribe/%ff", "/unsubscribe/" + "a" * 700])
def test_a_link_that_is_not_ours_is_told_so(rooms: Callable[..., Any], path: str) -> None:
    """Without a word about whom there is."""
    assert client(rooms("", PUBLIC)).post(path).status_code == 404
