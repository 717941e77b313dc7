"""Where the desk is kept: the ``url`` of the file, read, checked, and written without its secrets."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from carekit import Secret, StoreError

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def read(url: str | Secret) -> URL:
    """The parsed *url*; raises `StoreError` with the remedy if it is none that we can use."""
    text = url.reveal() if isinstance(url, Secret) else url
    scheme = text.partition("://")[0]
    if "://" not in text or scheme not in _DRIVERS:
        # The text itself is not shown: whatever it is, it may hold a password.
        raise StoreError("the url of the store must begin with sqlite:/// (and a path) or postgresql:// (and a server)")
    try:
        found = make_url(_DRIVERS[scheme] + text[len(scheme) :])
    except (ArgumentError, ValueError):
        raise StoreError(
            "the url of the store cannot be read; write postgresql://user:password@host:5432/database and give special"
            " characters of the password as %-codes"
        ) from None
    if found.get_backend_name() == "sqlite":
        _check_sqlite(found)
    return found


def _check_sqlite(url: URL) -> None:
    if url.query or url.host:
        raise StoreError(
            "the url of the store has more than a path; write sqlite:///folder/care.db, with three slashes"
        )
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreError(
            'the url of the store names no file; write sqlite:///care.db, or use = "memory" to keep nothing'
        )


def show(url: URL) -> str:
    """What of *url* may be shown to anybody: neither password nor options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    where = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    return f"postgresql://{url.username}@{where}" if url.username else f"postgresql://{where}"


def hide(text: str, url: URL) -> str:
    """*text* of a driver in one line, without any secret of *url* it may repeat."""
    line = " ".join(text.split())
    secrets = [url.password, *(value for values in url.normalized_query.values() for value in values)]
    for secret in secrets:
        if secret:
            line = line.replace(str(secret), "…")
    return line
