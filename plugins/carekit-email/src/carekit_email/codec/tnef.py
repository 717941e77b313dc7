"""TNEF containers (winmail.dat, MS-OXTNEF): the files and the text in them, by a library that may fail on anything."""

from __future__ import annotations

import logging

from attrs import frozen

from carekit_email.codec.charsets import to_text
from carekit_email.codec.mime import Part

_SIGNATURE = b"\x78\x9f\x3e\x22"
_KINDS = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_MOST_FILES = 500

logging.getLogger("tnefparse").addHandler(logging.NullHandler())  # a stranger's broken file is no news of ours
logging.getLogger("tnefparse").propagate = False


@frozen
class Unpacked:
    """What a container holds: files by the name they were given, and the message's text in its two forms."""

    files: tuple[tuple[str, bytes], ...] = ()
    text: str = ""
    html: str = ""


def is_container(part: Part) -> bool:
    """Tell whether a part is a TNEF container, by its declared type or its name."""
    return part.content_type in _KINDS or part.name.lower() == "winmail.dat"


def unpack(content: bytes, limit: int) -> Unpacked | None:
    """Give what is in a container, at most *limit* octets of files; None when it is none or cannot be read."""
    if not content.startswith(_SIGNATURE):
        return None
    from tnefparse import TNEF  # type: ignore[import-untyped]  # only mail of Exchange pays for the import

    try:
        found = TNEF(content, do_checksum=False)
        files: list[tuple[str, bytes]] = []
        room = limit
        for one in found.attachments[:_MOST_FILES]:
            data = bytes(one.data or b"") if isinstance(one.data, (bytes, bytearray)) else b""
            room -= len(data)
            if room < 0:
                break
            files.append((str(one.long_filename() or "file"), data))
        return Unpacked(tuple(files), _text(getattr(found, "body", None)), _text(getattr(found, "htmlbody", None)))
    except Exception:  # noqa: BLE001 - a library over a stranger's bytes; the container itself is kept
        return None


def _text(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return to_text(bytes(value)).replace("\r\n", "\n")
    return value.replace("\r\n", "\n").replace("\x00", "") if isinstance(value, str) else ""
