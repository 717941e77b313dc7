"""The inboxes that a file has: one or more channels land in each."""

from __future__ import annotations

from collections.abc import Collection

from carekit.ground.suggest import did_you_mean


def inbox_fault(inbox: str, known: Collection[str]) -> str:
    """What is wrong with *inbox* if it is none of the *known*, with the remedy; empty if it is one."""
    if inbox in known:
        return ""
    there = f"the inboxes are {', '.join(sorted(known))}" if known else "the file has no channel"
    return f"there is no inbox {inbox!r}{did_you_mean(inbox, known)}; {there}"
