"""E-mail channel for carekit: a pure codec, reply tokens, and transports for IMAP, POP3, SMTP, LMTP and providers."""

from __future__ import annotations

from carekit_email.codec import (
    Attachment,
    Authentication,
    Bounce,
    Excess,
    FailedRecipient,
    InboundEmail,
    Invitation,
    Limits,
    Outgoing,
    Unreadable,
    decode,
    encode,
    header_safe,
)

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
