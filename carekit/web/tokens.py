"""Bearer tokens of the API: known by their hash, compared in constant time, each with what it may and where."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable

import attrs
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from carekit.ground.errors import ConfigError
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.settings import Secret
from carekit.service.places import NAME
from carekit.service.tokens import LONGEST, RIGHTS, SHORTEST

_DIGEST = re.compile(r"[0-9a-f]{64}")


def _frozen(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@attrs.frozen
class ApiToken:
    """One token of the file.

    ``key`` is the token itself as a `Secret`, or the SHA-256 of it in hexadecimal. ``may`` holds ``read`` and ``write``
    (writing includes reading). ``inboxes`` limits it to these; empty for all. Raises `ConfigError`.
    """

    name: str
    key: Secret | str = attrs.field(repr=False)
    may: frozenset[str] = attrs.field(default=frozenset({"read"}), converter=_frozen)
    inboxes: frozenset[str] = attrs.field(default=frozenset[str](), converter=_frozen)

    def __attrs_post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigError(f"token {self.name!r}: a name has 1 to 40 letters, digits, dots, dashes or underscores")
        if unknown := sorted(self.may - RIGHTS):
            raise ConfigError(
                f"token {self.name!r} may {unknown[0]!r}, which is no right; the rights are read and write"
            )
        if isinstance(self.key, Secret):
            if len(self.key.reveal()) < SHORTEST:
                raise ConfigError(f"token {self.name!r} is shorter than {SHORTEST} characters; make a longer one")
        elif not _DIGEST.fullmatch(self.key):
            raise ConfigError(f"token {self.name!r}: the digest is not a SHA-256 in 64 hexadecimal digits")

    @property
    def digest(self) -> str:
        """The SHA-256 of the token in hexadecimal."""
        return _digest(self.key.reveal()) if isinstance(self.key, Secret) else self.key

    @property
    def scope(self) -> Scope:
        """What it reaches."""
        return Scope(inboxes=self.inboxes) if self.inboxes else EVERYTHING

    @property
    def actor(self) -> str:
        """As whom it acts in the log."""
        return f"token:{self.name}"

    def allows(self, right: str) -> bool:
        """Whether it has *right*; who may write may read."""
        return right in self.may or (right == "read" and "write" in self.may)


class Failures:
    """Counts failures of each remote address over a sliding window; an IPv6 network of 64 bits counts as one.

    It bounds wrong tokens only: a right one is never locked out, because behind one proxy or office address a single
    stale script would else silence everybody, and tokens are too long to guess.
    """

    def __init__(
        self, most: int = 20, window: float = 60.0, remotes: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._window = window
        self._remotes = remotes
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, remote: str) -> int:
        """Note a failure of *remote*; returns the seconds it should wait, 0 while it has some left."""
        now = self._clock()
        times = self._seen.setdefault(_network(remote), deque(maxlen=self._most))
        self._seen.move_to_end(_network(remote))
        if len(self._seen) > self._remotes:
            self._seen.popitem(last=False)
        while times and times[0] <= now - self._window:
            times.popleft()
        if len(times) == self._most:
            return max(1, round(times[0] + self._window - now))
        times.append(now)
        return 0


def _network(remote: str) -> str:
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Tokens:
    """The tokens of the file; raises `ConfigError` if two share a name or a key."""

    def __init__(self, tokens: Iterable[ApiToken], failures: Failures | None = None) -> None:
        self._tokens = [(token.digest.encode(), token) for token in tokens]
        self._failures = failures or Failures()
        for what, values in (
            ("name", [token.name for _, token in self._tokens]),
            ("key", [digest for digest, _ in self._tokens]),
        ):
            if len(set(values)) < len(values):
                raise ConfigError(f"two tokens have the same {what}; give each its own")

    def find(self, presented: str) -> ApiToken | None:
        """The token whose key is *presented*; takes as long whichever it is, and if it is none."""
        given = _digest(presented).encode()
        found = None
        for digest, token in self._tokens:
            if hmac.compare_digest(digest, given):
                found = token
        return found

    def admit(self, connection: HTTPConnection, right: str) -> ApiToken:
        """The token that *connection* carries, if it has *right*; answers 401, 403 or 429 as RFC 6750 says."""
        headers = connection.headers.getlist("authorization")
        if not headers:
            raise _unauthorized("this needs a token: send Authorization: Bearer <token>", "")
        scheme, _, presented = headers[0].partition(" ")
        presented = presented.strip()
        usable = len(headers) == 1 and scheme.lower() == "bearer" and 0 < len(presented) <= LONGEST
        token = self.find(presented) if usable else None
        if token is None:
            wait = self._failures.note(connection.client.host if connection.client else "")
            if wait:
                raise HTTPException(429, "too many requests with a wrong token", {"Retry-After": str(wait)})
            raise _unauthorized("the token is not valid", ', error="invalid_token"')
        if not token.allows(right):
            challenge = f'Bearer realm="carekit", error="insufficient_scope", scope="{right}"'
            raise HTTPException(403, f"this token may not {right}", {"WWW-Authenticate": challenge})
        return token


def _unauthorized(detail: str, error: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": f'Bearer realm="carekit"{error}'})


def visible_inboxes(token: ApiToken, inboxes: Collection[str]) -> bool:
    """Whether somebody limited to *inboxes* (empty for all) shares one with *token*."""
    return not token.inboxes or not inboxes or not token.inboxes.isdisjoint(inboxes)
