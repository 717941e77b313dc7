"""What Alembic runs: the revisions over the connection it is given, each in a transaction of its own.

Both databases undo the statements of a transaction that was not committed, also those that make tables. So a migration
that is killed leaves the revision before it, whole, and can be run again.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transaction_per_migration=True,
    on_version_apply=context.config.attributes["applied"],
)
with context.begin_transaction():
    context.run_migrations()
