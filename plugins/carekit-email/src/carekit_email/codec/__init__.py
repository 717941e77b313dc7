"""The pure half of the channel: bytes to `InboundEmail`, and an answer to an `EmailMessage`; no network, no clock."""

from __future__ import annotations

from carekit_email.codec.compose import Outgoing, encode
from carekit_email.codec.inbound import decode
from carekit_email.codec.model import (
    Attachment,
    Authentication,
    Bounce,
    Excess,
    FailedRecipient,
    InboundEmail,
    Invitation,
    Limits,
    Unreadable,
)
from carekit_email.codec.words import header_safe

__all__ = [
    "Attachment",
    "Authentication",
    "Bounce",
    "Excess",
    "FailedRecipient",
    "InboundEmail",
    "Invitation",
    "Limits",
    "Outgoing",
    "Unreadable",
    "decode",
    "encode",
    "header_safe",
]
