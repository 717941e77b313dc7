"""Delivery receipts: the signed reference that each text carries, and what a receipt means for its message.

The reference names conversation, step, and which piece of how many a text is. So a receipt needs no table: one that
comes before the answer to the submission, late or twice finds its message all the same, and an unknown one finds none.
"""

from __future__ import annotations

import hashlib
import hmac
import logging

import attrs

from carekit import DeliveryStatus, Desk, NotFound, NotOurs
from carekit_sms.provider import Report
from carekit_sms.signatures import same

log = logging.getLogger(__name__)

TEST = "test"
"""In place of a conversation: the text was a test of the doctor's."""
_DIGITS = 24


@attrs.frozen
class Reference:
    """One text of ours: piece *piece* of *pieces* of the message at step *seq* of *conversation*."""

    conversation: str
    seq: int
    piece: int = 1
    pieces: int = 1


class References:
    """Makes references that only it can make, in characters that every provider passes on."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, reference: Reference) -> str:
        """*reference* as a text, such as ``c_01JDZ0M3Q8.4.1.1.`` and 24 hexadecimal digits."""
        plain = f"{reference.conversation}.{reference.seq}.{reference.piece}.{reference.pieces}"
        return f"{plain}.{self._sign(plain)}"

    def read(self, text: str) -> Reference:
        """The reference that *text* is; raises `NotOurs`."""
        plain, _, given = text.rpartition(".")
        if not same(self._sign(plain), given):
            raise NotOurs("the reference of this receipt is not ours")
        conversation, seq, piece, pieces = plain.rsplit(".", 3)
        return Reference(conversation, int(seq), int(piece), int(pieces))

    def _sign(self, plain: str) -> str:
        text = b"carekit-sms receipt\0" + plain.encode("utf-8", "replace")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:_DIGITS]


async def note(desk: Desk, channel: str, reference: Reference, report: Report) -> None:
    """Note *report* on the message; what is delivered in several pieces is delivered with the last missing one."""
    if reference.conversation == TEST:
        await desk.mark({mark_of_test(channel, reference.seq): f"{report.status.value} {report.detail}".strip()})
        return
    detail, marks = report.detail, {}
    if reference.pieces > 1:
        if report.status is DeliveryStatus.FAILED:
            detail = f"part {reference.piece} of {reference.pieces}: {detail}".rstrip(": ")
        elif report.status is not DeliveryStatus.DELIVERED or not (marks := await _arrived(desk, channel, reference)):
            return  # one of several is on its way or there: that says nothing of the whole
    try:
        await desk.report_delivery(
            reference.conversation, reference.seq, report.status, detail=detail, external_id=report.id, marks=marks
        )
    except NotFound:
        log.info("channel %s: a receipt for a message that is no longer there", channel)


async def _arrived(desk: Desk, channel: str, reference: Reference) -> dict[str, str | None]:
    """Note that a piece has arrived; when all have, the marks to take away.

    It is noted before it is asked, so that of two that arrive at once at least one sees both.
    """
    stem = f"sms|{channel}|{reference.conversation}.{reference.seq}"
    names = [f"{stem}|{number}" for number in range(1, reference.pieces + 1)]
    await desk.mark({f"{stem}|{reference.piece}": "delivered"})
    found = await desk.marks(names)
    return dict.fromkeys(names) if len(found) == reference.pieces else {}


def mark_of_test(channel: str, number: int) -> str:
    """The name of the mark that tells what became of a test text."""
    return f"sms|{channel}|test|{number}"
