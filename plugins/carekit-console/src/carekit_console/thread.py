"""A conversation's events as the lines of its thread. Pure: the same events give the same thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from carekit import (
    Attachment,
    BotAnswered,
    Decision,
    DeliveryChanged,
    DeliveryStatus,
    Event,
    MessageReceived,
    MessageSent,
    NoteAdded,
    Source,
    replace,
)
from carekit_console import lines
from carekit_console.people import People
from carekit_console.words import DELIVERY, PURPOSE, Piece, Stamp, bare, day, initials, pieces, size, stamp


@attrs.frozen
class Why:
    """Why something happened by itself: the policy, its reason, and who else was looked at."""

    policy: str = ""
    reason: str = ""
    detail: str = ""
    candidates: tuple[tuple[str, str], ...] = ()
    tie_break: str = ""


@attrs.frozen
class File:
    """An attachment; ``number`` is its place in its message."""

    name: str
    size: str
    number: int


@attrs.frozen
class Entry:
    """One line of the thread. ``kind`` is ``message``, ``note``, ``event`` or ``day``; ``role`` says who wrote it."""

    key: str
    kind: str
    seq: int = 0
    at: Stamp | None = None
    role: str = ""
    author: str = ""
    initials: str = ""
    tag: str = ""
    subject: str = ""
    body: tuple[Piece, ...] = ()
    quoted: tuple[Piece, ...] = ()
    files: tuple[File, ...] = ()
    sources: tuple[Source, ...] = ()
    state: str = ""
    failed: bool = False
    tone: str = ""
    why: Why | None = None


@attrs.define
class Thread:
    """Builds entries from events, in their order."""

    people: People
    now: datetime
    zone: ZoneInfo
    subject: str = ""
    """The conversation's own, which its messages need not repeat."""
    entries: list[Entry] = attrs.field(factory=list)
    _at: dict[int, int] = attrs.field(factory=dict)
    _answered: BotAnswered | None = None
    _day: str = ""

    def add(self, event: Event) -> None:
        """Take the next event in."""
        fact = event.fact
        if isinstance(fact, DeliveryChanged):
            self._deliver(fact)
            return
        if isinstance(fact, BotAnswered):
            self._answered = fact
        entry = self._entry(event)
        if entry is None:
            return
        title = day(event.at, self.now, self.zone)
        if title != self._day:
            self._day = title
            self.entries.append(Entry(f"day-{event.at.astimezone(self.zone):%Y%m%d}", "day", body=(Piece(title),)))
        self._at[event.seq] = len(self.entries)
        self.entries.append(entry)

    def _entry(self, event: Event) -> Entry | None:
        build = _BUILDERS.get(type(event.fact))
        if build is not None:
            return build(self, event, event.fact)
        line = lines.line(event, self.people, self.now, self.zone)
        if line is None:
            return None
        decision = getattr(event.fact, "decision", None)
        return self._base(event, "event", body=pieces(line.text), tone=line.tone, why=self._why(event, decision))

    def _received(self, event: Event, fact: MessageReceived) -> Entry:
        return self._base(
            event,
            "message",
            role="contact",
            author=self.people.contact,
            initials=initials(self.people.contact),
            tag="Automatic" if fact.automatic else "",
            subject=self._subject(fact.subject),
            body=pieces(fact.text),
            quoted=pieces(fact.meta.get("quoted", "")),
            files=_files(fact.attachments),
        )

    def _sent(self, event: Event, fact: MessageSent) -> Entry:
        name = self.people.name(fact.author)
        bot = fact.author.startswith("bot:")
        role = "bot" if bot else ("service" if fact.automatic else "agent")
        detail = ""
        if bot and self._answered is not None:
            detail = f"Confidence {self._answered.confidence:.2f}, threshold {self._answered.threshold:.2f}"
            self._answered = None
        return self._base(
            event,
            "message",
            role=role,
            author=name,
            initials=initials(name),
            tag="Bot" if bot else (PURPOSE.get(fact.purpose, "Automatic") if fact.automatic else ""),
            subject=self._subject(fact.subject),
            body=pieces(fact.text),
            files=_files(fact.attachments),
            sources=fact.sources,
            state=DELIVERY[fact.status],
            why=self._why(event, None, detail) if fact.automatic else None,
        )

    def _subject(self, subject: str) -> str:
        """A message's subject if it says something that the page's title does not."""
        return "" if bare(subject) == bare(self.subject) else subject

    def _note(self, event: Event, fact: NoteAdded) -> Entry:
        name = self.people.name(fact.author)
        return self._base(event, "note", author=name, initials=initials(name), body=pieces(fact.text))

    def _base(self, event: Event, kind: str, **fields: Any) -> Entry:
        return Entry(str(event.seq), kind, event.seq, stamp(event.at, self.now, self.zone), **fields)

    def _deliver(self, fact: DeliveryChanged) -> None:
        """Show how far a message got on the message itself; one outside of the window is left out."""
        index = self._at.get(fact.message)
        if index is None:
            return
        state = DELIVERY[fact.status] + (f": {fact.detail}" if fact.detail else "")
        failed = fact.status in (DeliveryStatus.FAILED, DeliveryStatus.UNSURE)
        self.entries[index] = replace(self.entries[index], state=state, failed=failed)

    def _why(self, event: Event, decision: Decision | None, detail: str = "") -> Why | None:
        policy = event.policy or (event.actor.removeprefix("policy:") if event.actor.startswith("policy:") else "")
        candidates: tuple[tuple[str, str], ...] = ()
        if decision is not None:
            candidates = tuple(
                (self.people.name(f"agent:{one.agent}"), one.excluded or f"could take it (score {one.score:g})")
                for one in decision.candidates
            )
        if not (policy or event.reason or detail or candidates):
            return None
        return Why(policy, event.reason, detail, candidates, decision.tie_break if decision else "")


_BUILDERS: Mapping[type, Callable[[Thread, Event, Any], Entry]] = {
    MessageReceived: Thread._received,
    MessageSent: Thread._sent,
    NoteAdded: Thread._note,
}


def thread(events: Iterable[Event], people: People, now: datetime, zone: ZoneInfo, subject: str = "") -> list[Entry]:
    """The entries of *events*, oldest first; a message repeats the *subject* only where it changes it."""
    building = Thread(people, now, zone, subject)
    for event in events:
        building.add(event)
    return building.entries


def _files(attachments: Iterable[Attachment]) -> tuple[File, ...]:
    return tuple(File(one.name or "file", size(one.size), number) for number, one in enumerate(attachments))
