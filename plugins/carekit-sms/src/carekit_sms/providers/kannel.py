"""Kannel, a gateway of one's own: ``post-url`` and ``dlr-url`` in, the ``sendsms`` interface out (its user guide,
chapters 6 "Setting up a SMS gateway" and 10 "SMS Push (send-sms)").

Everything goes in headers: the other form of ``sendsms`` wants its password in the address, where logs keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from typing import Final

import attrs

from carekit import Answer, DeliveryStatus, Ignored, Malformed, NotOurs, Permanent, Secret, Temporary, setting
from carekit_sms.provider import Outgoing, Posted, Provider, Reply, Report, Submission, Text
from carekit_sms.signatures import password_of, same

_CHARSETS = frozenset({"utf-8", "utf-16be", "iso-8859-1", "iso-8859-15", "us-ascii", "windows-1252"})
_REPORTS: Final[Mapping[str, DeliveryStatus]] = {
    "1": DeliveryStatus.DELIVERED,
    "2": DeliveryStatus.FAILED,
    "4": DeliveryStatus.SENT,  # buffered at the operator
    "8": DeliveryStatus.SENT,  # accepted by the operator
    "16": DeliveryStatus.FAILED,  # refused by the operator
}
_WORDS = {"2": "the operator could not deliver it", "16": "the operator refused it"}
_MASK = "31"


@attrs.frozen
class KannelSettings:
    """Kannel: `sendsms` out, `post-url` in."""

    url: str = setting("Address of its `sendsms`.", "http://127.0.0.1:13013/cgi-bin/sendsms")
    user: str = setting("`username` of the group `sendsms-user`.")
    password: Secret = setting("`password` of that group.")
    secret: Secret = setting("The password in `post-url`, by which its posts are known.")
    smsc: str = setting("Id of the connection to send over; Kannel chooses if absent.", "")


class Kannel(Provider):
    """Kannel, a gateway of one's own."""

    Settings = KannelSettings
    settings: KannelSettings
    # It would send the body of an answer to the phone, if `max-messages` of its service let it.
    accepted = Answer(200, "text/plain", b"")
    max_length = 1530
    signs_receipts = False

    def check(self) -> Iterable[str]:
        if not self.settings.url.startswith(("http://", "https://")):
            yield f"url: {self.settings.url!r} is no web address"

    def verify(self, posted: Posted) -> None:
        given = password_of(posted.headers.get("authorization", ""))
        if not given or not same(self.settings.secret.reveal(), given):
            raise NotOurs("the password in post-url is missing or wrong")

    def read(self, posted: Posted) -> Sequence[Text]:
        asked, headers = posted.query, posted.headers
        sender = asked.get("from") or headers.get("x-kannel-from", "")
        to = asked.get("to") or headers.get("x-kannel-to", "")
        if not sender or not asked.get("id"):
            raise Malformed(
                f"the gateway named no sender or id (from {sender!r} to {to!r}); post-url must end in "
                '"?id=%I&from=%p&to=%P"'
            )
        return [Text(asked["id"], sender, to, _text(posted), sent_at=_time(headers.get("x-kannel-time", "")))]

    def report(self, posted: Posted) -> Report:
        kind = posted.query.get("type", "")
        if kind not in _REPORTS:
            raise Ignored(f"a receipt of type {kind!r} says nothing final")
        detail = " ".join(filter(None, (_WORDS.get(kind, ""), posted.query.get("detail", "")[:200])))
        return Report(_REPORTS[kind], detail=detail if kind in _WORDS else "")

    def submit(self, outgoing: Outgoing) -> Submission:
        settings = self.settings
        headers = {
            "X-Kannel-Username": settings.user,
            "X-Kannel-Password": settings.password.reveal(),
            "X-Kannel-From": outgoing.sender,
            "X-Kannel-To": outgoing.to,
            "X-Kannel-Coding": "2" if outgoing.wide else "0",
            "X-Kannel-DLR-Mask": _MASK,
            "X-Kannel-DLR-Url": f"{outgoing.report_to}?type=%d&detail=%A",
            "Content-Type": "text/plain; charset=UTF-8",
        }
        if settings.smsc:
            headers["X-Kannel-SMSC"] = settings.smsc
        return Submission(settings.url, headers=headers, content=outgoing.text.encode())

    def taken(self, reply: Reply) -> str:
        if reply.status == 202 or (reply.status == 200 and reply.words[:1] in ("0", "3", "S")):
            return ""
        if reply.status == 403 and not reply.words.startswith("Authorization"):
            raise Permanent(f"the gateway refused it: {reply.words}")
        if reply.status == 404:
            raise Temporary("the gateway answers, but not to sendsms; look at kannel.url in the file")
        raise reply.refusal(reply.words)


def _text(posted: Posted) -> str:
    kind = Message()
    kind["Content-Type"] = posted.headers.get("content-type", "text/plain")
    charset = (kind.get_content_charset() or "utf-8").lower()
    if kind.get_content_type() == "application/octet-stream":
        return f"[{len(posted.body)} octets that are no text]"
    return posted.body.decode(charset if charset in _CHARSETS else "utf-8", "replace")


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
