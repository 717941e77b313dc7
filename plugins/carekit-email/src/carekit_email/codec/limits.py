"""Limits checked on raw bytes in linear time, before a parser that recurses sees them."""

from __future__ import annotations

import re

from carekit_email.codec.model import Limits, Unreadable, UnreadableMail

_MARK = re.compile(
    rb"^--([^\r\n]{1,200}?)[ \t]*$|\bboundary[ \t]*=[ \t]*\"?([^\"\r\n;]{1,200})|^content-type:[ \t]*(message/)",
    re.IGNORECASE | re.MULTILINE,
)
_DELIMITER = re.compile(rb"^--([^\n]{1,200}?)(?:--)?[ \t]*$", re.MULTILINE)


def check_limits(raw: bytes, limits: Limits) -> None:
    """Raise UnreadableMail when *raw* is over one of the *limits*."""
    _check(Unreadable.SIZE, len(raw), limits.size)
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    _check(Unreadable.HEADERS, lines.find(b"\n\n"), limits.headers)
    parts, depth = shape(lines)
    _check(Unreadable.PARTS, parts, limits.parts)
    _check(Unreadable.DEPTH, depth, limits.depth)


def shape(lines: bytes) -> tuple[int, int]:
    """Give (number of part delimiters, deepest nesting of multiparts and enclosed messages) without parsing.

    Declared boundaries that delimit something go on a stack, a delimiter line unwinds it to its boundary, so every
    entry is pushed and popped once and the scan is linear. *lines* must end in LF.
    """
    used = set(_DELIMITER.findall(lines))
    stack: list[bytes] = []
    open_count: dict[bytes, int] = {}
    parts = depth = 0
    for mark in _MARK.finditer(lines):
        delimiter, boundary, message = mark.groups()
        if message is not None:
            _push(stack, open_count, b"")
        elif boundary is not None:
            if boundary.rstrip() in used:
                _push(stack, open_count, boundary.rstrip())
        else:
            parts += _unwind(stack, open_count, delimiter)
        depth = max(depth, len(stack))
    return parts, depth


def _push(stack: list[bytes], open_count: dict[bytes, int], name: bytes) -> None:
    stack.append(name)
    open_count[name] = open_count.get(name, 0) + 1


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


def _check(reason: Unreadable, found: int, allowed: int) -> None:
    if found > allowed:
        raise UnreadableMail(reason, found, allowed)
