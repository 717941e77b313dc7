"""A mail that was set aside is tried again: after an update, a changed setting or a raised limit."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from mail_tests_mailroom import bounce, mail

from carekit import DeliveryChanged, DeliveryStatus, Ignored, Inbound, Malformed
from carekit_email.channel import _kept
from carekit_email.intake import PARTIAL


def reread(room: Any, raw: bytes) -> list[Inbound]:
    return list(room.kit.run(room.channel.reread(raw, room.kit.desk)))


WITH_FILE = mail(
    '--x\r\n\r\nhello\r\n--x\r\nContent-Type: image/png; name="a.png"\r\n\r\nPNG\r\n--x--',
    Content_Type="multipart/mixed; boundary=x",
)


def test_a_mail_over_a_limit_is_read_when_the_limit_is_raised(rooms: Callable[..., Any]) -> None:
    """The message comes as at its first arrival, and its files are kept."""
    small, large = rooms("max_size = 100\n"), rooms()
    small.take(WITH_FILE)
    with pytest.raises(Malformed, match="limit"):
        reread(small, WITH_FILE)
    (found,) = reread(large, WITH_FILE)
    assert (found.text, found.sender.value) == ("hello", "ada@host.example")
    assert large.kit.run(large.kit.desk.fetch(found.attachments[0].digest)) == b"PNG"
    large.kit.run(large.kit.desk.receive(found))
    large.take(WITH_FILE)
    assert len(large.received()) == 1, "both ways give it the same id"


def test_a_flood_may_be_read_after_all(rooms: Callable[..., Any]) -> None:
    """Who has a mail tried again has looked at it."""
    room = rooms("per_sender = 1\n")
    room.take(mail())
    second = mail("second")
    room.take(second)
    assert len(room.quarantined()) == 1
    assert [one.text for one in reread(room, second)] == ["second"]


def test_mail_about_accounts_needs_its_inbox(rooms: Callable[..., Any]) -> None:
    """It is refused as before, until there is an inbox for it."""
    code = mail("code 123456", Subject="Your login code", From="no-reply@x.example")
    with pytest.raises(Malformed, match="restricted"):
        reread(rooms(), code)
    (found,) = reread(rooms('restricted = "accounts"\n'), code)
    assert found.inbox == "accounts" and found.automatic


def test_a_report_is_told_to_its_message(room: Any) -> None:
    """It is no message itself; one that names none of ours is refused again."""
    room.take(mail())
    room.kit.reply("ana", "On its way.")
    assert reread(room, bounce(room.answers()[0])) == []
    assert room.facts(DeliveryChanged)[-1].status is DeliveryStatus.FAILED
    with pytest.raises(Malformed, match="no message of ours"):
        reread(room, bounce(room.answers()[0]).replace(b"<c_", b"<d_"))


def test_what_is_kept_of_a_mail_in_part_is_no_mail(room: Any) -> None:
    """A mailbox gave only its beginning: read as a whole, it would say half of what was written."""
    room.kit.run(_kept(room.intake, mail("only half of"), "over max_size", {"box": "5"}))
    (aside,) = room.quarantined()
    raw = room.kit.run(room.kit.desk.fetch(aside.raw))
    with pytest.raises(Malformed, match="part"):
        reread(room, raw)


def test_what_a_mail_that_was_set_aside_holds_is_told(rooms: Callable[..., Any]) -> None:
    """Who wrote it to whom and its words; of one over a limit what its header says, of a part what there is."""
    channel = rooms().channel
    one = mail("Where is it?\n\n> quoted", Subject="My parcel", From="Ada L. <ada@host.example>")
    seen = channel.glimpse(one)
    assert (seen.sender, seen.subject, seen.text.split("\n")[0]) == (
        "Ada L. <ada@host.example>",
        "My parcel",
        "Where is it?",
    )
    assert "help@shop.example" in seen.to
    assert channel.glimpse(PARTIAL + one) == seen
    over = rooms("max_size = 100\n").channel.glimpse(one)
    assert (over.sender, over.subject, over.text) == (seen.sender, seen.subject, "")
    assert channel.glimpse(b"\x00\xff") is not None


def test_the_beginning_of_a_large_mail_is_enough_to_tell_of_it(rooms: Callable[..., Any]) -> None:
    """Its head and its words come first; what is cut off in the middle of an attachment does no harm."""
    whole = EmailMessage()
    whole["From"], whole["To"], whole["Subject"] = "Ada L. <ada@host.example>", "help@shop.example", "My parcel"
    whole.set_content("Where is it?")
    whole.add_attachment(b"x" * 500_000, maintype="image", subtype="png", filename="parcel.png")
    seen = rooms().channel.glimpse(whole.as_bytes()[:65_536])
    assert (seen.sender, seen.subject, seen.text.strip()) == (
        "Ada L. <ada@host.example>",
        "My parcel",
        "Where is it?",
    )


def test_mail_about_accounts_keeps_its_words(room: Any) -> None:
    """Whoever reads the code could take an account over: only whose mail it is, is told."""
    code = mail("code 123456", Subject="Your login code 123456", From="no-reply@x.example")
    seen = room.channel.glimpse(code)
    assert (seen.sender, seen.subject, seen.text) == ("no-reply@x.example", "", "")


def test_our_own_mail_stays_ours(room: Any) -> None:
    """It is told as what it is."""
    with pytest.raises(Ignored):
        reread(room, mail(From="help@shop.example"))
