"""What a browser may say: JSON objects told apart by ``type``, every field checked on the way in."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from carekit import Malformed

LARGEST = 64 * 1024
"""Bytes of one frame."""

UNSUPPORTED = 1003
VIOLATION = 1008
TOO_BIG = 1009
RESTART = 1012
LATER = 1013

Seq: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Id: TypeAlias = Annotated[str, msgspec.Meta(max_length=128)]


class Frame(msgspec.Struct, tag_field="type", frozen=True):
    """Base of the frames a browser sends."""


class Hello(Frame, tag="hello", frozen=True):
    """The first frame: who I am, and the last step of which conversation I have seen."""

    token: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    conversation: Id | None = None
    after: Seq = 0


class Send(Frame, tag="send", frozen=True):
    """A message. ``id`` is made by the browser and is the same for every attempt."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    text: str
    intent: Literal["", "handoff"] = ""
    fresh: bool = False


class Typing(Frame, tag="typing", frozen=True):
    """The visitor is writing; nothing is kept of it."""


class Read(Frame, tag="read", frozen=True):
    """Everything up to this step of the conversation was in view."""

    seq: Seq


class Survey(Frame, tag="survey", frozen=True):
    """The answer to a survey; without a name, to the one that was put last."""

    score: Annotated[int, msgspec.Meta(ge=0, le=100)]
    comment: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    survey: Id = ""


class Identify(Frame, tag="identify", frozen=True):
    """A name and an address to write to, as the visitor or the page claims them."""

    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    email: Annotated[str, msgspec.Meta(max_length=320)] = ""


ClientFrame: TypeAlias = Hello | Send | Typing | Read | Survey | Identify

_DECODER: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_ENCODER = msgspec.json.Encoder()


class Violation(Malformed):
    """The browser broke the protocol: close with ``code``; ``reason`` fits a close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:120].decode(errors="ignore")


def read(text: str | None, data: bytes | None) -> ClientFrame:
    """The frame in what came over the wire; raises `Violation`."""
    if text is None:
        raise Violation(UNSUPPORTED, "only text frames with JSON are taken")
    size = len(text) if text.isascii() else len(text.encode(errors="replace"))
    if size > LARGEST:
        raise Violation(TOO_BIG, f"a frame may have {LARGEST} bytes")
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise Violation(VIOLATION, str(error)) from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise Violation(UNSUPPORTED, "a frame must be one JSON object") from None
    except RecursionError:
        raise Violation(UNSUPPORTED, "the JSON is nested too deeply") from None


def write(frame: object) -> str:
    """A frame of ours as JSON text."""
    return _ENCODER.encode(frame).decode()
