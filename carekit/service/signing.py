"""Signed tokens and hashed passwords: the only places that touch the service's secret."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from carekit.ground.errors import NotAllowed, Refused

SHORTEST = 8
"""Characters of the shortest password."""
LONGEST = 1024
"""Characters of the longest: hashing more only costs."""


class Signer:
    """Signs values for one purpose each; a token of one purpose is worthless for another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def sign(self, purpose: str, value: str) -> str:
        """A token with the time of its making, for `unsign`."""
        return str(URLSafeTimedSerializer(self._secret, salt=f"carekit:{purpose}").dumps(value))

    def unsign(self, purpose: str, token: str, max_age: timedelta | None = None) -> str:
        """The value; raises `NotAllowed` whatever is wrong with the token.

        One of ours that comes from the future is young, not old: the clock has been set back meanwhile.
        """
        serializer = URLSafeTimedSerializer(self._secret, salt=f"carekit:{purpose}")
        try:
            value, made = serializer.loads(token, return_timestamp=True)
        except (BadData, UnicodeError):
            value, made = None, None
        too_old = made is not None and max_age is not None and datetime.now(UTC) - made > max_age
        if not isinstance(value, str) or too_old:
            raise NotAllowed("this link or session is not valid, or no longer")
        return value

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same at every start."""
        return hmac.new(self._secret.encode(), f"carekit:{purpose}".encode(), "sha256").digest()

    def seal(self, purpose: str, value: str) -> str:
        """A token without a time: the same for the same value, so that pure rules may make it."""
        return str(URLSafeSerializer(self._secret, salt=f"carekit:{purpose}").dumps(value))

    def unseal(self, purpose: str, token: str) -> str:
        """The value of a sealed token; raises `NotAllowed`."""
        try:
            value = URLSafeSerializer(self._secret, salt=f"carekit:{purpose}").loads(token)
        except (BadData, UnicodeError):
            value = None
        if not isinstance(value, str):
            raise NotAllowed("this link is not valid")
        return value


class Passwords:
    """Argon2id hashes with the library's recommended cost."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Checked against when the account is unknown, so that the answer takes as long as for a known one.
        self._nobody = self._hasher.hash("nobody")

    def hash(self, password: str) -> str:
        """The hash to keep; raises `Refused` for a password that is too short or absurdly long."""
        if fault := password_fault(password):
            raise Refused(fault, field="password")
        return self._hasher.hash(password)

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether *password* fits; takes equally long without a hash."""
        if len(password) > LONGEST:
            return False
        try:
            self._hasher.verify(hashed or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(hashed)


def password_fault(password: str) -> str:
    """Why *password* cannot be one, empty if it can."""
    if len(password) < SHORTEST:
        return f"the password needs at least {SHORTEST} characters"
    return f"the password may have at most {LONGEST:,} characters" if len(password) > LONGEST else ""


def kept_fault(path: Path) -> str:
    """Why the secret that was kept at *path* cannot be read, empty if it can or if there is none yet."""
    try:
        path.read_text("ascii")
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        return unkept(path, error)
    return ""


def unkept(path: Path, error: OSError | UnicodeDecodeError) -> str:
    """What *error* means for a secret that is kept at *path*."""
    text = error.strerror if isinstance(error, OSError) else "it is not a secret of ours"
    return f"cannot keep a secret in {path}: {text}; make the folder writable or set [service] secret"
