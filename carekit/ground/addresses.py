"""Whether a text can be an address of mail at all."""

from __future__ import annotations

import re

LONGEST = 254
"""Characters of an address: what fits into the path of RFC 5321 (4.5.3.1.3) without its brackets."""

_NOT_IN_ADDRESSES = re.compile(r"[\s\x00-\x1f\x7f<>(),;:\"\\]")


def email_fault(text: str) -> str:
    """Why mail could not go to *text*, as a person may be told; empty if it could."""
    if is_email(text):
        return ""
    if text.startswith("-"):
        return (
            f"{text[:100]!r} begins with a dash, which programs that send mail take for an option; use another address"
        )
    return f"{text[:100]!r} is not an e-mail address; write it like ana@mail.example"


def is_email(text: str) -> bool:
    """Whether mail could go to *text*: something, one ``@``, a host with a dot in it, and nothing that ends an address.

    Far less strict than RFC 5321 where that does no harm, and without its rarities: quoted names and bare hosts are no
    address that a person gives. One that begins with a dash is none either: a program that is started with it, such as
    sendmail, takes it for an option (CWE-88).
    """
    if text.startswith("-"):
        return False
    local, at, host = text.partition("@")
    if not (local and at) or len(text) > LONGEST or not text.isprintable() or _NOT_IN_ADDRESSES.search(text):
        return False
    labels = host.split(".")
    return len(labels) > 1 and all(labels) and "@" not in host
