"""Facts, conversations, contacts and agents to JSON bytes and back, exactly.

msgspec reads and writes the values themselves and checks every type on the way in; a union of classes is told apart by
the kind that is stored beside the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

import msgspec

from carekit.facts.events import FACTS, Event, Fact
from carekit.facts.nouns import Agent, Contact, Conversation, Letter
from carekit.ground.errors import StoreError

T = TypeVar("T")

encode = msgspec.json.Encoder().encode
"""Any noun or fact to JSON bytes (UTF-8; instants as RFC 3339, durations as ISO 8601)."""

_FACT_DECODERS = {kind: msgspec.json.Decoder(cls) for kind, cls in FACTS.items()}
_CONVERSATION = msgspec.json.Decoder(Conversation)
_CONTACT = msgspec.json.Decoder(Contact)
_AGENT = msgspec.json.Decoder(Agent)
_LETTER = msgspec.json.Decoder(Letter)
_MEMORY = msgspec.json.Decoder(dict[str, object])


def decode_fact(kind: str, body: bytes | str) -> Fact:
    """The fact of *kind* in *body*; raises `StoreError` for an unknown kind or a body that does not fit."""
    try:
        return _FACT_DECODERS[kind].decode(body)
    except KeyError:
        raise StoreError(
            f"the log holds a fact of kind {kind!r}, which this version does not know; update carekit"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the latter for bytes that are no text
        raise StoreError(f"a stored fact of kind {kind!r} cannot be read: {error}") from error


def decode_conversation(body: bytes | str) -> Conversation:
    """A stored conversation; raises `StoreError` if the bytes do not fit."""
    return _decode(_CONVERSATION, body)


def decode_contact(body: bytes | str) -> Contact:
    """A stored contact; raises `StoreError` if the bytes do not fit."""
    return _decode(_CONTACT, body)


def decode_agent(body: bytes | str) -> Agent:
    """A stored agent; raises `StoreError` if the bytes do not fit."""
    return _decode(_AGENT, body)


def decode_letter(body: bytes | str) -> Letter:
    """A stored dead letter; raises `StoreError` if the bytes do not fit."""
    return _decode(_LETTER, body)


def event_to_dict(event: Event) -> dict[str, object]:
    """An event as plain JSON values, the form in which the API and the live feed show it."""
    values: dict[str, object] = msgspec.to_builtins(event)
    values["kind"] = event.fact.kind
    return values


def to_builtins(value: object) -> object:
    """Any noun, fact or action as plain JSON values."""
    return msgspec.to_builtins(value)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes | str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"a stored value cannot be read: {error}") from error


def repaired(value: T, *, plain: bool = False) -> T:
    """*value* itself if it can be kept; else a copy with a replacement character for each lone surrogate.

    Mail and frames from outside may carry such halves of characters, and one of them must not stop anybody's message.
    Raises `TypeError` if a field of *value* holds something else than its class says: it could be written, but never
    be read again. *plain* says that this has been looked at already.
    """
    try:
        body = encode(value)
    except UnicodeEncodeError:
        value = _mended(value)
        body = encode(value)
    if not plain:
        _check_readable(type(value), body)
    return value


_SHAPES: dict[type, msgspec.json.Decoder[Any]] = {}


def _check_readable(shape: type, body: bytes) -> None:
    decoder = _SHAPES.get(shape)
    if decoder is None:
        decoder = _SHAPES[shape] = msgspec.json.Decoder(shape)
    try:
        decoder.decode(body)
    except msgspec.DecodeError as error:
        raise TypeError(f"{shape.__name__} does not hold what it should: {error}") from None


def _mended(value: Any) -> Any:
    if isinstance(value, Enum):
        return value  # ours, though it is a text as well
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, tuple | list):
        return type(value)(_mended(item) for item in value)
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(
            value, **{name: _mended(getattr(value, name)) for name in value.__struct_fields__}
        )
    return value


def encode_memory(memory: Mapping[str, object]) -> str:
    """A bot's state as JSON text; raises `StoreError` if it holds anything but plain values."""
    try:
        return msgspec.json.encode(memory).decode()
    except (TypeError, msgspec.EncodeError, UnicodeEncodeError) as error:
        raise StoreError(
            f"a bot's memory may hold only texts, numbers, booleans, lists and mappings: {error}"
        ) from error


def decode_memory(text: str) -> dict[str, object]:
    """A bot's state, a new copy each time."""
    return _MEMORY.decode(text)
