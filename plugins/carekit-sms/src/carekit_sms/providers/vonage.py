"""Vonage: its Messages API. JSON in, with a signed JWT in ``Authorization``; JSON out, with basic authentication or the
JWT of an application.

https://developer.vonage.com/en/messages/concepts/signed-webhooks, https://developer.vonage.com/en/api/messages
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from carekit import DeliveryStatus, Ignored, NotOurs, Permanent, Secret, setting
from carekit_sms.provider import (
    Media,
    Outgoing,
    Posted,
    Provider,
    Reply,
    Report,
    Submission,
    Text,
    field,
    inner,
    instant,
    international,
    optional,
    status_of,
)
from carekit_sms.signatures import basic, check_age, claims_of, same, sha256_hex

_REPORTS: Final[Mapping[str, DeliveryStatus]] = {
    "submitted": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "rejected": DeliveryStatus.FAILED,
    "undeliverable": DeliveryStatus.FAILED,
}
_FILES = ("image", "audio", "video", "file", "vcard")
_LIFETIME = 900


@attrs.frozen
class VonageSettings:
    """Vonage: signed JSON webhooks in, the Messages API out."""

    key: str = setting("The account's API key; webhooks name it, too.")
    signature: Secret = setting("The account's signature secret, which signs webhooks.")
    secret: Secret | None = setting("The account's API secret, to send with; or give an application.", None)
    application: str = setting("Id of the application to send with.", "")
    private_key: Secret | None = setting("The application's private key, PEM.", None)
    api: str = setting("Address of the API, for a region of its own.", "https://api.nexmo.com")


class Vonage(Provider):
    """Vonage."""

    Settings = VonageSettings
    settings: VonageSettings
    max_length = 1000
    has_media = True

    def check(self) -> Iterable[str]:
        if bool(self.settings.application) != (self.settings.private_key is not None):
            yield "application: needs private_key, and the other way round"
        elif not self.settings.application and self.settings.secret is None:
            yield "secret: is missing; give the account's API secret, or application and private_key"
        if len(self.settings.signature.reveal()) < 16:
            yield "signature: is too short to be a secret; the dashboard shows the account's signature secret"

    def verify(self, posted: Posted) -> None:
        scheme, _, token = posted.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotOurs("the request carries no signed token")
        claims = claims_of(token.strip(), self.settings.signature.reveal(), posted.now)
        check_age(claims.get("iat"), posted.now)
        if not same(self.settings.key, str(claims.get("api_key", ""))):
            raise NotOurs("the token is of another account")
        if not same(sha256_hex(posted.body), str(claims.get("payload_hash", ""))):
            raise NotOurs("the token was signed for another payload")

    def read(self, posted: Posted) -> Sequence[Text]:
        found = posted.json
        if found.get("channel") not in ("sms", "mms"):
            raise Ignored(f"this webhook is of the channel {found.get('channel')!r}, not of texts")
        return [
            Text(
                id=field(found, "message_uuid"),
                sender=international(field(found, "from")),
                to=international(field(found, "to")),
                text=optional(found, "text"),
                media=list(_media(found)),
                sent_at=instant(optional(found, "timestamp")),
            )
        ]

    def report(self, posted: Posted) -> Report:
        found = posted.json
        status = status_of(optional(found, "status"), _REPORTS)
        error = inner(found, "error")
        detail = ": ".join(filter(None, (optional(error, "title"), optional(error, "detail"))))
        return Report(status, optional(found, "message_uuid"), detail, optional(found, "client_ref"))

    def submit(self, outgoing: Outgoing) -> Submission:
        body = {
            "channel": "sms",
            "message_type": "text",
            "from": outgoing.sender.removeprefix("+"),
            "to": outgoing.to.removeprefix("+"),
            "text": outgoing.text,
            "client_ref": outgoing.reference,
            "webhook_url": outgoing.report_to,
            "webhook_version": "v1",
            "sms": {"encoding_type": "unicode" if outgoing.wide else "text"},
        }
        headers = {"Authorization": self._authorization(outgoing.now)}
        return Submission(f"{self.settings.api.rstrip('/')}/v1/messages", headers=headers, json=body)

    def _authorization(self, now: datetime) -> str:
        settings = self.settings
        if settings.private_key is None:
            return basic(settings.key, settings.secret.reveal() if settings.secret is not None else "")
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import RSAKey

        at = int(now.timestamp())
        claims = {
            "application_id": settings.application,
            "iat": at,
            "exp": at + _LIFETIME,
            "jti": secrets.token_hex(16),
        }
        try:
            key = RSAKey.import_key(settings.private_key.reveal())
            return "Bearer " + jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, key)
        except (JoseError, ValueError, TypeError) as error:
            raise Permanent(f"private_key in the file cannot be used: {type(error).__name__}; it must be PEM") from None

    def taken(self, reply: Reply) -> str:
        if reply.good:
            return optional(reply.json, "message_uuid")
        words = ": ".join(filter(None, (optional(reply.json, "title"), optional(reply.json, "detail"))))
        raise reply.refusal(words)


def _media(found: Mapping[str, Any]) -> Iterator[Media]:
    for kind in _FILES:
        file = inner(found, kind)
        if url := optional(file, "url"):
            yield Media(url, name=optional(file, "name"))
