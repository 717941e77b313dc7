"""The keys of an e-mail channel's table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from carekit import Secret, setting

Tls = Literal["tls", "starttls", "none"]
_PORTS = {
    ("imap", True): 993, ("imap", False): 143,
    ("pop3", True): 995, ("pop3", False): 110,
}  # fmt: skip


@frozen
class OAuthSettings:
    """Access by token instead of a password: OAuth 2.0 with a refresh token (RFC 6749 section 6)."""

    token_url: str = setting("Address of the token endpoint, https only.")
    client_id: str = setting("Id of the application registered with the provider.")
    client_secret: Secret | None = setting("Secret of the application, where the provider gave one.", None)
    refresh_token: Secret = setting("The refresh token of the mailbox's consent.")
    scope: str = setting("Scope to ask for, where the provider wants it named.", "")


@frozen
class MailboxSettings:
    """A mailbox to fetch from."""

    host: str = setting("Name of the server.")
    user: str = setting("Name to log in with.")
    password: Secret | None = setting("Password to log in with.", None)
    oauth: OAuthSettings | None = setting("Log in with a token instead of a password.", None)
    protocol: Literal["imap", "pop3"] = setting("What the server speaks.", "imap")
    port: int = setting("Port of the server; 0 takes the usual one of the protocol.", 0)
    tls: Tls = setting("How the connection is protected: `tls`, `starttls` or `none`.", "tls")
    ca: Path | None = setting("File of certificates to trust instead of the system's.", None)
    folder: str = setting("Folder that new mail is fetched from; IMAP only.", "INBOX")
    keep: bool = setting("Leave mail on the server; POP3 only, IMAP always does.", False)

    @property
    def effective_port(self) -> int:
        """The configured port or the usual one."""
        return self.port or _PORTS[self.protocol, self.tls == "tls"]


@frozen
class SmtpSettings:
    """A server that takes our mail."""

    host: str = setting("Name of the SMTP server.")
    port: int = setting("Port of the server; 0 takes the usual one: 465 with tls, 587 with starttls, else 25.", 0)
    tls: Tls = setting("How the connection is protected: `tls`, `starttls` or `none`.", "starttls")
    ca: Path | None = setting("File of certificates to trust instead of the system's.", None)
    user: str = setting("Name to log in with; empty for no login.", "")
    password: Secret | None = setting("Password to log in with.", None)
    oauth: OAuthSettings | None = setting("Log in with a token instead of a password.", None)
    connections: int = setting("Connections that are kept and used at the same time.", 4)

    @property
    def effective_port(self) -> int:
        """The configured port or the usual one."""
        return self.port or {"tls": 465, "starttls": 587, "none": 25}[self.tls]


@frozen
class DkimSettings:
    """Sign what goes out (RFC 6376); for servers that do not do it themselves. Needs `carekit-email[dkim]`."""

    selector: str = setting("Selector under which the public key is in the DNS.")
    key: Path = setting("File of the private key, PEM.")
    domain: str = setting("Domain that signs; that of the address if absent.", "")


@frozen
class WebhookSettings:
    """Mail that a provider posts to `/channels/<name>/mail`."""

    provider: Literal["mailgun", "sendgrid", "postmark", "ses", "raw"] = setting("Who posts.")
    secret: Secret | None = setting(
        "Mailgun: the signing key. SendGrid: the public key of signed webhooks. Raw: the bearer token.", None
    )
    user: str = setting("Name in the address that SendGrid or Postmark posts to (basic authentication).", "")
    password: Secret | None = setting("Password in that address.", None)
    topic: str = setting("ARN of the SNS topic that SES publishes to.", "")


@frozen
class AliasSettings:
    """Another address that reaches this channel; who wrote to it is answered from it."""

    name: str = setting("The name shown beside the address; that of the channel if absent.", "")
    signature: str = setting("Text put under answers from it; that of the channel if absent.", "")


@frozen
class EmailSettings:
    """One address, or several: how mail comes in, how answers go out."""

    address: str = setting("The address people write to; answers come from it.")
    name: str = setting("The name shown beside the address; empty for the address alone.", "")
    aliases: Mapping[str, AliasSettings] = setting("Other addresses that reach this channel.", factory=dict)
    imap: MailboxSettings | None = setting("Fetch mail from a mailbox.", None)
    mailboxes: Mapping[str, MailboxSettings] = setting("Fetch mail from several mailboxes, by a name.", factory=dict)
    listen: str = setting("Take mail on this `host:port`, from a mail server that delivers here.", "")
    protocol: Literal["smtp", "lmtp"] = setting("What the delivering server speaks on `listen`.", "smtp")
    webhook: WebhookSettings | None = setting("Take mail that a provider posts.", None)
    smtp: SmtpSettings | None = setting("Hand answers to this server.", None)
    outbox: Path | None = setting("Write answers as .eml files into this folder instead.", None)
    dkim: DkimSettings | None = setting("Sign answers with DKIM.", None)
    signature: str = setting("Text put under what agents write.", "")
    html_template: str = setting(
        "HTML around what agents write, with {{ text }}, {{ signature }}, {{ name }} and {{ subject }}.", ""
    )
    quote: bool = setting("Put the message that is answered under the answer.", False)
    unsubscribe: str = setting(
        "https or mailto address for List-Unsubscribe in mail that nobody asked for; the channel's own if absent.", ""
    )
    plus: bool = setting("Whether the mail server delivers `name+anything@…` to this address, too.", False)
    secret: Secret | None = setting(
        "Key of the reply tokens, at least 32 characters; without one it is derived from the service's secret.",
        None,
    )
    authserv_id: str = setting(
        "Name under which our own mail server writes Authentication-Results; others are not believed.", ""
    )
    restricted: str = setting(
        "Inbox that gets sign-up and verification mail of other services; without one it is set aside.", ""
    )
    per_sender: int = setting("Mails an hour from one sender that are taken; more are set aside.", 200)
    max_size: int = setting("Octets of the largest mail taken.", 50_000_000)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that reaches the channel, its own first."""
        return (self.address, *self.aliases)

    @property
    def all_mailboxes(self) -> dict[str, MailboxSettings]:
        """Every mailbox by its name; the one of `imap` is called so."""
        return ({"imap": self.imap} if self.imap else {}) | dict(self.mailboxes)
