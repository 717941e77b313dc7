"""Dead letters: tried again or let go of, by those who may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

import pytest

from carekit.facts.events import DeliveryChanged, InboundReleased, LetterDropped
from carekit.facts.nouns import Address, DeliveryStatus, Inbound, Letter
from carekit.ground.errors import Ignored, Malformed, NotFound, Permanent, Refused, Temporary
from carekit.ground.values import replace
from carekit.seams.channel import Channel, Delivery, Outbound
from carekit.seams.desk import Desk, Glimpse
from carekit.seams.hookspecs import hookimpl
from carekit.seams.scope import EVERYTHING, Scope
from carekit.testing.desk import MINIMAL, DeskKit


class Moody(Channel):
    """Reads and sends only in a good mood; a payload is one line a message."""

    good = False

    async def reread(self, raw: bytes, desk: Desk) -> Sequence[Inbound]:
        if not self.good:
            raise Malformed("it makes no sense")
        if raw == b"nothing":
            raise Ignored("a receipt")
        lines = raw.decode().split()
        return [Inbound(self.name, line, Address("moody", "ana"), line, thread=("ana",)) for line in lines]

    def glimpse(self, raw: bytes) -> Glimpse:
        if not raw.startswith(b"from "):
            return super().glimpse(raw)
        _, sender, text = raw.decode().split(" ", 2)
        return Glimpse(sender, text=text)

    async def send(self, outbound: Outbound) -> Delivery:
        if outbound.message.text == "later":
            raise Temporary("not now")
        if not self.good:
            raise Permanent("not today")
        return Delivery()


def moody() -> ModuleType:
    """A plugin that offers it."""

    @hookimpl
    def carekit_channels() -> Mapping[str, type[Channel]]:
        return {"moody": Moody}

    module = ModuleType("moody")
    module.carekit_channels = carekit_channels  # type: ignore[attr-defined]
    return module


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    """A desk with a moody channel."""
    toml = MINIMAL + '\n[channels.mail]\nuse = "moody"\n'
    with DeskKit(toml, extra={"moody": moody()}, discover=False) as kit:
        yield kit


def aside(kit: DeskKit, raw: bytes) -> Letter:
    kit.run(kit.desk.quarantine("mail", raw, "unreadable", key="uid:1"))
    [letter] = kit.run(kit.desk.letters(EVERYTHING))
    return letter


def glimpse(kit: DeskKit, letter: Letter, scope: Scope = EVERYTHING) -> Glimpse:
    [seen] = kit.run(kit.desk.glimpses([letter], scope))
    return seen


def in_a_good_mood(kit: DeskKit) -> None:
    kit.service.channels["mail"].good = True  # type: ignore[attr-defined]


def retry(kit: DeskKit, letter: str, scope: Scope = EVERYTHING) -> None:
    kit.run(kit.desk.retry(letter, "agent:lena", scope=scope))
    kit.settle()


def log_of_channel(kit: DeskKit) -> list[type]:
    return [type(event.fact) for event in kit.service.store.events("channel:mail")]


def test_what_can_be_read_by_now_is_received(kit: DeskKit) -> None:
    """Every message of the payload is kept, and the letter is gone with the last of them."""
    letter = aside(kit, b"one two")
    in_a_good_mood(kit)
    retry(kit, letter.id)
    assert [text for _, text in kit.thread()] == ["one", "two"]
    assert kit.run(kit.desk.letters(EVERYTHING)) == []
    assert log_of_channel(kit)[-1] is InboundReleased


def test_what_still_cannot_be_read_stays(kit: DeskKit) -> None:
    """The refusal says why, and nothing has changed."""
    letter = aside(kit, b"one")
    with pytest.raises(Refused, match="still cannot be read: it makes no sense"):
        retry(kit, letter.id)
    assert kit.run(kit.desk.letter(letter.id, EVERYTHING)) == letter


def test_a_payload_with_nothing_to_keep_is_done_with(kit: DeskKit) -> None:
    """It counts as read."""
    letter = aside(kit, b"nothing")
    in_a_good_mood(kit)
    retry(kit, letter.id)
    assert kit.run(kit.desk.letters(EVERYTHING)) == []
    assert log_of_channel(kit)[-1] is InboundReleased


def test_a_letter_is_read_again_once(kit: DeskKit) -> None:
    """Whoever comes second is told that it is handled."""
    letter = aside(kit, b"one")
    in_a_good_mood(kit)
    retry(kit, letter.id)
    with pytest.raises(NotFound, match="somebody may have handled it"):
        retry(kit, letter.id)
    assert len(kit.thread()) == 1


def test_a_dropped_letter_is_gone_and_noted(kit: DeskKit) -> None:
    """The log keeps who let go of it."""
    letter = aside(kit, b"one")
    kit.run(kit.desk.drop(letter.id, "agent:lena", scope=EVERYTHING))
    assert kit.run(kit.desk.letters(EVERYTHING)) == []
    last = kit.service.store.events("channel:mail")[-1]
    assert (last.fact, last.actor) == (LetterDropped(letter.seq), "agent:lena")


def test_a_message_that_was_given_up_is_sent_again(kit: DeskKit) -> None:
    """The far side gets it, and its delivery goes on from the beginning."""
    kit.write("hello", channel="mail")
    kit.add_agent("lena")
    kit.reply("lena", "hi")
    [letter] = kit.run(kit.desk.letters(EVERYTHING))
    assert (letter.kind, letter.error) == ("failed", "not today")
    in_a_good_mood(kit)
    retry(kit, letter.id)
    assert [fact.status for fact in kit.facts(DeliveryChanged)][-1] is DeliveryStatus.SENT
    assert kit.run(kit.desk.letters(EVERYTHING)) == []


def test_a_channel_that_is_gone_is_named(kit: DeskKit) -> None:
    """A payload of a channel that the file no longer has cannot be read, and the remedy is told."""
    letter = aside(kit, b"one")
    kit.service.channels.pop("mail")
    kit.desk._letters._channels = kit.service.channels  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="channel 'mail' is no longer in the file: put it back"):
        retry(kit, letter.id)


@pytest.mark.parametrize("scope", [Scope(inboxes=frozenset({"mail"})), Scope(contact="p_1"), Scope(channel="mail")])
def test_a_limited_scope_has_no_letters(kit: DeskKit, scope: Scope) -> None:
    """Nobody can tell whose an unreadable payload is."""
    letter = aside(kit, b"one")
    assert kit.run(kit.desk.letters(scope)) == []
    with pytest.raises(NotFound):
        retry(kit, letter.id, scope)
    with pytest.raises(NotFound):
        kit.run(kit.desk.drop(letter.id, "x", scope=scope))
    assert glimpse(kit, letter, scope) == Glimpse()


# --- what they hold


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"from ana Where is it?", Glimpse("ana", text="Where is it?")),
        (b"from ana " + b"x" * 9_999, Glimpse("ana", text="x" * 500)),
        (b"one\r\ntwo \x1b[31m", Glimpse(text="one\ntwo \ufffd[31m")),
        ("¿Dónde está?".encode(), Glimpse(text="¿Dónde está?")),
        (b"\x89PNG\x00\x01\x02\xff\xfe", Glimpse()),
        (b"from nobody", Glimpse(text="from nobody")),
        (b"", Glimpse()),
    ],
    ids=["told", "long", "tricks", "letters", "binary", "raises", "empty"],
)
def test_what_a_payload_holds_is_told_as_far_as_it_can_be(kit: DeskKit, raw: bytes, seen: Glimpse) -> None:
    """By its channel; where that cannot say, or breaks at it, by the bytes themselves if they are text."""
    letter = aside(kit, raw)
    assert glimpse(kit, letter) == seen


def test_a_payload_is_read_no_further_than_its_beginning(kit: DeskKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large it is, its channel gets the first 64 KiB to tell of, and nothing else is fetched."""
    letter = aside(kit, b"from ana " + b"x" * 9_000_000)
    given: list[int] = []
    channel = kit.service.channels["mail"]
    look = channel.glimpse
    monkeypatch.setattr(channel, "glimpse", lambda raw: given.append(len(raw)) or look(raw))
    monkeypatch.setattr(kit.service.blobs, "get", None)
    monkeypatch.setattr(kit.service.blobs, "head", lambda digest, most: b"from ana x"[:most] + b"x" * (most - 10))
    assert glimpse(kit, letter) == Glimpse("ana", text="x" * 500)
    assert given == [65_536]


