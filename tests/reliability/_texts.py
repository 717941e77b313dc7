"""A real gateway between a desk and telephones: Kannel, the operator behind it, and who writes and reads texts."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from zlib import crc32

from tests._borrowed import borrowed
from tests.reliability._clients import Client, Handed, Replies
from tests.reliability._ledger import Ledger
from tests.reliability._site import Site, Table, first_line

gateway = borrowed("carekit-sms", "sms_gateway")

AGAIN = 1.0
"""Seconds after which Kannel posts again what nobody took."""


class Gateway:
    """Kannel with its telephones, running within the context. *use* is the channel with which the desk meets it."""

    def __init__(self, folder: Path, use: str = "sms") -> None:
        self._folder = folder / "kannel"
        self._folder.mkdir()
        self._use = use

    def settings(self, table: Table) -> None:
        """Have a desk write and get texts by it."""
        self._kannel = gateway.Kannel(self._folder, int(table["service"]["listen"].rpartition(":")[2]))
        sendsms = f"http://127.0.0.1:{self._kannel.sendsms}/cgi-bin/sendsms"
        access = {"url": sendsms, "user": "care", "password": "for-sending", "secret": "for-posting"}
        table["channels"]["sms"] = {"use": self._use, "provider": "kannel", "number": gateway.OURS, "region": "ES"}
        table["channels"]["sms"]["kannel"] = access

    def __enter__(self) -> Gateway:
        self._kannel.start()
        self._phones = gateway.Phones(self._kannel).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._phones.__exit__()
        self._kannel.stop()

    def write(self, number: str, text: str) -> None:
        """Write a text from the phone *number*."""
        self._phones.write(number, text)

    @property
    def texts(self) -> list[str]:
        """What reached the phones."""
        return [first_line(text) for _, text in list(self._phones.got)]

    def settle(self, awaited: Collection[str]) -> None:
        """Wait until what is *awaited* is on the phones, or does not come any more, and whether more comes."""
        deadline = time.monotonic() + 30
        while not set(awaited) <= set(self.texts) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2 * AGAIN)


def phone_of(key: str) -> str:
    """The number that a text *key* comes from: one for all texts of a series."""
    return f"+346{crc32(key.rpartition('-')[0].encode()) % 10**8:08}"


class Texter(Client):
    """Writes texts, and that is all: Kannel has each, and posts it until it hears that it is kept."""

    def __init__(self, site: Site, gateway: Gateway) -> None:
        super().__init__(site)
        self.gateway = gateway

    def attempt(self, key: str) -> bool:
        self.gateway.write(phone_of(key), key)
        return True


class Posted(Handed, Texter):
    """The same, and waits for each until the desk has it."""

    hand_over = Texter.attempt


def answers(site: Site, gateway: Gateway) -> Replies:
    """Who answers somebody that wrote a text."""
    Posted(site, gateway).deliver(["somebody-000000"], Ledger(""))
    [event] = site.events("conversation_started")
    return Replies(event["stream"], site)
