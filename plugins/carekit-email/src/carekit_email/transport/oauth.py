"""Access tokens for mail servers (RFC 6749 section 6), and how they are shown to them (XOAUTH2).

Tokens live in memory only, and are asked for again a minute before they end.
"""

from __future__ import annotations

import base64
import threading
import time

import httpx2

from carekit import Temporary
from carekit_email.settings import OAuthSettings

_EARLY = 60.0
_TIMEOUT = 20.0
_DEFAULT_LIFE = 300.0


class Tokens:
    """Gives access tokens of one consent; safe to use from several threads."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def get(self) -> str:
        """Give a token that is good now; blocks. Raises Temporary when the provider gives none."""
        with self._lock:
            if not self._token or time.monotonic() >= self._until:
                self._refresh()
            return self._token

    def drop(self) -> None:
        """Forget the token: a server did not take it."""
        with self._lock:
            self._token = ""

    def _refresh(self) -> None:
        settings = self._settings
        form = {
            "grant_type": "refresh_token",
            "client_id": settings.client_id,
            "refresh_token": settings.refresh_token.reveal(),
        }
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret.reveal()
        if settings.scope:
            form["scope"] = settings.scope
        try:
            answer = httpx2.post(settings.token_url, data=form, timeout=_TIMEOUT, follow_redirects=False)
            found = answer.json()
            token = found["access_token"] if answer.status_code == 200 else ""
            life = float(found.get("expires_in", _DEFAULT_LIFE)) if token else 0.0
        except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Temporary(f"{settings.token_url} gave no token: {type(error).__name__}") from None
        if not isinstance(token, str) or not token:
            reason = str(found.get("error", f"status {answer.status_code}"))[:100] if isinstance(found, dict) else ""
            raise Temporary(f"{settings.token_url} gave no token: {reason}; consent may have been withdrawn")
        self._token, self._until = token, time.monotonic() + max(0.0, life - _EARLY)


def xoauth2(user: str, token: str) -> bytes:
    """Give the initial response of SASL XOAUTH2, not yet encoded."""
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def xoauth2_base64(user: str, token: str) -> str:
    """Give the same in base64, as SMTP and POP3 take it."""
    return base64.b64encode(xoauth2(user, token)).decode("ascii")
