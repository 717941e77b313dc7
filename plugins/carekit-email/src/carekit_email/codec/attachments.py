"""Attachments: names made fit for display, contents decoded, files uuencoded inside plain text."""

from __future__ import annotations

import mimetypes
import re
import unicodedata

from carekit_email.codec.mime import Part, uudecoded
from carekit_email.codec.model import Attachment, Limits
from carekit_email.codec.tnef import is_container, unpack
from carekit_email.codec.words import header_safe

_BEGIN = re.compile(r"begin [0-7]{3,4} (\S[^\n]{0,250})")
_MAX_NAME = 200


def display_name(name: str) -> str:
    """Give *name* as one line without path separators, leading dots or invisible controls; display only."""
    name = header_safe(name)
    name = "".join(char for char in name if unicodedata.category(char) not in {"Cf", "Cc", "Co", "Cs"})
    name = re.sub(r"[/\\:]+", "_", name)
    name = re.sub(r"^[.\s]+", lambda dots: "_" if ".." in dots.group() else dots.group(), name).strip()
    if len(name) > _MAX_NAME:
        stem, dot, extension = name.rpartition(".")
        if not dot or len(extension) > 20:
            return name[:_MAX_NAME]
        return stem[: _MAX_NAME - len(extension) - 1] + dot + extension
    return name


def attachment(part: Part, limits: Limits) -> Attachment:
    """Give the attachment a part is, with what is packed in it."""
    content = part.content()
    unpacked = unpack(content, limits.unpacked) if is_container(part) else None
    return Attachment(
        name=display_name(part.name),
        content_type=part.content_type,
        size=len(content),
        content=content,
        content_id=part.content_id,
        inline=part.disposition == "inline" or (part.disposition != "attachment" and bool(part.content_id)),
        contains=tuple(_packed(name, data) for name, data in unpacked.files) if unpacked else (),
    )


def _packed(name: str, data: bytes) -> Attachment:
    shown = display_name(name)
    kind = mimetypes.guess_type(shown)[0] or "application/octet-stream"
    return Attachment(name=shown, content_type=kind, size=len(data), content=data)


def extract_uuencoded(text: str) -> tuple[str, list[Attachment]]:
    """Take files out of plain text that some programs uuencode inside it; give (the text left, the files)."""
    if "\nbegin " not in text and not text.startswith("begin "):
        return text, []
    kept: list[str] = []
    files: list[Attachment] = []
    lines = text.split("\n")
    position = 0
    while position < len(lines):
        begin = _BEGIN.fullmatch(lines[position].rstrip())
        end = _uu_end(lines, position + 1) if begin else 0
        if begin and end:
            files.append(_uu_file(begin.group(1), lines[position + 1 : end]))
            position = end
        else:
            kept.append(lines[position])
            position += 1
    return "\n".join(kept), files


def _uu_end(lines: list[str], position: int) -> int:
    """Give the line after the encoded ones, 0 when what follows is not uuencoded."""
    start = position
    while position < len(lines):
        line = lines[position].rstrip()
        position += 1
        if line == "end":
            return position
        if line and not (line.isascii() and 32 <= ord(line[0]) <= 96 and len(line) <= 70):
            return position - 1 if position - start > 2 else 0
    return position if position - start > 2 else 0


def _uu_file(name: str, lines: list[str]) -> Attachment:
    content = uudecoded([line.rstrip("\r").encode("ascii", "replace") for line in lines])
    return _packed(name, content)
