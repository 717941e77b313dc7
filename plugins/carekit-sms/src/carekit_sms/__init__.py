"""Text messages for carekit. What is listed here is what a provider of one's own is made from."""

from __future__ import annotations

from carekit_sms.provider import (
    Media,
    Outgoing,
    Posted,
    Provider,
    Reply,
    Report,
    Submission,
    Text,
    field,
    inner,
    instant,
    international,
    optional,
)

__all__ = [
    "Media",
    "Outgoing",
    "Posted",
    "Provider",
    "Reply",
    "Report",
    "Submission",
    "Text",
    "field",
    "inner",
    "instant",
    "international",
    "optional",
]
