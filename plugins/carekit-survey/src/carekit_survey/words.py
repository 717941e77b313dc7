"""Every text of the pages that is not a setting of its own, so that a file can say all of it in another language."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "comment": "What is the reason for your answer? (optional)",
    "send": "Send answer",
    "change": "Change my answer",
    "yours": "Your comment",
    "choose": "Choose one of the answers, then send it.",
    "too_long": "The comment is too long. Shorten it to 2,000 characters.",
    "expired_title": "This survey has ended",
    "expired": "It could be answered until {until}. Thank you for your interest all the same.",
    "closed_title": "This survey has ended",
    "closed": "The conversation has been closed, so its survey can no longer be answered.",
    "unknown_title": "This link does not work",
    "unknown": "It may have been cut in two on its way. Open it again from the message, or copy all of it.",
    "elsewhere_title": "Nothing was sent",
    "elsewhere": "The answer came from another site. Open the link of the message and answer there.",
    "unreadable_title": "Nothing was sent",
    "unreadable": "The answer could not be read. Go back, shorten the comment and send it again.",
    "later_title": "Try again in a moment",
    "later": "Your answer could not be kept just now. Go back and send it again.",
}
"""Key to text; ``{until}`` is the last day."""

RIGHT_TO_LEFT: Final = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})
"""Languages written from right to left."""


def direction(language: str) -> str:
    """``rtl`` or ``ltr`` for a language tag such as ``en`` or ``ar-EG``."""
    return "rtl" if language.lower().partition("-")[0] in RIGHT_TO_LEFT else "ltr"
