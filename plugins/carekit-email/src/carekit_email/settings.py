"""The keys of an e-mail channel's table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

from carekit import Secret, setting

Tls = Literal["tls", "starttls", "none"]


@frozen
class ImapSettings:
    """A mailbox to fetch from."""

    host: str = setting("Name of the IMAP server.")
    user: str = setting("Name to log in with.")
    password: Secret = setting("Password to log in with.")
    port: int = setting("Port of the server; 0 takes the usual one: 993 with tls, else 143.", 0)
    tls: Tls = setting("How the connection is protected: `tls`, `starttls` or `none`.", "tls")
    folder: str = setting("Folder that new mail is fetched from.", "INBOX")

    @property
    def effective_port(self) -> int:
        """The configured port or the usual one."""
        return self.port or (993 if self.tls == "tls" else 143)


@frozen
class SmtpSettings:
    """A server that takes our mail."""

    host: str = setting("Name of the SMTP server.")
    port: int = setting("Port of the server; 0 takes the usual one: 465 with tls, 587 with starttls, else 25.", 0)
    tls: Tls = setting("How the connection is protected: `tls`, `starttls` or `none`.", "starttls")
    user: str = setting("Name to log in with; empty for no login.", "")
    password: Secret | None = setting("Password to log in with.", None)

    @property
    def effective_port(self) -> int:
        """The configured port or the usual one."""
        return self.port or {"tls": 465, "starttls": 587, "none": 25}[self.tls]


@frozen
class EmailSettings:
    """One address: how its mail comes in, how answers go out."""

    address: str = setting("The address people write to; answers come from it.")
    name: str = setting("The name shown beside the address; empty for the address alone.", "")
    imap: ImapSettings | None = setting("Fetch mail from a mailbox.", None)
    listen: str = setting("Take mail on this `host:port`, from a mail server that delivers here.", "")
    protocol: Literal["smtp", "lmtp"] = setting("What the delivering server speaks on `listen`.", "smtp")
    smtp: SmtpSettings | None = setting("Hand answers to this server.", None)
    outbox: Path | None = setting("Write answers as .eml files into this folder instead.", None)
    signature: str = setting("Text put under what agents write.", "")
    plus: bool = setting("Whether the mail server delivers `name+anything@…` to this address, too.", False)
    secret: Secret | None = setting(
        "Key of the reply tokens, at least 32 characters; without one it is derived from the service's secret.",
        None,
    )
    max_size: int = setting("Octets of the largest mail taken.", 50_000_000)
