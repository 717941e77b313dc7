"""What a token of the API must be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carekit.ground.suggest import did_you_mean

SHORTEST = 16
"""Characters a token must have, so that guessing is hopeless."""

LONGEST = 512
"""Characters of a presented token that are looked at; more is wrong unread."""

RIGHTS = frozenset({"read", "write", "erase"})


def short_fault(value: str) -> str:
    """What is wrong with *value* as a secret that nobody may guess."""
    return f"is too short to be a secret; use at least {SHORTEST} characters" if len(value) < SHORTEST else ""


def value_fault(value: str) -> str:
    """What is wrong with *value* as a bearer token, with the remedy; empty if nothing is. It is never repeated."""
    if fault := short_fault(value):
        return fault
    if len(value) > LONGEST:
        return f"is too long to be looked at; use at most {LONGEST} characters"
    if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
        return "has characters that a request cannot carry; use letters, digits, dashes and dots"
    return ""


def right_faults(rights: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with what a token may do."""
    for right in rights:
        if right not in RIGHTS:
            yield f'{right!r} is not a right{did_you_mean(right, RIGHTS)}; use "read", "write" and "erase"'
    if not rights:
        yield 'is empty, so the token is of no use; write "read" or "write"'
