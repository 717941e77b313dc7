"""The client of Redis, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from carekit import ConfigError, Unavailable

__all__ = ["Redis", "explained", "pool"]

CONNECTIONS = 4
"""At most, in one process."""


def pool(url: str, patience: float) -> BlockingConnectionPool:
    """Connections to *url*, which may keep us waiting for *patience* seconds; raises `ConfigError`."""
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=patience,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),  # the service tries again
        )
    except ValueError:  # its text would show the url, and a password in it
        raise ConfigError(
            "the url cannot be read; write redis://user:password@host:6379/0, with special characters of the"
            " password as %-codes"
        ) from None


@contextmanager
def explained() -> Iterator[None]:
    """Errors of the client as ours, with what an operator can do; raises `Unavailable`."""
    try:
        yield
    except AuthenticationError:
        raise Unavailable("the Redis server refuses the user or the password of [bus] url") from None
    except ResponseError as error:
        raise Unavailable(
            f"the Redis server refuses: {error}; the user of [bus] url needs +publish, +subscribe and"
            " +ping, and the channel"
        ) from None
    except (RedisError, OSError) as error:
        raise Unavailable(
            f"the Redis server cannot be reached: {str(error) or type(error).__name__}; is it running, and is"
            " [bus] url right?"
        ) from None
