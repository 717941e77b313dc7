from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit_chat import frames


def test_a_message_is_read() -> None:
    """The fields arrive as they were sent."""
    frame = frames.read('{"type":"send","id":"abcdefgh","text":"Hello","intent":"handoff"}', None)
    assert frame == frames.Send("abcdefgh", "Hello", "handoff")


@pytest.mark.parametrize(
    ("text", "data", "code"),
    [
        (None, b"{}", 1003),
        ("no json", None, 1003),
        ("[1]", None, 1008),
        ("{}", None, 1008),
        ('{"type":"message","text":"spoofed"}', None, 1008),
        ('{"type":"ack"}', None, 1008),
        ('{"type":"send","id":"short","text":"x"}', None, 1008),
        ('{"type":"send","id":"abcdefgh","text":1}', None, 1008),
        ('{"type":"send","id":"abcdefgh:","text":"x"}', None, 1008),
        ('{"type":"hello","token":{"$regex":"."}}', None, 1008),
        ('{"type":"hello","after":-1}', None, 1008),
        ('{"type":"hello","after":1e400}', None, 1008),
        ('{"type":"read","seq":99999999999999999999}', None, 1008),
        ('{"type":"send","id":"abcdefgh","text":"\\ud800"}', None, 1003),
        ('{"type":"hello","token":"' + "x" * 70_000 + '"}', None, 1009),
        ("[" * 10_000, None, 1008),
        ('{"more":' + "[" * 10_000, None, 1003),
    ],
)
def test_broken_frames_name_the_right_code(text: str | None, data: bytes | None, code: int) -> None:
    """Not text or not JSON is 1003, not a frame of ours 1008, too big 1009; the reason fits a close frame."""
    with pytest.raises(frames.Violation) as caught:
        frames.read(text, data)
    assert caught.value.code == code
    assert 0 < len(caught.value.reason.encode()) <= 123


@given(st.text())
def test_no_text_gets_past_the_reader_as_an_error_of_ours(text: str) -> None:
    """Whatever comes over the wire is a frame or a violation."""
    try:
        frames.read(text, None)
    except frames.Violation:
        return
