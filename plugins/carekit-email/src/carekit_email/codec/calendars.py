"""Invitations: what a text/calendar part (RFC 5545) says about itself. The part stays an attachment."""

from __future__ import annotations

import re
from collections.abc import Iterable

from carekit_email.codec.mime import Part
from carekit_email.codec.model import Invitation
from carekit_email.codec.words import header_safe

_KINDS = frozenset({"text/calendar", "application/ics"})
_EVENT = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
_ESCAPE = re.compile(r"\\([nN,;\\])")
_MOST = 20


def invitations(parts: Iterable[Part]) -> tuple[Invitation, ...]:
    """Give the events that calendar parts describe, at most twenty."""
    found = [one for part in parts if part.content_type in _KINDS for one in _events(part)]
    return tuple(found[:_MOST])


def _events(part: Part) -> list[Invitation]:
    lines = re.sub(r"\n[ \t]", "", part.text()[:200_000]).split("\n")
    method = part.parameters.get("method", "")
    events: list[dict[str, str]] = []
    inside: list[str] = []
    for line in lines:
        head, _, value = line.partition(":")
        name = head.partition(";")[0].strip().upper()
        if name == "BEGIN":
            inside.append(value.strip().upper())
            if inside[-1] in _EVENT and len(events) < _MOST:
                events.append({})
        elif name == "END":
            inside = inside[:-1]
        elif name == "METHOD" and not method:
            method = value
        elif events and inside and inside[-1] in _EVENT:
            events[-1].setdefault(name, header_safe(_ESCAPE.sub(_unescaped, value))[:1_000])
    return [_invitation(header_safe(method).upper()[:40], event) for event in events]


def _invitation(method: str, event: dict[str, str]) -> Invitation:
    return Invitation(
        method=method,
        uid=event.get("UID", ""),
        summary=event.get("SUMMARY", ""),
        organizer=re.sub(r"^mailto:", "", event.get("ORGANIZER", ""), flags=re.IGNORECASE),
        starts=event.get("DTSTART", ""),
        ends=event.get("DTEND", ""),
        location=event.get("LOCATION", ""),
    )


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found.group(1) in "nN" else found.group(1)
