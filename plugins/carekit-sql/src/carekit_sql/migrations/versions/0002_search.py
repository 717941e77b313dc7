"""The index of words for the search.

It is a view of the log: the service fills it by itself, from the beginning, while it works.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE words USING fts5(said, tokenize='unicode61 remove_diacritics 0')")
        return
    op.create_table(
        "words",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("said", TSVECTOR, nullable=False),
    )
    op.create_index("words_said", "words", ["said"], postgresql_using="gin")


def downgrade() -> None:
    """Take it away."""
    op.drop_table("words")
