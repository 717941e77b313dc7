"""The corpus scorer's view of the codec: `decoded(raw)` gives the plain dict it compares.

Run by hand from this folder's parent::

    python <corpus>/score.py --callable scoring:decoded --path src --path tests --fails 3
"""

from __future__ import annotations

from typing import Any

from carekit_email import decode


def decoded(raw: bytes) -> dict[str, Any]:
    """Decode *raw* to a dict."""
    mail = decode(raw)
    return {
        "from_name": mail.from_name,
        "from_address": mail.from_address,
        "subject": mail.subject,
        "text": mail.text,
        "reply_text": mail.reply_text,
        "attachments": [
            {"name": one.name or None, "size": one.size, "content_type": one.content_type} for one in mail.attachments
        ],
        "auto_reply": mail.auto_reply,
        "bounce": mail.bounce is not None,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
    }
