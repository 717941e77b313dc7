"""The bot that handles a conversation now, so that lists can tell what waits for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BOT = {
    "sqlite": "json_extract(CAST(body AS TEXT), '$.bot')",
    # It takes no NUL out of JSON, not even from the members that nobody asks for.
    "postgresql": r"replace(convert_from(body, 'UTF8'), '\u0000', '\ufdd0')::json ->> 'bot'",
}


def upgrade() -> None:
    """Add the column, and fill it from the nouns."""
    op.add_column("conversation", sa.Column("bot", TEXT, server_default="", nullable=False))
    bot = BOT[op.get_bind().dialect.name]
    op.execute(f"UPDATE conversation SET bot = {bot} WHERE {bot} <> ''")  # noqa: S608 - texts of our own


def downgrade() -> None:
    """Take it away."""
    op.drop_column("conversation", "bot")
