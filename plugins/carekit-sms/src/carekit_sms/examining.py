"""The test of ``carekit doctor``: a text to a number of one's own, and its receipt.

The receipt comes to whatever process answers requests, so the two meet at a mark of the channel's.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from carekit import CarekitError, Desk, Health
from carekit_sms.receipts import TEST, Reference, mark_of_test

if TYPE_CHECKING:
    from carekit_sms.channel import Sms

PATIENCE = 45.0
"""Seconds to wait for the receipt: less than the doctor waits for us, so that our own words are told."""


async def examined(channel: Sms, desk: Desk) -> Health:
    """What became of a text to `test_number`; nothing of it is left behind."""
    if not channel.settings.test_number:
        return Health(channel.name, "ok", "nothing was sent: set test_number to have a text sent there")
    to, number = channel.number(channel.settings.test_number), secrets.randbelow(10**9)
    mark = mark_of_test(channel.name, number)
    try:
        await channel.hand_over(to, f"A test from {desk.name}. It needs no answer.", Reference(TEST, number))
        told = await _told(desk, mark)
    except CarekitError as error:
        return Health(channel.name, "failed", str(error))
    finally:
        await desk.mark({mark: None})
    if told:
        return Health(channel.name, "failed" if told.startswith("failed") else "ok", f"text to {to}: {told}")
    detail = (
        f"the text to {to} was taken, but within {PATIENCE:.0f} s no receipt came to {channel.url}/receipt: is the "
        "service running, and does the provider reach it?"
    )
    return Health(channel.name, "degraded", detail)


async def _told(desk: Desk, mark: str) -> str:
    """What a final receipt said, empty if none came in time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while loop.time() < until:
        told = (await desk.marks([mark])).get(mark, "")
        if told.startswith(("delivered", "failed")):
            return told
        await asyncio.sleep(0.25)
    return ""
