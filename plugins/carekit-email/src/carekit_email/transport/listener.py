"""Take mail from a mail server, over SMTP or LMTP: 250 means that it is kept, anything else that it was not.

Only configured recipients are accepted, so nothing is ever relayed. There is no authentication: put it on loopback or
behind the mail server that delivers here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import weakref
from collections.abc import Awaitable, Callable
from typing import Literal

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from attrs import frozen

from carekit import CarekitError, InboundError
from carekit_email.codec import header_safe
from carekit_email.mapping import canonical

log = logging.getLogger(__name__)

_MAX_RECIPIENTS = 100
_LATER = "451 4.3.0 Not kept, try again later"
_LINE_LIMIT = 1_048_576  # mail with overlong lines is common and must not be refused for it


@frozen
class Accepted:
    """One mail as it was handed over: the envelope's sender and recipients, and the bytes."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    def with_envelope(self) -> bytes:
        """Give the bytes with the fields that a final delivery adds, on top."""
        lines = [f"Return-Path: <{header_safe(self.sender)}>"]
        lines += [f"Delivered-To: {header_safe(recipient)}" for recipient in self.recipients]
        return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace") + self.raw


Take = Callable[[Accepted], Awaitable[None]]
"""Keeps the mail durably and returns. Raises `InboundError` to refuse it for good, anything else for "try again"."""


class Listener:
    """A server for one or a few addresses."""

    def __init__(
        self,
        host: str,
        port: int,
        addresses: tuple[str, ...],
        take: Take,
        *,
        protocol: Literal["smtp", "lmtp"] = "smtp",
        max_size: int = 50_000_000,
        timeout: float = 300.0,
        several: bool = False,
    ) -> None:
        self._host = host
        self._port = port
        self._protocol = protocol
        self._max_size = max_size
        self._timeout = timeout
        self._several = several
        self._handler = _Handler(frozenset(canonical(one) for one in addresses), take, protocol == "lmtp")

    async def serve(self) -> None:
        """Listen until cancelled; raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        kind = _Lmtp if self._protocol == "lmtp" else _Smtp
        sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()

        def session() -> SMTP:
            made = kind(
                self._handler,
                data_size_limit=self._max_size,
                enable_SMTPUTF8=True,
                hostname="carekit",
                ident="carekit",
                timeout=self._timeout,
                loop=loop,
            )
            sessions.add(made)
            return made

        # Processes of one desk share the port, so that one can be restarted while another takes mail.
        share = self._several and hasattr(socket, "SO_REUSEPORT")
        server = await loop.create_server(session, self._host, self._port, reuse_port=share or None)
        try:
            async with server:
                await server.serve_forever()
        finally:
            # A session without an answer leaves its mail with the sender, who comes again.
            for one in list(sessions):
                if isinstance(one.transport, asyncio.Transport):
                    one.transport.abort()
            await asyncio.sleep(0)


class _Smtp(SMTP):
    line_length_limit = _LINE_LIMIT


class _Lmtp(LMTP):
    line_length_limit = _LINE_LIMIT


class _Handler:
    """The library's hooks, called by name."""

    def __init__(self, addresses: frozenset[str], take: Take, per_recipient: bool) -> None:
        self._addresses = addresses
        self._take = take
        self._per_recipient = per_recipient

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient that is ours, with or without a plus part."""
        if canonical(address) not in self._addresses:
            return "550 5.1.1 No such recipient here, and nothing is relayed"
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Answer a line that the library stumbles over; who wrote it learns nothing of us, and we only that it came."""
        log.info("a line of an SMTP session could not be understood: %s: %s", type(error).__name__, error)
        return "500 5.5.2 This cannot be understood"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        """Answer only when the mail is kept, or known not to be."""
        # The library gives the null sender of a report (RFC 5321 section 4.5.5) with its brackets.
        sender = (envelope.mail_from or "").strip("<>")
        status = await self._keep(Accepted(sender, tuple(envelope.rcpt_tos), _content(envelope)))
        # LMTP (RFC 2033 section 4.2) wants one answer for every recipient.
        return "\r\n".join([status] * len(envelope.rcpt_tos)) if self._per_recipient else status

    async def _keep(self, mail: Accepted) -> str:
        recipients = ", ".join(mail.recipients)
        try:
            await self._take(mail)
        except InboundError as error:
            return f"554 5.6.0 {_ascii(str(error))}"
        except CarekitError as error:
            log.error("a mail for %s could not be kept; its sender will try again: %s", recipients, error)
            return _LATER
        except Exception:
            log.exception("a mail for %s could not be kept; its sender will try again", recipients)
            return _LATER
        return "250 2.0.0 Kept"


def _content(envelope: Envelope) -> bytes:
    return envelope.content if isinstance(envelope.content, bytes) else b""


def _ascii(text: str) -> str:
    return header_safe(text).encode("ascii", "replace").decode("ascii")[:300]
