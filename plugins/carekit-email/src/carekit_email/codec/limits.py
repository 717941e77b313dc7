"""Limits checked on raw bytes in linear time, before a parser that recurses sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from carekit_email.codec.model import Excess, Limits, Unreadable

_BOUNDARY = re.compile(rb"boundary[ \t]*=[ \t]*\"?([^\"\r\n;]{1,200})")
_MESSAGE = re.compile(rb"[ \t]*message/")
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_TYPE = re.compile(rb"\ncontent-type:", re.IGNORECASE)


def excess_of(raw: bytes, limits: Limits) -> Excess | None:
    """Give the first of the *limits* that *raw* is over, None when it is within all."""
    if len(raw) > limits.size:
        return Excess(Unreadable.SIZE, len(raw), limits.size)
    lines = raw
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = b"\n" + lines.lstrip(b"\n")
    header = lines.find(b"\n\n")
    if header > limits.headers:
        return Excess(Unreadable.HEADERS, header, limits.headers)
    parts, depth = shape(lines)
    if parts > limits.parts:
        return Excess(Unreadable.PARTS, parts, limits.parts)
    return Excess(Unreadable.DEPTH, depth, limits.depth) if depth > limits.depth else None


def header_of(raw: bytes, limits: Limits) -> bytes:
    """Give the first header block, as much of it as the limits allow, as a mail that has no body and no type."""
    raw = raw.lstrip(b"\r\n")[: limits.headers + 4]
    end = _BLANK.search(raw)
    block = raw[: min(end.start() if end else len(raw), limits.headers)].rstrip(b"\r\n")
    return _TYPE.sub(b"\nX-Unread-Type:", b"\n" + block) + b"\n\n"


def shape(lines: bytes) -> tuple[int, int]:
    """Give (number of part delimiters, deepest nesting of multiparts and enclosed messages) without parsing.

    Declared boundaries that delimit something go on a stack, a delimiter line unwinds it to its boundary, so every
    entry is pushed and popped once and the scan is linear. *lines* must begin and end their lines with LF.
    """
    delimiters = [(start, _line(lines, start + 3)) for start in _starts(lines, b"\n--")]
    used = {name.removesuffix(b"--") for _, name in delimiters} | {name for _, name in delimiters}
    folded = lines.lower()
    marks: list[tuple[int, bytes | None, bytes]] = [(start, name, b"") for start, name in delimiters]
    for start in _starts(folded, b"boundary"):
        # Only the name is looked up in the text as it came: boundaries are case-sensitive.
        found = _BOUNDARY.match(folded, start)
        if found and (name := lines[found.start(1) : found.end(1)].rstrip()) in used:
            marks.append((start, None, name))
    marks += [(start, None, b"") for start in _starts(folded, b"\ncontent-type:") if _MESSAGE.match(folded, start + 14)]
    marks.sort(key=lambda mark: mark[0])
    return _walk(marks)


def _starts(data: bytes, word: bytes) -> Iterator[int]:
    position = data.find(word)
    while position >= 0:
        yield position
        position = data.find(word, position + len(word) - 1)


def _line(data: bytes, start: int) -> bytes:
    """Give the beginning of the line at *start*, at most what a boundary may have, without trailing blanks."""
    end = data.find(b"\n", start, start + 300)
    return data[start : end if end >= 0 else start + 300].rstrip(b" \t\n")


def _walk(marks: Iterable[tuple[int, bytes | None, bytes]]) -> tuple[int, int]:
    """Follow delimiter lines (start, name, b"") and declarations (start, None, boundary, b"" for a message)."""
    stack: list[bytes] = []
    open_count: dict[bytes, int] = {}
    parts = depth = 0
    for _, delimiter, declared in marks:
        if delimiter is None:
            stack.append(declared)
            open_count[declared] = open_count.get(declared, 0) + 1
            depth = max(depth, len(stack))
        else:
            parts += _unwind(stack, open_count, delimiter)
    return parts, depth


def _unwind(stack: list[bytes], open_count: dict[bytes, int], delimiter: bytes) -> int:
    closing = not open_count.get(delimiter) and delimiter.endswith(b"--")
    name = delimiter[:-2] if closing else delimiter
    if not name or not open_count.get(name):
        return 0
    while stack[-1] != name:
        open_count[stack.pop()] -= 1
    if closing:
        open_count[stack.pop()] -= 1
    return 0 if closing else 1
