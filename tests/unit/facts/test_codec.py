"""Nouns and facts go into bytes and come out equal; what does not fit is refused with its reason."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.facts import codec
from carekit.facts.actions import Action
from carekit.facts.events import FACTS, Event, Fact, MessageReceived, NoteAdded
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.ground.errors import StoreError
from carekit.testing.clock import START
from carekit.testing.strategies import agents, contacts, conversations, events, facts, values_of

few = settings(max_examples=25)


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_every_kind_of_fact_goes_there_and_back(kind: str) -> None:
    """A generated fact of each kind is equal after encoding and decoding, and of the same class."""

    @few
    @given(fact=facts(FACTS[kind]))
    def there_and_back(fact: Fact) -> None:
        again = codec.decode_fact(kind, codec.encode(fact))
        assert again == fact
        assert type(again) is type(fact)

    there_and_back()


@few
@given(value=conversations())
def test_conversations_go_there_and_back(value: Conversation) -> None:
    """A conversation with any values in its fields is equal afterwards."""
    assert codec.decode_conversation(codec.encode(value)) == value


@few
@given(value=contacts())
def test_contacts_go_there_and_back(value: Contact) -> None:
    """A contact with any values in its fields is equal afterwards."""
    assert codec.decode_contact(codec.encode(value)) == value


@few
@given(value=agents())
def test_agents_go_there_and_back(value: Agent) -> None:
    """An agent with any values in its fields is equal afterwards."""
    assert codec.decode_agent(codec.encode(value)) == value


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_stored_names_are_their_classes_own(kind: str) -> None:
    """Each fact is stored under its own kind, told once."""
    assert FACTS[kind].kind == kind
    assert sum(fact.kind == kind for fact in FACTS.values()) == 1


def test_an_unknown_kind_names_the_remedy() -> None:
    """A fact of a newer version is refused with its kind and what to do."""
    with pytest.raises(StoreError, match=r"'teleported'.*update carekit"):
        codec.decode_fact("teleported", b"{}")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"text": 1, "external_id": "x"}', b'{"text": "a"}'])
def test_a_body_that_does_not_fit_is_a_store_error(body: bytes) -> None:
    """Broken JSON, a wrong type and a missing field are refused, never half read."""
    with pytest.raises(StoreError, match="message_received"):
        codec.decode_fact("message_received", body)


@pytest.mark.parametrize("decode", [codec.decode_conversation, codec.decode_contact, codec.decode_agent])
@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'"x"', b'{"id": 5}'])
def test_a_noun_that_does_not_fit_is_a_store_error(decode: object, body: bytes) -> None:
    """Bytes that are no such noun raise StoreError."""
    assert callable(decode)
    with pytest.raises(StoreError):
        decode(body)


@pytest.mark.parametrize("body", [b'{"text":"\xff","external_id":"x"}', b'{"t\xffxt":"a"}', b"\xff"])
def test_bytes_that_are_no_text_are_a_store_error(body: bytes) -> None:
    """Stored bytes that were damaged, keys included, raise StoreError."""
    with pytest.raises(StoreError):
        codec.decode_fact("message_received", body)


def test_newer_fields_are_passed_over() -> None:
    """A fact written by a newer version with one more field can still be read."""
    body = json.dumps({"author": "agent:ana", "text": "hi", "mood": "good"})
    assert codec.decode_fact("note_added", body) == NoteAdded("agent:ana", "hi")


def test_fields_that_were_added_later_have_their_defaults() -> None:
    """A fact written before a field existed is read with that field's default."""
    fact = codec.decode_fact("message_received", b'{"text":"hi","external_id":"1"}')
    assert fact == MessageReceived("hi", "1")


@few
@given(event=events())
def test_an_event_is_shown_with_its_kind(event: Event) -> None:
    """The plain form of any event is JSON, and says its kind beside the fact."""
    shown = codec.event_to_dict(event)
    assert shown["kind"] == event.fact.kind
    assert shown["stream"] == event.stream
    msgspec.json.encode(shown)


def test_plain_values_of_a_noun_are_json() -> None:
    """Instants are shown as RFC 3339 text."""
    shown = codec.to_builtins(Contact("p1", START))
    assert isinstance(shown, dict)
    assert shown["created_at"] == "2024-01-08T09:00:00Z"


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@few
@given(memory=st.dictionaries(st.text(max_size=9), _plain, max_size=4))
def test_a_bots_memory_goes_there_and_back(memory: dict[str, object]) -> None:
    """Any plain values are equal afterwards, and each reading is a copy of its own."""
    text = codec.encode_memory(memory)
    first, second = codec.decode_memory(text), codec.decode_memory(text)
    assert first == second == memory
    assert first is not second


@pytest.mark.parametrize("value", [object(), lambda: 1, 1j, {1: object()}])
def test_a_memory_of_other_things_is_refused(value: object) -> None:
    """What cannot be written as JSON is refused with what may be."""
    with pytest.raises(StoreError, match="only texts, numbers"):
        codec.encode_memory({"x": value})


def test_a_memory_of_broken_text_is_refused() -> None:
    """A text that cannot be written as UTF-8 is refused as anything else that cannot be kept."""
    with pytest.raises(StoreError):
        codec.encode_memory({"x": "\ud800"})


@pytest.mark.parametrize(
    "value",
    [
        MessageReceived("hi", "1", "peer:ana", meta={"id": 1}),  # type: ignore[dict-item]
        MessageReceived("hi", "1", "peer:ana", subject=None),  # type: ignore[arg-type]
    ],
)
def test_what_could_not_be_read_again_is_no_value_to_keep(value: Fact) -> None:
    """A field of another type than its class says is a `TypeError` that names the field."""
    with pytest.raises(TypeError, match=r"MessageReceived does not hold what it should: .*\$\."):
        codec.repaired(value)


@pytest.mark.parametrize("action", sorted(Action.__subclasses__(), key=str))
def test_every_action_can_be_looked_at(action: type[Action]) -> None:
    """Each action of the right types is itself, also after the look."""

    @few
    @given(value=values_of(action))
    def look(value: Action) -> None:
        assert codec.repaired(value) is value

    look()
