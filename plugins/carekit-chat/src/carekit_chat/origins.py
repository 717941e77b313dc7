"""Who may open a socket and frame the panel: exact comparison of origins, nothing by suffix or pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """The origin of an http(s) *url* as browsers write it, an empty text for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not _NAME.fullmatch(parts.hostname or "") or parts.username is not None:
        return ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    suffix = "" if port is None or port == _PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def is_origin(text: str) -> bool:
    """Whether *text* is scheme, host and perhaps port, and nothing else."""
    return text != "" and origin_of(text) == text.lower().removesuffix("/")


def may_connect(origin: str | None, own: str, listed: Iterable[str], host: str = "") -> bool:
    """Whether a socket with this ``Origin`` header may be opened.

    The panel is served by the service itself, so its *own* origin is the rule and the *listed* ones are for pages
    that talk to the socket directly; ``*`` lets any site frame the panel and never widens this. On the machine itself
    the page may come under any loopback name that the request's *host* repeats: no foreign page can have one.
    """
    if not origin or origin_of(origin) != origin:
        return False
    if origin == own or origin in {origin_of(each) for each in listed if each != "*"}:
        return True
    parts = urlsplit(origin)
    return parts.hostname in _LOOPBACK and parts.netloc == host.lower()


def ancestors(listed: Iterable[str]) -> str:
    """The value of ``frame-ancestors``: the pages that may show the panel."""
    names = list(listed)
    if "*" in names:
        return "*"
    return " ".join(["'self'", *(origin_of(name) for name in names)])
