"""The scoped reads. Every one of them gets its WHERE clause from `within`, so that none can forget the scope."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from carekit import PUBLIC, Conversation, Query, Refused, Scope, Status, cursor_of, place_of
from carekit_sql import rows
from carekit_sql import tables as t
from carekit_sql.statements import Statement

Values = dict[str, Any]
_PUBLIC_KINDS = sorted(fact.kind for fact in PUBLIC)
_ORDERS = {"updated": "updated_at", "waiting": "waiting_since", "queued": "queued_at"}


@attrs.frozen
class Reach:
    """The shape of a scope: which limits it has, not which values; statements are made once for each shape."""

    inboxes: str
    """``all``, ``some`` or ``none``."""
    contact: bool
    channel: bool

    @classmethod
    def of(cls, scope: Scope) -> Reach:
        """The shape of *scope*."""
        inboxes = "all" if scope.inboxes is None else ("some" if scope.inboxes else "none")
        return cls(inboxes, bool(scope.contact), bool(scope.channel))

    @property
    def everything(self) -> bool:
        """Whether it has no limit at all."""
        return self.inboxes == "all" and not self.contact and not self.channel


def within(reach: Reach) -> list[sa.ColumnElement[bool]]:
    """The conditions on `conversation` that keep a read inside a scope of this shape; the values are `limits`."""
    c = t.conversation.c
    conditions: list[sa.ColumnElement[bool]] = []
    if reach.inboxes == "none":
        conditions.append(sa.false())
    if reach.inboxes == "some":
        conditions.append(c.inbox.in_(sa.bindparam("scope_inboxes", expanding=True)))
    if reach.contact:
        conditions.append(c.contact == sa.bindparam("scope_contact"))
    if reach.channel:
        conditions.append(c.channel == sa.bindparam("scope_channel"))
    return conditions


def limits(scope: Scope) -> Values:
    """The values of a scope's conditions."""
    return {"scope_inboxes": scope.inboxes, "scope_contact": scope.contact, "scope_channel": scope.channel}


@attrs.frozen
class Listing:
    """The shape of a query."""

    reach: Reach
    filters: frozenset[str]
    order: str
    merged: int = 0
    """Of how many lists, one for each status, it is put together; 0 if one index holds it as it is."""
    continued: bool = False
    counting: bool = False

    @classmethod
    def of(cls, query: Query, scope: Scope, *, counting: bool = False) -> Listing:
        """The shape of *query* within *scope*; raises `Refused` for an unknown order."""
        if query.order not in _ORDERS:
            raise Refused(f"there is no order {query.order!r}; use one of {', '.join(_ORDERS)}", field="order")
        filters = {
            name for name in ("status", "assignee", "inbox", "channel", "contact") if getattr(query, name) is not None
        }
        if query.assignee == "":
            filters = filters - {"assignee"} | {"unassigned"}
        if query.bot is not None:
            filters.add("with_bot" if query.bot else "without_bot")
        merged = 0
        if query.order == "updated" and not counting and not filters & {"assignee", "contact"}:
            merged, filters = len(_statuses(query)), filters - {"status"}
        continued = bool(query.cursor) and not counting
        return cls(Reach.of(scope), frozenset(filters), query.order, merged, continued, counting)


class Reads:
    """Makes the statement for each shape that is asked for, once."""

    _made: ClassVar[dict[str, Reads]] = {}

    @classmethod
    def of(cls, dialect: sa.Dialect) -> Reads:
        """Those for databases of this kind."""
        if dialect.name not in cls._made:
            cls._made[dialect.name] = cls(dialect)
        return cls._made[dialect.name]

    def __init__(self, dialect: sa.Dialect) -> None:
        def make(construct: sa.ClauseElement) -> Statement:
            return Statement(construct, dialect)

        self.conversation = lru_cache(32)(lambda reach: make(_conversation(reach)))
        self.listing = lru_cache(512)(lambda listing: make(_listing(listing)))
        self.feed = lru_cache(32)(lambda reach: make(_feed(reach)))
        self.contact = lru_cache(32)(lambda reach: make(_contact(reach)))
        self.contacts = lru_cache(32)(lambda reach: make(_contacts(reach)))
        self.search = lru_cache(32)(lambda reach: make(_search(reach, dialect)))
        self.events = lru_cache(8)(lambda limited, last: make(_events(limited, last)))


def _conversation(reach: Reach) -> sa.Select[Any]:
    return sa.select(t.conversation.c.body).where(t.conversation.c.id == sa.bindparam("id"), *within(reach))


def _statuses(query: Query) -> list[str]:
    return sorted(status.value for status in set(Status if query.status is None else query.status))


def _listing(listing: Listing) -> sa.Select[Any]:
    """The conversations of a list, or how many there are."""
    c = t.conversation.c
    conditions = [*within(listing.reach), *_filters(listing)]
    column = c[_ORDERS[listing.order]]
    if listing.order != "updated":
        conditions.append(column.is_not(None))
    if listing.counting:
        return sa.select(sa.func.count()).select_from(t.conversation).where(*conditions)
    most: sa.BindParameter[int] = sa.bindparam("most")
    conditions += _behind(listing, column)
    first = column.desc() if listing.order == "updated" else column
    if listing.merged == 1:
        conditions.append(c.status == sa.bindparam("status_0"))
    if listing.merged < 2:
        return sa.select(c.body).where(*conditions).order_by(first, c.id).limit(most)
    chosen = sa.select(c.body, column, c.id).order_by(first, c.id).limit(most)
    lists = [
        chosen.where(c.status == sa.bindparam(f"status_{index}"), *conditions).subquery()
        for index in range(listing.merged)
    ]
    whole = sa.union_all(*map(sa.select, lists)).subquery()
    return sa.select(whole.c.body).order_by(whole.c[column.name].desc(), whole.c.id).limit(most)


