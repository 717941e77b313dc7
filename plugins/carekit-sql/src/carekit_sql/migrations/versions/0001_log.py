"""The log, what it adds up to, and what must happen later."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = """
contact address agent conversation thread_key receipt event job node claim delivery letter view_row blob mark credential
""".split()


def _key(name: str, kind: Any = TEXT) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True)


def _column(name: str, kind: Any = TEXT, *, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=optional)


def _pairs(name: str, key: sa.Column[Any], value: sa.Column[Any], *more: Any) -> None:
    """A table that is nothing but its primary key and one value."""
    op.create_table(name, key, value, *more, sqlite_with_rowid=False)


def upgrade() -> None:
    """Make the tables."""
    for name in ("contact", "agent"):
        op.create_table(name, _key("id"), _column("body", sa.LargeBinary))
    _conversations()
    _pairs("address", _key("key"), _column("contact"))
    _pairs("thread_key", _key("key"), _column("conversation"))
    _pairs("receipt", _key("key", sa.LargeBinary), _column("value"))
    _pairs("delivery", _key("key"), _column("status"))
    _pairs("view_row", _key("key"), _column("text"))
    _pairs("mark", _key("name"), _column("value"))
    _pairs("credential", _key("agent"), _column("hash"))
    _pairs("claim", _key("name"), _column("node", sa.Integer))
    op.create_table("blob", _key("digest"), _key("stream"), sqlite_with_rowid=False)
    op.create_index("blob_stream", "blob", ["stream"])
    op.create_table("letter", _key("id"), _column("channel"), _column("stream"), _column("body", sa.LargeBinary))
    _log()
    _jobs()


def _conversations() -> None:
    names = ("channel", "inbox", "contact", "status", "assignee")
    op.create_table(
        "conversation",
        _key("id"),
        *(_column(name) for name in names),
        _column("updated_at", sa.BigInteger),
        *(_column(name, sa.BigInteger, optional=True) for name in ("waiting_since", "queued_at", "wake_at")),
        _column("created_at", sa.BigInteger),
        _column("seq", sa.Integer),
        _column("body", sa.LargeBinary),
    )
    newest = sa.text("updated_at DESC")
    op.create_index("conversation_status", "conversation", ["status", newest, "id"])
    op.create_index("conversation_contact", "conversation", ["contact"])
    _partial("assignee", "assignee != ''", ["assignee", newest, "id"])
    _partial("waiting", "waiting_since IS NOT NULL", ["waiting_since", "id"])
    _partial("queued", "queued_at IS NOT NULL", ["queued_at", "id"])
    _partial("queue", "queued_at IS NOT NULL AND status = 'open'", ["inbox"])
    _partial("wake", "wake_at IS NOT NULL", ["wake_at", "id"])


def _partial(name: str, only: str, columns: list[Any]) -> None:
    where = sa.text(only)
    op.create_index(f"conversation_{name}", "conversation", columns, sqlite_where=where, postgresql_where=where)


def _log() -> None:
    op.create_table(
        "event",
        _key("position", SERIAL),
        _column("stream"),
        _column("seq", sa.Integer),
        _column("at", sa.BigInteger),
        _column("kind"),
        _column("actor"),
        _column("cause", sa.Integer, optional=True),
        _column("policy"),
        _column("reason"),
        _column("config"),
        _column("body", sa.LargeBinary),
        sa.UniqueConstraint("stream", "seq"),
        sqlite_autoincrement=True,
    )


def _jobs() -> None:
    op.create_table(
        "job",
        _key("id", SERIAL),
        *(_column(name) for name in ("lane", "kind", "stream")),
        _column("seq", sa.Integer),
        _column("due", sa.BigInteger),
        _column("destination"),
        *(_column(name, sa.Integer) for name in ("attempts", "token", "begun", "node")),
        sqlite_autoincrement=True,
    )
    op.create_index("job_lane", "job", ["lane", "id"])
    op.create_index("job_due", "job", ["due", "id"])
    op.create_table("node", _key("id", SERIAL), _column("until", sa.BigInteger), sqlite_autoincrement=True)


def downgrade() -> None:
    """Take them away, with all they hold."""
    for name in TABLES:
        op.drop_table(name)
