"""Bird: the Channels API at api.bird.com. JSON in, signed with HMAC; JSON out.

https://docs.bird.com/api/channels-api/supported-channels/programmable-sms,
https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/verifying-a-webhook-subscription
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

import attrs

from carekit import DeliveryStatus, Ignored, NotOurs, Secret, setting
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
    optional,
    status_of,
)
from carekit_sms.signatures import bird, check_age, same

_REPORTS: Final[Mapping[str, DeliveryStatus]] = {
    "accepted": DeliveryStatus.SENT,
    "processing": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "rejected": DeliveryStatus.FAILED,
    "sending_failed": DeliveryStatus.FAILED,
    "delivery_failed": DeliveryStatus.FAILED,
    "skipped": DeliveryStatus.FAILED,
}


@attrs.frozen
class BirdSettings:
    """Bird: signed JSON webhooks in, the Channels API out."""

    key: Secret = setting("An access key that may send messages.")
    workspace: str = setting("Id of the workspace.")
    channel: str = setting("Id of its SMS channel.")
    signing_key: Secret = setting("The signing key of the two webhook subscriptions, `sms.inbound` and `sms.outbound`.")
    api: str = setting("Address of the API.", "https://api.bird.com")


class Bird(Provider):
    """Bird, as MessageBird is called now."""

    Settings = BirdSettings
    settings: BirdSettings
    has_media = True

    def verify(self, posted: Posted) -> None:
        stamp = posted.headers.get("messagebird-request-timestamp", "")
        expected = bird(posted.url, posted.body, stamp, self.settings.signing_key.reveal())
        if not stamp or not same(expected, posted.headers.get("messagebird-signature", "")):
            raise NotOurs("the signature of this request is not Bird's")
        check_age(stamp, posted.now)

    def read(self, posted: Posted) -> Sequence[Text]:
        payload = self._payload(posted, "sms.inbound")
        body = inner(payload, "body")
        text = optional(inner(body, "text"), "text") or optional(inner(body, "image"), "text")
        to = optional(inner(payload, "receiver", "connector"), "identifierValue")
        return [
            Text(
                id=field(payload, "id"),
                sender=field(inner(payload, "sender", "contact"), "identifierValue"),
                to=to,
                text=text,
                media=list(_media(body)),
                sent_at=instant(optional(payload, "createdAt")),
            )
        ]

    def report(self, posted: Posted) -> Report:
        payload = self._payload(posted, "sms.outbound")
        status = status_of(optional(payload, "status"), _REPORTS)
        detail = optional(payload, "reason") or optional(inner(payload, "failure"), "description")
        return Report(status, optional(payload, "id"), detail, optional(payload, "reference"))

    def _payload(self, posted: Posted, event: str) -> Mapping[str, Any]:
        found = posted.json
        if found.get("event") != event:
            raise Ignored(f"{found.get('event')!r} is not {event!r}: subscribe each to its own address")
        payload = inner(found, "payload")
        if optional(payload, "channelId") != self.settings.channel:
            raise Ignored("this webhook is of another channel of the workspace")
        return payload

    def submit(self, outgoing: Outgoing) -> Submission:
        settings = self.settings
        workspace, channel = quote(settings.workspace, safe=""), quote(settings.channel, safe="")
        contact = {"identifierKey": "phonenumber", "identifierValue": outgoing.to}
        return Submission(
            f"{settings.api.rstrip('/')}/workspaces/{workspace}/channels/{channel}/messages",
            headers={"Authorization": f"AccessKey {settings.key.reveal()}"},
            json={
                "receiver": {"contacts": [contact]},
                "body": {"type": "text", "text": {"text": outgoing.text}},
                "reference": outgoing.reference,
            },
        )

    def taken(self, reply: Reply) -> str:
        if reply.good:
            return optional(reply.json, "id")
        raise reply.refusal(optional(reply.json, "message"))

    def media_headers(self, url: str) -> Mapping[str, str]:
        host = urlsplit(url).hostname or ""
        if host == "api.bird.com" or host.endswith(".api.bird.com"):
            return {"Authorization": f"AccessKey {self.settings.key.reveal()}"}
        return {}


def _media(body: Mapping[str, Any]) -> Iterator[Media]:
    images = inner(body, "image").get("images")
    for image in images if isinstance(images, list) else ():
        if isinstance(image, dict) and (url := optional(image, "mediaUrl")):
            yield Media(url)
    files = inner(body, "file").get("files")
    for file in files if isinstance(files, list) else ():
        if isinstance(file, dict) and (url := optional(file, "mediaUrl")):
            yield Media(url, optional(file, "contentType"), optional(file, "filename"))
