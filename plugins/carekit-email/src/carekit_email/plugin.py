"""What this distribution offers to carekit."""

from __future__ import annotations

from collections.abc import Mapping

from carekit import Channel, hookimpl
from carekit_email.channel import EmailChannel


@hookimpl
def carekit_channels() -> Mapping[str, type[Channel]]:
    """E-mail (``email``)."""
    return {"email": EmailChannel}
