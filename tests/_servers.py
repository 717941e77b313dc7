"""Programs of the operating system that some tests need: found, or named with the remedy.

Where ``CAREKIT_REQUIRE_SERVERS=1`` is set (as continuous integration does) a missing program fails the test, so that a
skipped suite is never mistaken for a passed one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# A plain account's PATH often leaves out where Debian puts servers.
_ASIDE = ["/usr/sbin", "/sbin", "/usr/local/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]


def find(binary: str) -> Path | None:
    """The path of the program *binary*, None if this machine has none."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ASIDE])
    found = shutil.which(binary, path=search)
    return Path(found) if found else None


def require(binary: str, remedy: str) -> Path:
    """The path of the program *binary*; without it the test is skipped, or fails, with the *remedy*."""
    if found := find(binary):
        return found
    reason = f"{binary} is not installed: {remedy}"
    if os.environ.get("CAREKIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (CAREKIT_REQUIRE_SERVERS=1 forbids skipping)", pytrace=False)
    pytest.skip(reason)
