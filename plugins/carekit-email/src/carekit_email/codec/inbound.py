"""Raw bytes to `InboundEmail`: limits, repair, parse, choose; the only function that raises is the limit check."""

from __future__ import annotations

from carekit_email.codec.addresses import Mailbox
from carekit_email.codec.attachments import attachment
from carekit_email.codec.bodies import Body, body_of
from carekit_email.codec.headers import Headers, claimed_date, message_id, message_ids, repaired
from carekit_email.codec.html import sanitise
from carekit_email.codec.limits import check_limits
from carekit_email.codec.machine import judge
from carekit_email.codec.mime import parse
from carekit_email.codec.model import InboundEmail, Limits
from carekit_email.codec.reply import visible_reply

_SENDER = ("from", "reply-to", "return-path", "sender")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")
_DEFAULT = Limits()


def decode(raw: bytes, limits: Limits = _DEFAULT) -> InboundEmail:
    """Decode one mail.

    Raises UnreadableMail when it is over one of the *limits*, which are checked on the bytes; nothing else, whatever
    the bytes are. The same bytes always give the same value.
    """
    check_limits(raw, limits)
    root = parse(repaired(raw))
    headers = root.headers
    body = body_of(root)
    text = body.text(limits.html)
    sender = sender_of(headers)
    subject = headers.text("subject")
    machine = judge(root, body.rest, subject, text, sender.address)
    return InboundEmail(
        from_name=sender.name,
        from_address=sender.address,
        reply_to=_addresses(headers, "reply-to", limits),
        to=_addresses(headers, "to", limits),
        cc=_addresses(headers, "cc", limits),
        subject=subject,
        text=text,
        html=sanitise(body.html, limits.html).strip() if body.html else "",
        reply_text=_reply(body, text, limits),
        attachments=(*(attachment(part) for part in body.rest), *body.uuencoded),
        auto_reply=machine.auto_reply,
        bounce=machine.bounce,
        list_mail=machine.list_mail,
        message_id=message_id(headers, raw),
        in_reply_to=next(iter(message_ids(headers.all("in-reply-to"), limits.references)), ""),
        references=message_ids(headers.all("references"), limits.references),
        date=claimed_date(headers),
        delivered_to=tuple(dict.fromkeys(item for name in _DELIVERED for item in _addresses(headers, name, limits))),
        failed_recipients=machine.failed_recipients,
        failed_message_id=machine.failed_message_id,
    )


def sender_of(headers: Headers) -> Mailbox:
    """Give the first usable mailbox of From, else of Reply-To, Return-Path, Sender; the name is From's."""
    first = next(iter(headers.boxes("from", 1)), Mailbox("", ""))
    for name in _SENDER:
        for box in headers.boxes(name, 20):
            if box.address:
                return Mailbox(box.name or first.name, box.address)
    return first


def _addresses(headers: Headers, name: str, limits: Limits) -> tuple[str, ...]:
    return tuple(box.address for box in headers.boxes(name, limits.recipients) if box.address)


def _reply(body: Body, text: str, limits: Limits) -> str:
    html = "" if body.has_plain else body.html
    return visible_reply(text, html, limits.html)
