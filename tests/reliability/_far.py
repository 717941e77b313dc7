"""The far side of what we send: a mail server that keeps what it takes, and fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.reliability._site import Table, first_line


class MailServer:
    """Takes mail on a port of its own, in a thread of its own; ``texts`` is what it answered for with 250, or meant to.

    While ``gate`` is closed it has the data and gives no answer.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.gate = Event()
        self.gate.set()
        self.held = 0
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, daemon=True)
        self._ready = Event()
        self._thread.start()
        assert self._ready.wait(10)

    def settings(self, table: Table) -> None:
        """Have the mail of a desk sent here."""
        table["channels"]["mail"].pop("outbox", None)
        table["channels"]["mail"]["smtp"] = {"host": "127.0.0.1", "port": self.port, "tls": "none"}

    def close(self) -> None:
        """Stop."""
        self.gate.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        make: Callable[[], SMTP] = lambda: SMTP(self, hostname="far.example", loop=self._loop)  # noqa: E731
        server = self._loop.run_until_complete(self._loop.create_server(make, "127.0.0.1", self.port))
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail, then answer as soon as the gate is open."""
        mail: Any = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        assert body is not None
        self.texts.append(first_line(str(body.get_content())))
        self.ids.append(str(mail["Message-ID"]))
        self.held += 1
        await asyncio.to_thread(self.gate.wait)
        self.held -= 1
        return "250 2.0.0 Kept"
