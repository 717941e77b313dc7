"""How a message's delivery moves: forward only, whatever order the far side's reports come in; and where to."""

from __future__ import annotations

from carekit.facts.nouns import Contact, Conversation, DeliveryStatus

AGAIN = frozenset({DeliveryStatus.FAILED, DeliveryStatus.UNSURE})
"""From here a person may have a message sent again."""


def moves(before: DeliveryStatus, after: DeliveryStatus) -> bool:
    """Whether a report of *after* says something new of a message that has got to *before*."""
    return after.rank > before.rank


def address_of(conversation: Conversation, contact: Contact) -> str:
    """Where messages of *conversation* go: whence the contact last wrote, or an address of who has not written yet."""
    written = conversation.sender.partition(":")[2]
    return written or (contact.addresses[0].partition(":")[2] if contact.addresses else contact.email)
