"""Statements: made with SQLAlchemy, turned into text once, and from then on handed to the driver as they are.

A batch of one message is a dozen statements of some microseconds each; building or looking up the construct every time
would cost more than running it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

import sqlalchemy as sa

from carekit_sql import tables as t
from carekit_sql.bulk import Heads, Insert, Move, Words, array_of

_LIST = re.compile(r"(NOT )?IN \(__\[POSTCOMPILE_(\w+?)\]\)")
MOST = 8192
"""The most values handed over as one list; SQLite takes 32,766 parameters."""


class Statement:
    """One statement as text for one database, with the order of its parameters.

    PostgreSQL takes a list as one array. For SQLite it is padded to the next power of two by repeating its last value,
    so that the driver sees a few texts instead of one for every length, and can keep them prepared.
    """

    def __init__(self, construct: sa.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = construct.compile(dialect=dialect)
        self.text = str(compiled)
        self._names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._lists = frozenset(found[2] for found in _LIST.finditer(self.text))
        self._arrays = dialect.name == "postgresql"
        self._texts: dict[tuple[int, ...], str] = {}
        if self._arrays:
            self.text = _LIST.sub(lambda found: "<> ALL(%b)" if found[1] else "= ANY(%b)", self.text)

    def parts(self, keys: Collection[Any]) -> Iterator[tuple[str, list[Any]]]:
        """The text and parameters for *keys* in their order, in several parts if they are too many for one list."""
        ordered = sorted(keys)
        step = len(ordered) if self._arrays else MOST
        for start in range(0, len(ordered), step):
            yield self.bind({"keys": ordered[start : start + step]})

    def bind(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text and parameters for *values*; every list must hold 1 to `MOST` values."""
        if self._fixed:
            values = {**self._fixed, **values}
        if not self._lists:
            return self.text, [values[name] for name in self._names]
        if self._arrays:
            lists = self._lists
            return self.text, [array_of(values[name]) if name in lists else values[name] for name in self._names]
        parameters: list[Any] = []
        sizes = []
        for name in self._names:
            if name in self._lists:
                items = list(values[name])
                size = 1 << (len(items) - 1).bit_length()
                sizes.append(size)
                parameters += items
                parameters += items[-1:] * (size - len(items))
            else:
                parameters.append(values[name])
        return self._for_sizes(tuple(sizes)), parameters

    def _for_sizes(self, sizes: tuple[int, ...]) -> str:
        text = self._texts.get(sizes)
        if text is None:
            rest = iter(sizes)

            def places(found: re.Match[str]) -> str:
                return f"{found[1] or ''}IN ({', '.join('?' * next(rest))})"

            text = self._texts[sizes] = _LIST.sub(places, self.text)
        return text


def _among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("keys", expanding=True))