def test_a_page_of_letters_is_told_in_its_order(kit: DeskKit) -> None:
    """Payloads and messages mixed; of bytes that are gone and of what was erased, nothing is told."""
    aside(kit, b"from ana one")
    kit.write("hello", channel="mail")
    kit.add_agent("lena", name="Lena Ruiz")
    kit.reply("lena", "two")
    letters = kit.run(kit.desk.letters(EVERYTHING))
    theirs, ours = sorted(letters, key=lambda letter: letter.kind == "failed")
    gone = [replace(theirs, id="x", raw="0" * 64), replace(ours, id="y", conversation="c_9")]
    seen = kit.run(kit.desk.glimpses([*gone, *letters], EVERYTHING))
    texts = {letter.id: one.text for letter, one in zip([*gone, *letters], seen, strict=True)}
    assert sorted(texts.values()) == ["", "", "one", "two"]
    assert (texts["x"], texts["y"]) == ("", "")


def test_a_message_of_ours_is_told_with_both_ends(kit: DeskKit) -> None:
    """Who wrote it, to whom and where, and its words; tried once and refused."""
    kit.write("hello", channel="mail", address=Address("moody", "ana@post.example", "Ana Roca"))
    kit.add_agent("lena", name="Lena Ruiz")
    kit.reply("lena", "It left today.")
    [letter] = kit.run(kit.desk.letters(EVERYTHING))
    seen = glimpse(kit, letter)
    assert seen == Glimpse("Lena Ruiz", "Ana Roca <ana@post.example>", "", "It left today.")
    assert letter.attempts == 1


def test_attempts_are_counted(kit: DeskKit) -> None:
    """A message that was given up says how often it was tried."""
    kit.write("hello", channel="mail")
    kit.add_agent("lena")
    kit.reply("lena", "later")
    kit.advance("3d")
    [letter] = kit.run(kit.desk.letters(EVERYTHING))
    assert (letter.error, letter.attempts) == ("given up: not now", 8)


def test_a_letter_that_is_gone_leaves_no_half_of_its_message(kit: DeskKit) -> None:
    """Somebody dropped it while it was being read again: nothing is kept, and its message may still come."""
    message = Inbound("mail", "one", Address("moody", "ana"), "one", thread=("ana",))
    with pytest.raises(NotFound):
        kit.run(kit.service.submit(kit.desk._received({}, message, "channel:mail:1")))
    receipt = kit.run(kit.desk.receive(message))
    assert not receipt.repeated
    assert kit.conversation().id == receipt.conversation
