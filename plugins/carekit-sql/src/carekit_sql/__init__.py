"""A store for carekit in SQLite or PostgreSQL."""
