"""What servers on the way found out: authentication (RFC 8601), only of our own server, and marks of spam filters."""

from __future__ import annotations

import re
from types import MappingProxyType

from carekit_email.codec.headers import Headers
from carekit_email.codec.model import Authentication

_COMMENT = re.compile(r"\([^()]{0,500}\)")
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]{0,30})(?:\s*/\s*\d+)?\s*=\s*([a-z]{1,20})\b", re.IGNORECASE)
_MOST = 20


def authentication(headers: Headers, authserv_id: str) -> Authentication:
    """Give the results in the fields of *authserv_id*, the topmost of each method; empty without an id.

    Our server is trusted to take away fields that claim its name (RFC 8601 section 5).
    """
    wanted = authserv_id.strip().lower()
    found: dict[str, str] = {}
    for value in headers.all("authentication-results")[:_MOST] if wanted else []:
        name, *results = _COMMENT.sub(" ", re.sub(r"\s+", " ", value)).split(";")
        if name.strip().lower().partition(" ")[0] != wanted:
            continue
        for result in results[:_MOST]:
            if (match := _RESULT.match(result)) is not None:
                found.setdefault(match.group(1).lower(), match.group(2).lower())
    return Authentication(MappingProxyType(found))


def is_marked_spam(headers: Headers) -> bool:
    """Tell whether a filter on the way marked the mail as spam."""
    if headers.token("x-spam-flag") in {"yes", "true"} or headers.token("x-spam-status") == "yes":
        return True
    return headers.token("x-spam") in {"yes", "true"} or headers.token("x-rspamd-action") in {"reject", "add"}
