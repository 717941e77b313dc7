"""The endpoints that read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from msgspec import UnsetType

from carekit.facts.events import Event
from carekit.facts.nouns import Contact, Conversation
from carekit.ground.errors import Refused
from carekit.seams.query import Query, cursor_of, place_of
from carekit.web.api import views as v
from carekit.web.api.endpoint import Call
from carekit.web.tokens import ApiToken, visible_inboxes

T = TypeVar("T")


def given(value: T | UnsetType) -> T | None:
    """*value*, None if it was left out."""
    return None if isinstance(value, UnsetType) else value


def instant(value: datetime | UnsetType, field: str) -> datetime | None:
    """*value* in UTC, None if it was left out; raises `Refused` at the ends of the calendar."""
    if isinstance(value, UnsetType):
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Refused("the instant lies outside of the calendar", field=field) from None


async def list_conversations(call: Call) -> v.ConversationPage:
    """A page of conversations."""
    asked = call.query
    query = Query(
        status=given(asked.status),
        assignee=given(asked.assignee),
        inbox=given(asked.inbox),
        channel=given(asked.channel),
        contact=given(asked.contact),
        bot=given(asked.bot),
        order=asked.order,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    page = await call.desk.conversations(query, call.token.scope)
    return v.ConversationPage(list(page.items), page.cursor)


async def get_conversation(call: Call) -> Conversation:
    """One conversation."""
    return await call.desk.conversation(call.id, call.token.scope)


async def list_steps(call: Call) -> v.StepPage:
    """Events of one conversation."""
    events = await call.desk.events(call.id, call.token.scope, after=call.query.after, limit=call.query.limit)
    return v.StepPage([v.EventView.of(event) for event in events])


async def list_contacts(call: Call) -> v.ContactPage:
    """A page of contacts."""
    after = _id_before(call.query.cursor)
    contacts, last = await call.desk.contacts(call.token.scope, cursor=after, limit=call.query.limit)
    return v.ContactPage(contacts, cursor_of(0, last) if last else "")


async def get_contact(call: Call) -> Contact:
    """One contact."""
    return await call.desk.contact(call.id, call.token.scope)


async def list_events(call: Call) -> v.EventPage:
    """Events of all streams; with ``wait`` it holds the request until there is one."""
    asked, scope = call.query, call.token.scope
    events: Sequence[Event] = await call.desk.feed(asked.after, scope, limit=asked.limit)
    if not events and asked.wait:
        events = (await _next_events(call))[: asked.limit]
    cursor = events[-1].position if events else asked.after
    return v.EventPage([v.EventView.of(event) for event in events if _is_shown(event, call.token)], cursor)


async def _next_events(call: Call) -> list[Event]:
    try:
        async with (
            asyncio.timeout(call.query.wait),
            aclosing(cast(Any, call.desk.follow(call.token.scope, after=call.query.after))) as batches,
        ):
            async for batch in batches:
                return [live.event for live in batch]
    except TimeoutError:
        pass
    return []


def _is_shown(event: Event, token: ApiToken) -> bool:
    """A token limited to inboxes sees conversations only: what agents and channels do tells of other inboxes."""
    return not token.inboxes or not event.stream.startswith(("agent:", "channel:"))


async def list_agents(call: Call) -> v.AgentList:
    """The agents who share an inbox with the token."""
    agents = await call.desk.agents()
    return v.AgentList([agent for agent in agents if visible_inboxes(call.token, agent.inboxes)])


async def list_channels(call: Call) -> v.ChannelList:
    """The channels whose inbox the token reaches."""
    inboxes = call.token.inboxes
    return v.ChannelList([info for info in call.desk.channels.values() if not inboxes or info.inbox in inboxes])


async def list_letters(call: Call) -> v.LetterPage:
    """A page of dead letters."""
    after, most = _id_before(call.query.cursor), call.query.limit
    letters = await call.desk.letters(call.token.scope, after=after, limit=most + 1)
    page = letters[:most]
    seen = await call.desk.glimpses(page, call.token.scope)
    items = [v.DeadLetter.of(*one) for one in zip(page, seen, strict=True)]
    return v.LetterPage(items, cursor_of(0, page[-1].id) if len(letters) > most else "")


def _id_before(cursor: str) -> str:
    """The id after which a list in order of ids goes on, empty for its beginning."""
    return place_of(cursor)[1] if cursor else ""


async def get_report(call: Call) -> v.Report:
    """The report over a period."""
    since, until = instant(call.query.since, "since"), instant(call.query.until, "until")
    if since and until and until <= since:
        raise Refused("the period ends before it begins", field="until")
    return v.Report(await call.desk.report(call.token.scope, since=since, until=until))


async def search(call: Call) -> v.Hits:
    """Find what was said in the conversations that the token reaches."""
    return v.Hits.of(await call.desk.search(call.query.q, call.token.scope, limit=call.query.limit))
