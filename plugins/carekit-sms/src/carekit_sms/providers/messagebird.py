"""MessageBird: the SMS API at rest.messagebird.com. Forms in, with a JWT over address and body; its REST API out.

https://developers.messagebird.com/api/sms-messaging, https://developers.messagebird.com/docs/verify-http-requests
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from carekit import Answer, DeliveryStatus, NotOurs, Secret, setting
from carekit_sms.provider import (
    Outgoing,
    Posted,
    Provider,
    Reply,
    Report,
    Submission,
    Text,
    field,
    instant,
    international,
    optional,
    status_of,
)
from carekit_sms.signatures import claims_of, same, sha256_hex

_REPORTS: Final[Mapping[str, DeliveryStatus]] = {
    "scheduled": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "buffered": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "expired": DeliveryStatus.FAILED,
    "delivery_failed": DeliveryStatus.FAILED,
}


@attrs.frozen
class MessageBirdSettings:
    """MessageBird: signed webhooks in, the SMS API out."""

    key: Secret = setting("The access key.")
    signing_key: Secret = setting("The signing key of webhooks.")
    api: str = setting("Address of the API.", "https://rest.messagebird.com")


class MessageBird(Provider):
    """MessageBird."""

    Settings = MessageBirdSettings
    settings: MessageBirdSettings
    accepted = Answer(200, "text/plain", b"OK")
    max_length = 1377

    def verify(self, posted: Posted) -> None:
        token = posted.headers.get("messagebird-signature-jwt", "")
        claims = claims_of(token, self.settings.signing_key.reveal(), posted.now)
        if claims.get("iss") != "MessageBird" or "exp" not in claims or "nbf" not in claims:
            raise NotOurs("the token is not MessageBird's")
        if not same(sha256_hex(posted.url), str(claims.get("url_hash", ""))):
            raise NotOurs("the token was signed for another address")
        expected = sha256_hex(posted.body) if posted.body else ""
        if not same(expected, str(claims.get("payload_hash", ""))):
            raise NotOurs("the token was signed for another payload")

    def read(self, posted: Posted) -> Sequence[Text]:
        kind = posted.headers.get("content-type", "")
        fields: Mapping[str, Any] = posted.json if kind.startswith("application/json") else posted.form
        return [
            Text(
                id=field(fields, "id"),
                sender=international(field(fields, "originator")),
                to=international(field(fields, "recipient")),
                text=optional(fields, "body"),
                sent_at=instant(optional(fields, "createdDatetime")),
            )
        ]

    def report(self, posted: Posted) -> Report:
        asked = posted.query
        status = status_of(asked.get("status", ""), _REPORTS)
        code = asked.get("statusErrorCode", "")
        detail = " ".join(filter(None, (asked.get("statusReason", ""), f"(error {code})" if code else "")))
        return Report(status, asked.get("id", ""), detail, asked.get("reference", ""))

    def submit(self, outgoing: Outgoing) -> Submission:
        body = {
            "originator": outgoing.sender.removeprefix("+"),
            "recipients": [outgoing.to.removeprefix("+")],
            "body": outgoing.text,
            "datacoding": "unicode" if outgoing.wide else "plain",
            "reference": outgoing.reference,  # without one it reports nothing
            "reportUrl": outgoing.report_to,
        }
        headers = {"Authorization": f"AccessKey {self.settings.key.reveal()}"}
        return Submission(f"{self.settings.api.rstrip('/')}/messages", headers=headers, json=body)

    def taken(self, reply: Reply) -> str:
        if reply.good:
            return optional(reply.json, "id")
        errors = reply.json.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        raise reply.refusal(optional(first, "description"))
