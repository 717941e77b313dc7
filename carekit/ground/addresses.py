"""Whether a text can be an address of mail at all."""

from __future__ import annotations

import re

LONGEST = 254
"""Characters of an address: what fits into the path of RFC 5321 (4.5.3.1.3) without its brackets."""

_NOT_IN_ADDRESSES = re.compile(r"[\s\x00-\x1f\x7f<>(),;:\"\\]")


def is_email(text: str) -> bool:
    """Whether mail could go to *text*: something, one ``@``, a host with a dot in it, and nothing that ends an address.

    Far less strict than RFC 5321 where that does no harm, and without its rarities: quoted names and bare hosts are no
    address that a person gives.
    """
    local, at, host = text.partition("@")
    if not (local and at) or len(text) > LONGEST or not text.isprintable() or _NOT_IN_ADDRESSES.search(text):
        return False
    labels = host.split(".")
    return len(labels) > 1 and all(labels) and "@" not in host
