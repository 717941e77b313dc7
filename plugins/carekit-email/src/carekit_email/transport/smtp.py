"""Hand a mail to a server, and say exactly what is known about it afterwards."""

from __future__ import annotations

import asyncio
import contextlib

import aiosmtplib

from carekit import Permanent, Temporary, Unsure
from carekit_email.codec import header_safe
from carekit_email.settings import SmtpSettings

_TIMEOUT = 20.0


async def send(settings: SmtpSettings, sender: str, recipients: tuple[str, ...], raw: bytes) -> str:
    """Hand over *raw*; return the server's words. *sender* is "" for mail that must not bounce.

    Raises Temporary (nothing was handed over, try again), Permanent (it will never be taken as it is) or Unsure (the
    connection died between the data and the answer, so the server may or may not have it). When some recipients are
    refused and others are not, it goes to the others and the words name the refused.
    """
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.effective_port,
        use_tls=settings.tls == "tls",
        start_tls=settings.tls == "starttls",
        username=settings.user or None,
        password=settings.password.reveal() if settings.user and settings.password else None,
        timeout=_TIMEOUT,
    )
    try:
        refused = await _open(client, settings, sender, recipients)
        words = await _hand_over(client, settings, raw)
    finally:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, asyncio.TimeoutError):
            await client.quit()
        client.close()
    return "; ".join([words, *refused])


async def _open(client: aiosmtplib.SMTP, settings: SmtpSettings, sender: str, recipients: tuple[str, ...]) -> list[str]:
    """Connect and name sender and recipients; give the refused ones. Nothing is handed over yet, so all is known."""
    refused: list[str] = []
    codes: list[int] = []
    try:
        await client.connect()
        await client.mail(sender)
        for recipient in recipients:
            try:
                await client.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                codes.append(error.code)
                refused.append(_words(f"{recipient} refused", error.code, error.message))
    except aiosmtplib.SMTPAuthenticationError as error:
        raise Temporary(f"{settings.host} refused our login: {_words('', error.code, error.message)}") from error
    except aiosmtplib.SMTPResponseException as error:
        raise _by_code(settings, error) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise Temporary(f"{settings.host} could not be spoken to: {type(error).__name__}: {error}") from error
    if len(refused) == len(recipients):
        kind = Permanent if all(code >= 500 for code in codes) else Temporary
        raise kind(f"{settings.host}: {'; '.join(refused)}")
    return refused


async def _hand_over(client: aiosmtplib.SMTP, settings: SmtpSettings, raw: bytes) -> str:
    try:
        response = await client.data(raw)
    except aiosmtplib.SMTPResponseException as error:
        raise _by_code(settings, error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unsure(f"{settings.host} did not say whether it took the message: {type(error).__name__}") from error
    return _words("", response.code, response.message)


def _by_code(settings: SmtpSettings, error: aiosmtplib.SMTPResponseException) -> Permanent | Temporary:
    kind = Permanent if 500 <= error.code < 600 else Temporary
    return kind(f"{settings.host}: {_words('', error.code, error.message)}")


def _words(before: str, code: int, message: str) -> str:
    return header_safe(f"{before} {code} {message}")[:500]
