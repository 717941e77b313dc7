"""Twilio: Programmable Messaging. Forms in, signed with the account's token; its REST API of 2010-04-01 out.

https://www.twilio.com/docs/messaging/guides/webhook-request, https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import attrs

from carekit import Answer, DeliveryStatus, NotOurs, Secret, setting
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
    optional,
    status_of,
)
from carekit_sms.signatures import basic, same, twilio

_REPORTS: Final[Mapping[str, DeliveryStatus]] = {
    "queued": DeliveryStatus.SENT,
    "accepted": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
_MOST_MEDIA = 10


@attrs.frozen
class TwilioSettings:
    """Twilio: form webhooks in, REST out."""

    account: str = setting("SID of the account: `AC` and 32 digits.")
    token: Secret = setting("The account's auth token, which signs webhooks, too.")
    service: str = setting("SID of a messaging service (`MG…`) to send through instead of the number.", "")
    api: str = setting("Address of the API, for an edge location of its own.", "https://api.twilio.com")


class Twilio(Provider):
    """Twilio."""

    Settings = TwilioSettings
    settings: TwilioSettings
    accepted = Answer(200, "text/xml", b"<Response/>")
    max_length = 1600
    has_media = True
    media_hosts = ("twilio.com", "twiliocdn.com", "amazonaws.com")

    def check(self) -> Iterable[str]:
        if not self.settings.account.startswith("AC"):
            yield f"account: {self.settings.account!r} is no SID of an account; it begins with AC"
        if self.settings.service and not self.settings.service.startswith("MG"):
            yield f"service: {self.settings.service!r} is no SID of a messaging service; it begins with MG"

    def verify(self, posted: Posted) -> None:
        given = posted.headers.get("x-twilio-signature", "")
        token = self.settings.token.reveal()
        # Whether it signs the address with its port has changed over time, so both are right.
        expected = [twilio(url, posted.pairs, token) for url in _with_and_without_port(posted.url)]
        if not given or not any(same(one, given) for one in expected):
            raise NotOurs("the signature of this form is not Twilio's, or it was posted to another address")

    def read(self, posted: Posted) -> Sequence[Text]:
        form = posted.form
        return [
            Text(
                id=field(form, "MessageSid"),
                sender=field(form, "From"),
                to=field(form, "To"),
                text=form.get("Body", ""),
                media=list(_media(form)),
                keyword=form.get("OptOutType", "").lower(),
            )
        ]

    def report(self, posted: Posted) -> Report:
        form = posted.form
        status = status_of(form.get("MessageStatus", ""), _REPORTS)
        code, words = form.get("ErrorCode", ""), form.get("ErrorMessage", "")
        detail = " ".join(filter(None, (f"Twilio error {code}" if code else "", words)))
        return Report(status, form.get("MessageSid", ""), detail)

    def submit(self, outgoing: Outgoing) -> Submission:
        settings = self.settings
        form = {"To": outgoing.to, "Body": outgoing.text, "StatusCallback": outgoing.report_to}
        if settings.service:
            form["MessagingServiceSid"] = settings.service
        else:
            form["From"] = outgoing.sender
        return Submission(
            f"{settings.api.rstrip('/')}/2010-04-01/Accounts/{quote(settings.account, safe='')}/Messages.json",
            headers={"Authorization": basic(settings.account, settings.token.reveal())},
            form=form,
        )

    def taken(self, reply: Reply) -> str:
        if reply.good:
            return optional(reply.json, "sid")
        code, words = optional(reply.json, "code"), optional(reply.json, "message")
        if code == "21610":
            words = "the contact refused texts at Twilio (STOP), and only their START allows them again"
        raise reply.refusal(f"{words} (Twilio error {code})" if code else words)

    def media_headers(self, url: str) -> Mapping[str, str]:
        host = urlsplit(url).hostname or ""
        if host == urlsplit(self.settings.api).hostname:
            return {"Authorization": basic(self.settings.account, self.settings.token.reveal())}
        return {}


def _media(form: Mapping[str, str]) -> Iterator[Media]:
    count = form.get("NumMedia", "0")
    for number in range(min(int(count), _MOST_MEDIA) if count.isascii() and count.isdigit() and len(count) < 4 else 0):
        if url := form.get(f"MediaUrl{number}", ""):
            yield Media(url, form.get(f"MediaContentType{number}", ""))


def _with_and_without_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 443)
    return parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()
