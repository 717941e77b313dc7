"""How providers sign what they post, as they publish it. Everything is compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from carekit import NotOurs

MAX_AGE = timedelta(hours=24)
"""How old a signed request may be. Providers repeat for up to a day what was not taken, some with the stamp of their
first attempt, and a window of minutes would lose these; against a replay within it the ids of the texts help."""
_AHEAD = timedelta(minutes=5)
_LEEWAY = 5


def same(expected: str | bytes, given: str | bytes) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    left, right = (one.encode("utf-8", "replace") if isinstance(one, str) else one for one in (expected, given))
    return hmac.compare_digest(left, right)


def basic(user: str, password: str) -> str:
    """The value of ``Authorization`` for basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def password_of(authorization: str) -> str:
    """The password in the value of ``Authorization``, empty if there is none."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def sha256_hex(data: str | bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def check_age(stamp: object, now: datetime | None) -> None:
    """Refuse a request whose signed *stamp* (seconds since 1970) is older than `MAX_AGE`, or of the future."""
    try:
        at = float(stamp)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise NotOurs("the signature names no time") from None
    if now is None:
        return
    age = now.timestamp() - at
    if not -_AHEAD.total_seconds() <= age <= MAX_AGE.total_seconds():
        raise NotOurs("the request was signed too long ago, or in the future: it may be a replay")


def claims_of(token: str, secret: str, now: datetime | None) -> Mapping[str, Any]:
    """The claims of a JWT signed with HMAC (RFC 7519, RFC 7518 section 3.2), within its ``nbf`` and ``exp``."""
    from joserfc import jwt  # it takes a quarter of a second, and most desks have no provider that needs it
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    try:
        claims = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256", "HS384", "HS512"]).claims
        if now is not None:
            jwt.JWTClaimsRegistry(now=int(now.timestamp()), leeway=_LEEWAY).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise NotOurs(f"the signature of this request is missing, wrong or expired ({type(error).__name__})") from None
    return claims


def twilio(url: str, fields: Sequence[tuple[str, str]], token: str) -> str:
    """``X-Twilio-Signature``: HMAC-SHA1 over the address and the sorted fields of the form."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def bird(url: str, body: bytes, stamp: str, key: str) -> str:
    """``messagebird-signature``: HMAC-SHA256 over time, address and the digest of the body, line by line."""
    signed = f"{stamp}\n{url}\n".encode() + hashlib.sha256(body).digest()
    return base64.b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()).decode()