class Statements:
    """All statements of fixed shape, for one kind of database."""

    _made: ClassVar[dict[str, Statements]] = {}

    @classmethod
    def of(cls, dialect: sa.Dialect) -> Statements:
        """Those for databases of this kind; they take a while to make, and never change."""
        if dialect.name not in cls._made:
            cls._made[dialect.name] = cls(dialect)
        return cls._made[dialect.name]

    def __init__(self, dialect: sa.Dialect) -> None:
        def make(construct: sa.ClauseElement) -> Statement:
            return Statement(construct, dialect)

        self._make_loads(make, dialect)
        self._make_inserts(dialect)
        self._make_reads(make)
        self._make_leases(make)
        self._make_removals(make, dialect)

    def _make_loads(self, make: Callable[[sa.ClauseElement], Statement], dialect: sa.Dialect) -> None:
        c, j = t.conversation.c, t.job.c
        self.keys = make(sa.select(t.thread_key.c.key, t.thread_key.c.conversation).where(_among(t.thread_key.c.key)))
        self.receipts = make(sa.select(t.receipt.c.key, t.receipt.c.value).where(_among(t.receipt.c.key)))
        self.addresses = make(sa.select(t.address.c.key, t.address.c.contact).where(_among(t.address.c.key)))
        # Locks are always taken in order of id, so that no two writers can wait for each other.
        self.conversations = make(
            sa.select(c.id, c.body, c.contact).where(_among(c.id)).order_by(c.id).with_for_update()
        )
        self.contacts = make(
            sa.select(t.contact.c.id, t.contact.c.body)
            .where(_among(t.contact.c.id))
            .order_by(t.contact.c.id)
            .with_for_update()
        )
        self.agents = make(sa.select(t.agent.c.id, t.agent.c.body).order_by(t.agent.c.id))
        self.some_agents = make(
            sa.select(t.agent.c.id, t.agent.c.body).where(_among(t.agent.c.id)).order_by(t.agent.c.id).with_for_update()
        )
        self.queued = make(_queued(dialect))
        self.jobs = make(sa.select(*j).where(_among(j.id)).order_by(j.id).with_for_update())
        # Lanes that hold a job of anybody but one node.
        self.foreign_lanes = make(sa.select(j.lane).distinct().where(_among(j.lane), j.node != sa.bindparam("node")))
        d, w, lt = t.delivery.c, t.view.c, t.letter.c
        self.deliveries = make(sa.select(d.key, d.status).where(_among(d.key)))
        self.views = make(sa.select(w.key, w.text).where(_among(w.key)))
        self.letters = make(sa.select(lt.id, lt.body).where(_among(lt.id)))

    def _make_inserts(self, dialect: sa.Dialect) -> None:
        self.keep_conversations = Insert(t.conversation, dialect, replace=True)
        self.move_conversations = Move(dialect)
        self.heads = Heads(dialect)
        self.keep_contacts = Insert(t.contact, dialect, replace=True)
        self.keep_agents = Insert(t.agent, dialect, replace=True)
        self.keep_keys = Insert(t.thread_key, dialect, replace=True)
        self.keep_marks = Insert(t.mark, dialect, replace=True)
        self.keep_credentials = Insert(t.credential, dialect, replace=True)
        self.keep_jobs = Insert(t.job, dialect, replace=True)
        self.add_addresses = Insert(t.address, dialect)
        self.add_agents = Insert(t.agent, dialect)
        self.add_receipts = Insert(t.receipt, dialect)
        self.add_events = Insert(t.event, dialect)
        self.add_jobs = Insert(t.job, dialect)
        self.add_blobs = Insert(t.blob, dialect, spare=True)
        self.keep_deliveries = Insert(t.delivery, dialect, replace=True)
        self.keep_letters = Insert(t.letter, dialect, replace=True)
        self.keep_views = Insert(t.view, dialect, replace=True)
        self.keep_claims = Insert(t.claim, dialect, replace=True)
        self.add_words = Words(dialect)

    def _make_reads(self, make: Callable[[sa.ClauseElement], Statement]) -> None:
        c, e = t.conversation.c, t.event.c
        self.last_position = make(sa.select(sa.func.max(e.position)))
        self.credential = make(sa.select(t.credential.c.hash).where(t.credential.c.agent == sa.bindparam("agent")))
        self.marks = make(sa.select(t.mark.c.name, t.mark.c.value).where(_among(t.mark.c.name)))
        self.due = make(
            sa.select(c.id)
            .where(c.wake_at <= sa.bindparam("now"))
            .order_by(c.wake_at, c.id)
            .limit(sa.bindparam("most"))
        )
        self.next_due = make(sa.select(sa.func.min(c.wake_at)).where(c.wake_at.is_not(None)))
        j = t.job.c
        self.next_job = make(sa.select(sa.func.min(j.due)).where(j.due > sa.bindparam("now"), j.node == 0))
        self.pending_jobs = make(sa.select(sa.func.count()).select_from(t.job))
        self._make_ranges(make)

    def _make_ranges(self, make: Callable[[sa.ClauseElement], Statement]) -> None:
        """Reads of rows whose keys lie between two texts."""
        most: sa.BindParameter[int] = sa.bindparam("most")
        first: sa.BindParameter[str] = sa.bindparam("first")
        last: sa.BindParameter[str] = sa.bindparam("last")
        d, w, lt, b = t.delivery.c, t.view.c, t.letter.c, t.blob.c
        self.stream_deliveries = make(sa.select(d.key, d.status).where(d.key > first, d.key < last))
        self.view_rows = make(sa.select(w.key, w.text).where(w.key >= first, w.key <= last).order_by(w.key))
        self.some_letters = make(sa.select(lt.body).where(lt.id > first).order_by(lt.id).limit(most))
        self.count_letters = make(sa.select(lt.channel, sa.func.count()).group_by(lt.channel))
        self.digests = make(sa.select(b.digest).distinct().where(b.digest > first).order_by(b.digest).limit(most))

    def _make_leases(self, make: Callable[[sa.ClauseElement], Statement]) -> None:
        j, n, k = t.job.c, t.node.c, t.claim.c
        now: sa.BindParameter[int] = sa.bindparam("now")
        node: sa.BindParameter[int] = sa.bindparam("node")
        self.end_jobs = make(t.job.delete().where(_among(j.id)))
        self.ripe_jobs = make(_free_jobs())
        self.free_jobs = make(_free_jobs().with_for_update(skip_locked=True))
        self.lease_jobs = make(t.job.update().where(_among(j.id)).values(token=j.token + 1, node=node))
        self.begin_jobs = make(t.job.update().where(_among(j.id)).values(begun=1))
        self.free_lanes = make(t.job.update().where(_among(j.lane)).values(node=0))
        self.beat = make(t.node.update().where(n.id == node, n.until > now).values(until=sa.bindparam("until")))
        self.add_node = make(t.node.insert().values(until=sa.bindparam("until")).returning(n.id))
        self.drop_node = make(t.node.delete().where(n.id == node))
        self.drop_nodes = make(t.node.delete())
        self.drop_silent = make(t.node.delete().where(n.until <= now))
        self.claimed = make(sa.select(k.node).where(k.name == sa.bindparam("name"), _alive(k.node)))

    def _make_removals(self, make: Callable[[sa.ClauseElement], Statement], dialect: sa.Dialect) -> None:
        e, b, d = t.event.c, t.blob.c, t.delivery.c
        contact: sa.BindParameter[str] = sa.bindparam("contact")
        positions = sa.select(e.position).where(_among(e.stream))
        words: sa.Delete
        if dialect.name == "postgresql":
            words = t.words.delete().where(t.words.c.position.in_(positions))
        else:
            words = sa.delete(t.words_of_sqlite).where(t.words_of_sqlite.c.rowid.in_(positions))
        self.drop_letters = make(t.letter.delete().where(_among(t.letter.c.id)))
        self.drop_marks = make(t.mark.delete().where(_among(t.mark.c.name)))
        self.drop_views = make(t.view.delete().where(_among(t.view.c.key)))
        streams = t.conversation.c
        self.addresses_of = make(sa.select(t.address.c.key).where(t.address.c.contact == contact))
        self.streams_of = make(
            sa.select(streams.id).where(streams.contact == contact).order_by(streams.id).with_for_update()
        )
        self.digests_of = make(sa.select(b.digest).where(_among(b.stream)))
        self.needed = make(sa.select(b.digest).distinct().where(_among(b.digest)))
        self.erase_deliveries = make(
            t.delivery.delete().where(d.key > sa.bindparam("first"), d.key < sa.bindparam("last"))
        )
        columns = (t.event.c.stream, t.job.c.stream, t.letter.c.stream, t.blob.c.stream, t.thread_key.c.conversation)
        self.erase_streams = [
            make(words),
            *(make(sa.delete(column.table).where(_among(column))) for column in (*columns, t.conversation.c.id)),
        ]
        self.erase_contact = [
            make(sa.delete(column.table).where(column == contact)) for column in (t.address.c.contact, t.contact.c.id)
        ]


