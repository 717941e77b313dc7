"""What a channel can do, declared once."""

from __future__ import annotations

from datetime import timedelta

import attrs


@attrs.frozen
class Capabilities:
    """What a channel can do, as data: the composer, the checks and the documentation all read this one declaration."""

    live: bool = False
    """Both sides are expected to be present, as in a chat."""
    push: bool = True
    """A message must be handed over by `Channel.send`; without it the far side reads it from the desk's own feed."""
    idempotent: bool = False
    """The far side takes `Outbound.id` as a key against doubles, so that an attempt whose outcome is unknown may be
    repeated. Without it, such a message is shown as unsure and a person decides."""
    webhook: bool = False
    """The far side posts to ``/channels/<name>/inbound`` and `Channel.decode` reads what it posts."""
    html: bool = False
    attachments: bool = False
    max_length: int | None = None
    """Characters of one message, None for no limit of its own."""
    delivered: bool = False
    """The far side reports delivery."""
    read: bool = False
    """The far side reports reading."""
    may_initiate: bool = False
    """We may write first."""
    reply_window: timedelta | None = None
    """How long after the contact's last message we may still write, None for ever."""
