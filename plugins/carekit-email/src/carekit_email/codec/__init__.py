"""The pure half of the channel: bytes to `InboundEmail`, and an answer to an `EmailMessage`; no network, no clock."""

from __future__ import annotations

from carekit_email.codec.compose import Outgoing, encode
from carekit_email.codec.inbound import decode
from carekit_email.codec.model import Attachment, InboundEmail, Limits, Unreadable, UnreadableMail
from carekit_email.codec.words import header_safe

__all__ = [
    "Attachment",
    "InboundEmail",
    "Limits",
    "Outgoing",
    "Unreadable",
    "UnreadableMail",
    "decode",
    "encode",
    "header_safe",
]