def _behind(listing: Listing, column: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
    """What comes after a cursor: two conditions, of which the first alone lets an index start at the right place."""
    if not listing.continued:
        return []
    at: sa.BindParameter[int] = sa.bindparam("cursor_at")
    id: sa.BindParameter[str] = sa.bindparam("cursor_id")
    if listing.order == "updated":
        return [column <= at, sa.or_(column < at, t.conversation.c.id > id)]
    return [column >= at, sa.or_(column > at, t.conversation.c.id > id)]


def _filters(listing: Listing) -> list[sa.ColumnElement[bool]]:
    c = t.conversation.c

    def column(name: str) -> sa.ColumnElement[str]:
        # Few wait, and they have an index of their own; an expression keeps the planner from preferring another.
        return c[name] if listing.order == "updated" else c[name].op("||")(sa.literal_column("''"))

    conditions: list[sa.ColumnElement[bool]] = []
    if "status" in listing.filters:
        conditions.append(column("status").in_(sa.bindparam("status", expanding=True)))
    if "unassigned" in listing.filters:
        conditions.append(c.assignee == "")
    if "with_bot" in listing.filters:
        conditions.append(c.bot != "")
    if "without_bot" in listing.filters:
        conditions.append(c.bot == "")
    if "assignee" in listing.filters:
        conditions.append(column("assignee") == sa.bindparam("assignee"))
        if listing.order == "updated":
            # It says nothing new, but tells the planner that the index of the assigned ones will do.
            conditions.append(c.assignee != "")
    names = [name for name in ("inbox", "channel", "contact") if name in listing.filters]
    return conditions + [column(name) == sa.bindparam(name) for name in names]


def query_values(query: Query, scope: Scope) -> Values:
    """The values of a query's conditions; raises `Refused` for a cursor that is none."""
    values: Values = limits(scope)
    values["status"] = statuses = _statuses(query)
    values |= {f"status_{index}": status for index, status in enumerate(statuses)}
    for name in ("assignee", "inbox", "channel", "contact"):
        values[name] = getattr(query, name)
    if query.cursor:
        values["cursor_at"], values["cursor_id"] = place_of(query.cursor)
    return values


def cursor_after(query: Query, last: Conversation) -> str:
    """The cursor that continues after *last*."""
    return cursor_of(rows.micros(getattr(last, _ORDERS[query.order])), last.id)


def _feed(reach: Reach) -> sa.Select[Any]:
    e, c = t.event.c, t.conversation.c
    chosen = sa.select(*t.event.c).where(e.position > sa.bindparam("after"))
    if not reach.everything:
        if reach.contact or reach.inboxes == "none":
            inside: sa.ColumnElement[bool]
            # Few conversations: go through their streams.
            inside = e.stream.in_(sa.select(c.id).where(*within(reach)))
        else:
            # Many: go through the log, and look each conversation up.
            inside = sa.exists().where(c.id == e.stream, *within(reach))
        if reach.contact:
            chosen = chosen.where(e.kind.in_([sa.literal_column(f"'{kind}'") for kind in _PUBLIC_KINDS]))
        elif reach.inboxes == "some" and not reach.channel:
            # Who is there to answer is everybody's business; "agent;" is the first text after all "agent:…".
            inside = sa.or_(inside, sa.and_(e.stream >= "agent:", e.stream < "agent;"))
        chosen = chosen.where(inside)
    return chosen.order_by(e.position).limit(sa.bindparam("most"))


def _search(reach: Reach, dialect: sa.Dialect) -> sa.Select[Any]:
    """Messages whose words match ``query``, newest first."""
    e, c = t.event.c, t.conversation.c
    query: sa.BindParameter[str] = sa.bindparam("query")
    position: sa.ColumnElement[int]
    if dialect.name == "postgresql":
        position = t.words.c.position
        matches: sa.ColumnElement[bool] = t.words.c.said.op("@@")(sa.cast(query, TSQUERY))
    else:
        position = t.words_of_sqlite.c.rowid
        matches = t.words_of_sqlite.c.words.op("MATCH")(query)
    return (
        sa.select(*t.event.c)
        .where(matches, e.position == position, c.id == e.stream, *within(reach))
        .order_by(position.desc())
        .limit(sa.bindparam("most"))
    )


def match(words: Sequence[str], dialect: sa.Dialect) -> str:
    """The search for all *words*, the last of which may be the beginning of one, in the database's own language."""
    if dialect.name == "postgresql":
        quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words]
        return " & ".join(quoted) + ":*"
    return " ".join(f'"{word}"' for word in words) + "*"


def _theirs(reach: Reach) -> list[sa.ColumnElement[bool]]:
    if reach.everything:
        return []
    return [sa.exists().where(t.conversation.c.contact == t.contact.c.id, *within(reach))]


def _contact(reach: Reach) -> sa.Select[Any]:
    return sa.select(t.contact.c.body).where(t.contact.c.id == sa.bindparam("id"), *_theirs(reach))


def _contacts(reach: Reach) -> sa.Select[Any]:
    id = t.contact.c.id
    return (
        sa.select(t.contact.c.body)
        .where(id > sa.bindparam("cursor"), *_theirs(reach))
        .order_by(id)
        .limit(sa.bindparam("most"))
    )


def _events(limited: bool, last: bool) -> sa.Select[Any]:
    e = t.event.c
    chosen = sa.select(*t.event.c).where(e.stream == sa.bindparam("stream"), e.seq > sa.bindparam("after"))
    chosen = chosen.order_by(e.seq.desc() if last else e.seq)
    return chosen.limit(sa.bindparam("most")) if limited else chosen
