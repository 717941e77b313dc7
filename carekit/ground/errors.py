"""Every error carekit raises, as one tree.

::

    CarekitError                      already explained: show the message, never a traceback
    ├── ConfigError                   the file or the command line is wrong; the integrator mends it
    ├── TemplateError                 a text with {{ variables }} cannot be used as written
    ├── PluginError                   a plugin is missing, broken or breaks its contract
    ├── StoreError                    the store cannot keep or give what was asked
    │   ├── Conflict                  somebody else changed it first; the caller may try again
    │   └── Unavailable               not now; nothing was half-written; try again later
    │       └── InDoubt               the connection broke at the commit: all of it may be kept, or nothing
    ├── Refused                       the asker may mend it: the request makes no sense as it stands
    │   ├── NotFound                  no such thing, or not for this asker
    │   ├── NotAllowed                this asker may not
    │   ├── IllegalMove               the lifecycle has no such step from here
    │   ├── Stale                     something new arrived that the asker has not seen
    │   └── KeyReused                 one idempotency key, two different requests
    ├── InboundError                  a payload from outside is not a message we can take
    │   ├── NotOurs                   not from the far side it claims: refuse, do not retry
    │   ├── Ignored                   genuine, but nothing to keep (a ping, an unsupported kind)
    │   └── Malformed                 genuine, but unreadable: keep it raw and set it aside
    └── DeliveryError                 a message could not be handed to the far side
        ├── Temporary                 may succeed later; ``retry_after`` seconds if the far side said so
        ├── Permanent                 will never succeed as it stands
        └── Unsure                    the connection died at a moment when it may have been taken

Messages say what, where, why and the remedy, in lower case without a full stop; facts stay available as attributes.
Only the command line turns an error into an exit code, only the web edge into a response.
"""

from __future__ import annotations


class CarekitError(Exception):
    """The root: an error that explains itself to the person who reads it."""


class ConfigError(CarekitError):
    """The configuration or the command line is wrong."""


class TemplateError(CarekitError):
    """A text with substitutions cannot be used as written."""


class PluginError(CarekitError):
    """A plugin is missing, broken, or does not keep its contract."""


class StoreError(CarekitError):
    """The store cannot keep or give what was asked."""


class Conflict(StoreError):
    """Somebody else changed the same thing first; the whole transaction may be tried again."""


class Unavailable(StoreError):
    """The store cannot answer now; nothing was half-written."""


class InDoubt(Unavailable):
    """The connection broke at the commit: all of it may be kept, or nothing; under its key it is not kept twice."""


class Refused(CarekitError):
    """The request makes no sense as it stands; ``field`` names the part to mend, if one part is to blame."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotFound(Refused):
    """There is no such thing, or the asker may not know of it: the two are never told apart."""


class NotAllowed(Refused):
    """The asker is known, and may not do this."""


class IllegalMove(Refused):
    """The lifecycle table has no such step from the present status."""


class Stale(Refused):
    """Something arrived after what the asker had seen; ``seq`` is the newest step."""

    def __init__(self, message: str, *, seq: int) -> None:
        super().__init__(message, field="expected_seq")
        self.seq = seq


class KeyReused(Refused):
    """The same idempotency key came with a different request."""


class InboundError(CarekitError):
    """A payload from outside is not a message we can take."""


class NotOurs(InboundError):
    """Signature, token or origin do not fit: refuse it, and the far side need not retry."""


class Ignored(InboundError):
    """A genuine payload with nothing to keep."""


class Malformed(InboundError):
    """A genuine payload that cannot be read: it is kept raw and set aside."""


class DeliveryError(CarekitError):
    """A message could not be handed to the far side."""


class Temporary(DeliveryError):
    """It may succeed later; ``retry_after`` is in seconds, None when the far side gave no hint."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(DeliveryError):
    """It will never succeed as it stands."""


class Unsure(DeliveryError):
    """The outcome is unknown: the far side may or may not have taken it, so it is never resent silently."""