def _alive(node: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return sa.exists().where(t.node.c.id == node, t.node.c.until > sa.bindparam("now"))


def _queued(dialect: sa.Dialect) -> sa.Select[str, int]:
    """How many conversations each inbox has in its queue."""
    inbox: sa.ColumnElement[str] = sa.literal_column("inbox", sa.Text)
    # SQLite has no figures about its tables, and would look at every open conversation.
    hint = " INDEXED BY conversation_queue" if dialect.name == "sqlite" else ""
    return (
        sa.select(inbox, sa.func.count())
        .select_from(sa.text(f"conversation{hint}"))
        # Written out, because an index of some rows only is used for a value that is known beforehand.
        .where(sa.text("queued_at IS NOT NULL AND status = 'open'"))
        .group_by(inbox)
    )


def _free_jobs() -> sa.Select[Any]:
    """The due jobs that belong to no node alive and are first in their lanes."""
    j, earlier = t.job.c, t.job.alias("earlier")
    first = ~sa.exists().where(earlier.c.lane == j.lane, earlier.c.id < j.id)
    now: sa.BindParameter[int] = sa.bindparam("now")
    free = sa.or_(j.node == 0, ~_alive(j.node))
    wanted = j.destination.not_in(sa.bindparam("skip", expanding=True))
    return sa.select(*j).where(j.due <= now, free, first, wanted).order_by(j.due, j.id).limit(sa.bindparam("most"))
