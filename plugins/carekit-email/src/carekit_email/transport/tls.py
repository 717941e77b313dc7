"""The one way to make a TLS context: verified, of the system's certificates or of a file's."""

from __future__ import annotations

import ssl
from pathlib import Path


def context(ca: Path | None) -> ssl.SSLContext:
    """Give a verifying context; *ca* is a file of certificates to trust instead of the system's. Raises OSError."""
    made = ssl.create_default_context(cafile=str(ca) if ca else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
