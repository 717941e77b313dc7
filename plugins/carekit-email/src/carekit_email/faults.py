"""What can be wrong with an e-mail channel's settings beyond their types, without any I/O."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from carekit import Template, TemplateError
from carekit_email.codec.addresses import mailboxes
from carekit_email.mapping import TEMPLATE_VARIABLES
from carekit_email.settings import EmailSettings, MailboxSettings, OAuthSettings, SmtpSettings, WebhookSettings

_SHORTEST_SECRET = 32
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def faults(settings: EmailSettings) -> list[str]:
    """Give what is wrong with the settings together, with the remedy."""
    return [
        *_addresses(settings),
        *_ways_in(settings),
        *_ways_out(settings),
        *_secrets(settings),
        *_texts(settings),
    ]


def host_and_port(listen: str) -> tuple[str, int]:
    """Split `host:port`, also with a bracketed IPv6 host; raises ValueError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f'listen = {listen!r} is no host:port; write it like "127.0.0.1:2525"')
    return host.strip("[]"), int(port)


def _addresses(settings: EmailSettings) -> Iterator[str]:
    for key, address in [("address", settings.address), *(("aliases", one) for one in settings.aliases)]:
        boxes = mailboxes(address, 2)
        if len(boxes) != 1 or boxes[0].address != address or not address.isascii():
            yield f'{key} = {address!r} is no plain address; write it like "help@shop.example"'
        elif address.startswith("-"):
            yield f"{key} = {address!r} begins with a dash, which programs take for an option; use another"
    lowered = [one.lower() for one in settings.addresses]
    if len(set(lowered)) != len(lowered):
        yield "an address is there twice; each alias once, and not the channel's own"


def _ways_in(settings: EmailSettings) -> Iterator[str]:
    if settings.imap is not None and "imap" in settings.mailboxes:
        yield "the mailbox `imap` is there twice; give the one in `mailboxes` another name"
    for name, mailbox in settings.all_mailboxes.items():
        yield from _mailbox(name, mailbox)
    if settings.listen:
        try:
            host_and_port(settings.listen)
        except ValueError as error:
            yield str(error)
    if settings.webhook is not None:
        yield from _webhook(settings.webhook)


def _mailbox(name: str, mailbox: MailboxSettings) -> Iterator[str]:
    if (mailbox.password is None) == (mailbox.oauth is None):
        yield f"mailbox {name} needs exactly one of `password` and `oauth`"
    if mailbox.protocol == "imap" and mailbox.keep:
        yield f"mailbox {name} has `keep`, which is for pop3; imap never removes mail"
    yield from _oauth(f"mailbox {name}", mailbox.oauth)


def _webhook(webhook: WebhookSettings) -> Iterator[str]:
    kind = webhook.provider
    if kind in {"mailgun", "raw"} and webhook.secret is None:
        yield f"webhook of {kind} needs `secret`, or anybody could post mail"
    if kind == "postmark" and not (webhook.user and webhook.password):
        yield "webhook of postmark needs `user` and `password`, and the address at the provider must contain them"
    if kind == "sendgrid" and webhook.secret is None and not (webhook.user and webhook.password):
        yield "webhook of sendgrid needs the public key in `secret`, or `user` and `password`"
    if kind == "ses" and not webhook.topic.startswith("arn:"):
        yield "webhook of ses needs the ARN of its SNS topic in `topic`"
    signed = kind == "ses" or (kind == "sendgrid" and webhook.secret is not None)
    if signed and find_spec("cryptography") is None:
        yield f"webhook of {kind} needs `pip install 'carekit-email[providers]'`"


def _ways_out(settings: EmailSettings) -> Iterator[str]:
    if settings.smtp is None and settings.outbox is None:
        yield "no mail can go out; set `smtp` to hand it to a server or `outbox` to write it into a folder"
    if settings.smtp is not None and settings.outbox is not None:
        yield "mail could go out twice; keep one of `smtp` and `outbox`"
    if settings.smtp is not None:
        yield from _smtp(settings.smtp)
    if settings.dkim is not None and find_spec("dkim") is None:
        yield "dkim needs `pip install 'carekit-email[dkim]'`"


def _smtp(smtp: SmtpSettings) -> Iterator[str]:
    if smtp.password is not None and smtp.oauth is not None:
        yield "smtp has both `password` and `oauth`; keep one"
    if bool(smtp.user) != bool(smtp.password or smtp.oauth):
        yield "smtp has a user without a password or the reverse; set both or none"
    if not 0 <= smtp.port < 65536:
        yield f"smtp.port must be 1 to 65535, or 0 for the usual one, not {smtp.port}"
    if smtp.connections < 1:
        yield "smtp.connections must be 1 or more"
    yield from _oauth("smtp", smtp.oauth)


def _oauth(where: str, oauth: OAuthSettings | None) -> Iterator[str]:
    if oauth is None:
        return
    parts = urlsplit(oauth.token_url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        yield f"token_url of {where} must begin with https://, or the secrets would travel in the open"


def _secrets(settings: EmailSettings) -> Iterator[str]:
    if settings.secret is not None and len(settings.secret.reveal()) < _SHORTEST_SECRET:
        yield f"secret is shorter than {_SHORTEST_SECRET} characters; make it longer or leave it out"


def _texts(settings: EmailSettings) -> Iterator[str]:
    if settings.html_template:
        try:
            Template.parse(settings.html_template, TEMPLATE_VARIABLES)
        except TemplateError as error:
            yield f"html_template: {error}"
    if settings.unsubscribe and not settings.unsubscribe.startswith(("https://", "mailto:")):
        yield 'unsubscribe must begin with "https://" or "mailto:"'
    if settings.per_sender < 1:
        yield "per_sender must be 1 or more"
