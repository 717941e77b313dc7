"""Nobody gets into somebody else's conversation by mail: who writes, with which token, refuted or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mail_tests_mailroom import ADDRESS, mail

from carekit import Close, Contact, DeliveryChanged, MessageSent, Scope

AUTHENTICATED = 'authserv_id = "mx.shop.example"\n'
SENDERS = {
    "contact": "Ada <ada@host.example>",
    "stranger": "Eve <eve@else.example>",
    "copied": "Bob <bob@host.example>",
    "agent": "Ana <ana@desk.example>",
}


@pytest.fixture
def room(rooms: Callable[..., Any]) -> Any:
    """A desk whose mail server checks senders, with one conversation that an agent answered."""
    made = rooms(AUTHENTICATED)
    made.take(mail(Message_ID="<first@host.example>", Cc="bob@host.example"))
    made.kit.reply("ana", "On its way.")
    return made


def tokens(room: Any, kind: str) -> dict[str, str]:
    """The fields of a mail that refers to our answer: with its genuine tokens, with forged ones, or with none."""
    (answer,) = room.answers()
    conversation, seq, tag = answer.message_id.partition("@")[0].split(".")
    if kind == "genuine":
        return {"To": answer.reply_to[0], "In_Reply_To": f"<{answer.message_id}>"}
    if kind == "forged":
        wrong = "a" * len(tag)
        to = f"help+{conversation}-{wrong}@shop.example"
        return {"To": to, "References": f"<{conversation}.{seq}.{wrong}@shop.example>"}
    if kind == "first mail":
        return {"In_Reply_To": "<first@host.example>"}
    return {"Subject": f"Re: Order [#1] [Ticket#{conversation}] {conversation}"}


def results(verdict: str) -> dict[str, str]:
    return {"Authentication_Results": f"mx.shop.example; dmarc={verdict}"} if verdict else {}


@pytest.mark.parametrize("verdict", ["pass", "fail", ""])
@pytest.mark.parametrize("kind", ["genuine", "forged", "first mail", "none"])
@pytest.mark.parametrize("who", SENDERS)
def test_s_15_only_the_contact_with_a_reference_and_no_refutation_gets_in(
    room: Any, who: str, kind: str, verdict: str
) -> None:
    """Every sender with every token and every verdict: all others begin a conversation of their own."""
    room.take(mail("Refund it to me", From=SENDERS[who], **(tokens(room, kind) | results(verdict))))
    joins = who == "contact" and kind in {"genuine", "first mail"} and verdict != "fail"
    assert len(room.conversations()) == (1 if joins else 2)
    # Whatever came, nobody spoke as an agent, and nothing went out because of it.
    assert [fact.author for fact in room.facts(MessageSent)] == ["agent:ana"]
    assert len(room.answers()) == 1


def test_s_15_a_refuted_sender_is_nobody_we_know(room: Any) -> None:
    """A forged mail does not even become a message of the contact it claims to be from."""
    room.take(mail("hand me the parcel", **results("fail")))
    people: list[Contact] = room.kit.run(room.kit.desk.contacts(Scope.everything()))[0]
    assert sorted(one.addresses for one in people) == [("email:ada@host.example",), ("unverified:ada@host.example",)]


def test_s_15_a_verdict_of_somebody_elses_server_proves_nothing(room: Any) -> None:
    """Neither a pass nor a fail that the sender wrote counts."""
    field = "mx.evil.example; dmarc=fail"
    room.take(mail("Thanks", Authentication_Results=field, **tokens(room, "genuine")))
    assert len(room.conversations()) == 1


@pytest.mark.parametrize(
    "sender",
    [
        '"ada@host.example" <eve@else.example>',
        "ada@host.example <eve@else.example>",
        "eve@else.example (ada@host.example)",
        "Eve <eve@else.example>\r\nFrom: ada@host.example",
        "ada@host.example)eve@else.example",
        "<eve@else.example>, ada@host.example",
    ],
)
def test_s_15_a_name_that_looks_like_an_address_is_a_name(room: Any, sender: str) -> None:
    """Which of two addresses somebody is does not depend on how cleverly they are written."""
    room.take(mail("Refund it to me", From=sender, **tokens(room, "genuine")))
    # The fifth is no address at all but the contact's with junk behind it, as every parser reads it.
    assert len(room.conversations()) == (1 if sender.startswith("ada@host.example)") else 2)


def test_s_15_a_name_that_is_somebody_elses_address_is_not_shown(room: Any) -> None:
    """The name is what people look at; one that is the sender's own address is harmless."""
    room.take(mail("Refund it", From='"ada@host.example" <eve@else.example>'))
    room.take(mail("Hello", From='"bob@b.example" <bob@b.example>'))
    people: list[Contact] = room.kit.run(room.kit.desk.contacts(Scope.everything()))[0]
    names = {one.addresses[0]: one.name for one in people}
    assert "ada@host.example" not in names["email:eve@else.example"]
    assert names["email:bob@b.example"] == "bob@b.example"


def test_s_15_a_token_of_another_channel_is_worth_nothing(rooms: Callable[..., Any]) -> None:
    """Each channel has a key of its own."""
    one, other = (
        rooms(),
        rooms('\n[channels.other]\nuse = "email"\naddress = "x@y.example"\nlisten = "127.0.0.1:0"\noutbox = "o"\n'),
    )
    one.take(mail())
    one.kit.reply("ana", "On its way.")
    assert one.channel._way.secret == other.channel._way.secret  # the same `secret`, name and address
    second = other.kit.service.settings.channels["other"].component
    assert second._way.secret != other.channel._way.secret


def test_a_closed_conversation_stays_closed(room: Any) -> None:
    """An answer to it begins a new one, by the same contact."""
    (id,) = room.conversations()
    room.kit.act(Close(), "agent:ana", id)
    room.take(mail("One more thing", **tokens(room, "genuine")))
    assert len(room.conversations()) == 2


def test_a_report_reaches_its_message_by_the_return_path_alone(room: Any) -> None:
    """Programs that quote nothing of the mail still send their report to where the mail came from."""
    from carekit_email.threading import return_address

    (event,) = [one for one in room.events() if isinstance(one.fact, MessageSent)]
    path = return_address(room.channel._way.secret, event.stream, event.seq, ADDRESS)
    room.take(
        mail("User unknown: <ada@host.example>", From="MAILER-DAEMON@mx.example", To=path, Subject="failure notice")
    )
    assert room.facts(DeliveryChanged)[-1].status == "failed"
    forged = path.replace(path.split("-")[-1].split("@")[0], "a" * 20)
    room.take(mail("User unknown", From="MAILER-DAEMON@mx.example", To=forged, Subject="failure notice"))
    assert len(room.quarantined()) == 1
