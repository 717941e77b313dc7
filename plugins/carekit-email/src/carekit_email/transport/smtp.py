"""Hand mails to a server over connections that are kept, and say exactly what is known about each afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from ssl import SSLContext

import aiosmtplib

from carekit import DeliveryError, Permanent, Temporary, Unsure
from carekit_email.codec import header_safe
from carekit_email.settings import SmtpSettings
from carekit_email.transport import tls
from carekit_email.transport.oauth import Tokens, xoauth2_base64

_TIMEOUT = 20.0
_IDLE = 60.0  # servers close what is silent for some minutes
_PER_CONNECTION = 100  # mails; many servers take no more from one


class _Link:
    """One connection, with what is known about its age."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.used = 0
        self.since = asyncio.get_running_loop().time()

    @property
    def fresh(self) -> bool:
        """Whether it may still be good."""
        idle = asyncio.get_running_loop().time() - self.since
        return self.client.is_connected and self.used < _PER_CONNECTION and idle < _IDLE


class Sender:
    """Sends through one server. `state` is "" while it works, else what was wrong the last time."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._tokens = Tokens(settings.oauth) if settings.oauth else None
        self._idle: list[_Link] = []
        self._parting: set[asyncio.Task[None]] = set()
        self._room: asyncio.Semaphore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.state = ""
        self.connections = 0

    async def close(self) -> None:
        """Say goodbye on every connection that is kept for the next mail."""
        if self._loop is not asyncio.get_running_loop():
            return  # there is none: they belong to the loop they were made on
        self._let_go(self._idle)
        await asyncio.gather(*self._parting)

    async def send(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> str:
        """Hand over *raw*; return the server's words. *sender* is "" for mail that must not bounce.

        Raises Temporary (nothing was handed over, try again), Permanent (it will never be taken as it is) or Unsure
        (the connection died between the data and the answer, so the server may or may not have it). When some
        recipients are refused and others are not, it goes to the others and the words name the refused.
        """
        try:
            async with self._link(sender) as link:
                refused = await self._address(link, recipients)
                words = await self._hand_over(link, raw)
        except DeliveryError as error:
            self.state = "" if isinstance(error, Permanent) else str(error)
            raise
        self.state = ""
        return "; ".join([words, *refused])

    async def examine(self) -> str:
        """Connect and log in, apart from what runs; give what was seen. Raises Temporary."""
        link = await self._connect()
        await _part(link)
        return "connected" + (" and logged in" if self._settings.user else "")

    @contextlib.asynccontextmanager
    async def _link(self, sender: str) -> AsyncIterator[_Link]:
        """Give a connection on which *sender* was named; it goes back to the others unless something broke.

        A kept connection may have died unnoticed. Nothing was handed over by then, so a new one is made.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # connections belong to the loop they were made on
            self._loop, self._idle = loop, []
            self._room = asyncio.Semaphore(max(1, self._settings.connections))
        assert self._room is not None
        async with self._room:
            link = await self._named(sender)
            try:
                yield link
                self._back(link)
            except Permanent:
                await self._reset(link)  # the server said no to this mail, not to us
                raise
            except BaseException:
                link.client.close()
                raise

    async def _named(self, sender: str) -> _Link:
        while self._idle:
            link = self._idle.pop()
            if not link.fresh:
                await _part(link)
                continue
            try:
                await link.client.mail(sender)
                return link
            except aiosmtplib.SMTPResponseException as error:
                if error.code != 421:
                    await self._reset(link)
                    raise self._by_code(error) from error
                link.client.close()
            except (aiosmtplib.SMTPException, OSError):
                link.client.close()
        link = await self._connect()
        try:
            await link.client.mail(sender)
        except aiosmtplib.SMTPResponseException as error:
            link.client.close()
            raise self._by_code(error) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            link.client.close()
            raise self._unreachable(error) from error
        return link

    async def _connect(self) -> _Link:
        settings = self._settings
        trust: SSLContext | None = tls.context(settings.ca) if settings.tls != "none" else None
        password = settings.password.reveal() if settings.user and settings.password else None
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.effective_port,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=trust,
            username=settings.user if password else None,
            password=password,
            timeout=_TIMEOUT,
        )
        self.connections += 1
        try:
            await client.connect()
            await self._log_in(client)
        except aiosmtplib.SMTPAuthenticationError as error:
            client.close()
            raise Temporary(f"{settings.host} refused our login: {_words('', error.code, error.message)}") from error
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise self._by_code(error) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise self._unreachable(error) from error
        except BaseException:
            client.close()
            raise
        return _Link(client)

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        if self._tokens is None:
            return
        token = await asyncio.to_thread(self._tokens.get)
        answer = await client.execute_command(
            b"AUTH", b"XOAUTH2", xoauth2_base64(self._settings.user, token).encode("ascii")
        )
        if answer.code == 334:  # the server tells why, and wants an empty answer before it says no
            answer = await client.execute_command(b"")
        if answer.code != 235:
            self._tokens.drop()
            raise aiosmtplib.SMTPAuthenticationError(answer.code, answer.message)

    async def _address(self, link: _Link, recipients: tuple[str, ...]) -> list[str]:
        """Name the recipients; give the refused ones. Nothing is handed over yet, so all is known."""
        refused: list[str] = []
        codes: list[int] = []
        try:
            for recipient in recipients:
                try:
                    await link.client.rcpt(recipient)
                except aiosmtplib.SMTPRecipientRefused as error:
                    codes.append(error.code)
                    refused.append(_words(f"{recipient} refused", error.code, error.message))
        except aiosmtplib.SMTPResponseException as error:
            raise self._by_code(error) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        if len(refused) == len(recipients):
            kind = Permanent if all(code >= 500 for code in codes) else Temporary
            raise kind(f"{self._settings.host}: {'; '.join(refused)}")
        return refused

    async def _hand_over(self, link: _Link, raw: bytes) -> str:
        try:
            response = await link.client.data(raw)
        except aiosmtplib.SMTPResponseException as error:
            raise self._by_code(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            host = self._settings.host
            raise Unsure(f"{host} did not say whether it took the message: {type(error).__name__}") from error
        return _words("", response.code, response.message)

    async def _reset(self, link: _Link) -> None:
        try:
            await link.client.rset()
        except (aiosmtplib.SMTPException, OSError):
            link.client.close()
        else:
            self._back(link)

    def _back(self, link: _Link) -> None:
        loop = asyncio.get_running_loop()
        link.used += 1
        link.since = loop.time()
        self._idle.append(link)
        loop.call_later(_IDLE, lambda: self._let_go([one for one in self._idle if not one.fresh]))

    def _let_go(self, links: Sequence[_Link]) -> None:
        self._idle = [one for one in self._idle if one not in links]
        for link in links:
            task = asyncio.create_task(_part(link))
            self._parting.add(task)
            task.add_done_callback(self._parting.discard)

    def _unreachable(self, error: Exception) -> Temporary:
        return Temporary(f"{self._settings.host} could not be spoken to: {type(error).__name__}: {error}")

    def _by_code(self, error: aiosmtplib.SMTPResponseException) -> Permanent | Temporary:
        kind = Permanent if 500 <= error.code < 600 else Temporary
        return kind(f"{self._settings.host}: {_words('', error.code, error.message)}")


async def _part(link: _Link) -> None:
    try:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, asyncio.TimeoutError):
            await link.client.quit()
    finally:
        link.client.close()


def _words(before: str, code: int, message: str) -> str:
    return header_safe(f"{before} {code} {message}")[:500]
