"""What the pages show, gathered from the desk and always through the asker's scope."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs

from carekit import Agent, Capabilities, Contact, Conversation, Desk, Event, NotFound, Query, Scope, Status
from carekit_console.people import People, contact_name
from carekit_console.session import Session
from carekit_console.targets import Chip, chip
from carekit_console.thread import Entry, thread
from carekit_console.views import VIEWS, View
from carekit_console.words import STATUS, Stamp, date, initials, stamp

WINDOW = 200
"""Events of a conversation shown at first."""
EARLIER = 8
"""Earlier conversations of a contact shown beside the thread."""


@attrs.frozen
class Row:
    """A conversation in a list."""

    id: str
    name: str
    initials: str
    subject: str
    preview: str
    channel: str
    icon: str
    status: str
    state: str
    at: Stamp
    chip: Chip | None
    ours: bool
    """The contact waits for us: shown bold, and said."""
    assignee: str
    bot: str
    score: str


@attrs.frozen
class Choice:
    """A moment to snooze until: ``key`` is what the form sends."""

    key: str
    label: str
    until: datetime
    when: str


@attrs.frozen
class Card:
    """The contact beside the thread."""

    name: str
    initials: str
    since: Stamp
    addresses: tuple[tuple[str, str], ...]
    earlier: tuple[Row, ...]
    surveys: tuple[tuple[str, str, str], ...]


@attrs.frozen
class Opened:
    """A conversation with everything its page shows. ``before`` is where the earlier part begins, None at the start."""

    conversation: Conversation
    row: Row
    entries: Sequence[Entry]
    before: int | None
    card: Card
    channel_title: str
    capabilities: Capabilities
    assignable: Sequence[Agent]
    snoozes: Sequence[Choice]


class Board:
    """Reads the desk for the pages."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.zone = ZoneInfo(desk.timezone)

    async def counts(self, session: Session) -> dict[str, int]:
        """How many conversations each view holds."""
        views = list(VIEWS.values())
        found = await asyncio.gather(*(self.desk.count(view.query(session.agent), session.scope) for view in views))
        return {view.key: count for view, count in zip(views, found, strict=True)}

    async def rows(self, view: View, session: Session, cursor: str = "") -> tuple[list[Row], str]:
        """A page of *view* and the cursor of the next."""
        page = await self.desk.conversations(view.query(session.agent, cursor=cursor), session.scope)
        return await self._rows(page.items, session.scope), page.cursor

    async def recent(self, session: Session, limit: int) -> list[Row]:
        """The conversations that changed last."""
        page = await self.desk.conversations(Query(limit=limit), session.scope)
        return await self._rows(page.items, session.scope)

    async def some(self, session: Session, ids: Sequence[str]) -> list[Row]:
        """These conversations, as far as they can be seen."""
        found = []
        for id in ids:
            with suppress(NotFound):
                found.append(await self.desk.conversation(id, session.scope))
        return await self._rows(found, session.scope)

    async def open(self, id: str, session: Session, start: int = 0) -> Opened:
        """The conversation *id* from step *start* on, by default its newest part; raises `NotFound`."""
        scope, now = session.scope, self.desk.now()
        conversation = await self.desk.conversation(id, scope)
        events = await self._events(id, scope, start)
        agents = await self.desk.agents()
        contact = await self._contact(conversation.contact, scope)
        channel = self.desk.channels.get(conversation.channel)
        people = self._people(agents, contact_name(contact))
        first = events[0].seq if events else 1
        return Opened(
            conversation=conversation,
            row=self._row(conversation, contact_name(contact), people, now),
            entries=thread(events, people, now, self.zone, conversation.subject),
            before=max(1, first - WINDOW) if first > 1 else None,
            card=await self._card(conversation, contact, people, session),
            channel_title=self._titles().get(conversation.channel, conversation.channel),
            capabilities=channel.capabilities if channel else Capabilities(),
            assignable=[agent for agent in agents if may_take(agent, conversation)],
            snoozes=self.snoozes(now),
        )

    def snoozes(self, now: datetime) -> list[Choice]:
        """The moments a conversation can be snoozed until, seen from *now*."""
        local = now.astimezone(self.zone)
        tomorrow = _at_nine(local, 1, self.zone)
        monday = _at_nine(local, 7 - local.weekday(), self.zone)
        hour = now + timedelta(hours=1)
        return [
            Choice("hour", "For an hour", hour, f"until {hour.astimezone(self.zone):%H:%M}"),
            Choice("tomorrow", "Tomorrow at 9:00", tomorrow, date(tomorrow.astimezone(self.zone))),
            Choice("monday", "Next Monday at 9:00", monday, date(monday.astimezone(self.zone))),
        ]

    async def _events(self, id: str, scope: Scope, start: int) -> list[Event]:
        if start > 1:
            return await self.desk.events(id, scope, after=start - 1)
        if start == 1:
            return await self.desk.events(id, scope)
        return await self.desk.events(id, scope, limit=WINDOW, last=True)

    async def _contact(self, id: str, scope: Scope) -> Contact | None:
        try:
            return await self.desk.contact(id, scope)
        except NotFound:
            return None

    async def _rows(self, items: Sequence[Conversation], scope: Scope) -> list[Row]:
        ids = sorted({one.contact for one in items})
        found = await asyncio.gather(*(self._contact(id, scope) for id in ids))
        names = {id: contact_name(contact) for id, contact in zip(ids, found, strict=True)}
        people, now = self._people(await self.desk.agents(), ""), self.desk.now()
        return [self._row(one, names[one.contact], people, now) for one in items]

    def _row(self, c: Conversation, name: str, people: People, now: datetime) -> Row:
        scores = [survey for survey in c.surveys.values() if survey.score is not None]
        channel = self.desk.channels.get(c.channel)
        return Row(
            id=c.id,
            name=name,
            initials=initials(name),
            subject=c.subject,
            preview=" ".join(c.preview.split()),
            channel=people.channels.get(c.channel, c.channel),
            icon={"chat": "chat", "email": "mail"}.get(channel.use if channel else "", "channel"),
            status=c.status.value,
            state=STATUS[c.status],
            at=stamp(c.updated_at, now, self.zone),
            chip=chip(c, now) if c.status is not Status.CLOSED else None,
            ours=c.waiting_since is not None and not c.bot,
            assignee=people.agent(c.assignee) if c.assignee else "",
            bot=c.bot,
            score=f"{scores[-1].score} of {self._best(scores[-1].name)}" if scores else "",
        )

    async def _card(self, c: Conversation, contact: Contact | None, people: People, session: Session) -> Card:
        query = Query(contact=c.contact, limit=EARLIER + 1)
        page = await self.desk.conversations(query, session.scope)
        now, name = self.desk.now(), contact_name(contact)
        earlier = tuple(self._row(one, name, people, now) for one in page.items if one.id != c.id)[:EARLIER]
        return Card(
            name=name,
            initials=initials(name),
            since=stamp(contact.created_at if contact else c.created_at, now, self.zone),
            addresses=tuple(_addresses(contact)) if contact else (),
            earlier=earlier,
            surveys=tuple(
                (survey.name, f"{survey.score} of {self._best(survey.name)}", survey.comment)
                if survey.score is not None
                else (survey.name, "not answered yet", "")
                for survey in c.surveys.values()
            ),
        )

    def _best(self, survey: str) -> int:
        info = self.desk.surveys.get(survey)
        return info.best if info else 5

    def _people(self, agents: Iterable[Agent], contact: str) -> People:
        return People.of(agents, contact, self.desk.name, self._titles())

    def _titles(self) -> dict[str, str]:
        return {name: channel.title or name for name, channel in self.desk.channels.items()}


def may_take(agent: Agent, conversation: Conversation) -> bool:
    """Whether *agent* could be given *conversation*: active, and allowed to see it."""
    return agent.active and Scope.of_agent(agent).reaches(conversation)


def _at_nine(local: datetime, days: int, zone: ZoneInfo) -> datetime:
    day = local.date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, 9, tzinfo=zone).astimezone(UTC)


def _addresses(contact: Contact) -> Iterable[tuple[str, str]]:
    """The addresses a person can use, by kind; visitors' marks are no help to anybody."""
    words = {"email": "E-mail", "phone": "Phone"}
    seen = set()
    if contact.email:
        seen.add(contact.email)
        yield "E-mail", contact.email
    for address in contact.addresses:
        kind, _, value = address.partition(":")
        if kind != "visitor" and value not in seen:
            seen.add(value)
            yield words.get(kind, kind.capitalize()), value
