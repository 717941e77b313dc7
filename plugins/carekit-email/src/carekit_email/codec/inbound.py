"""Raw bytes to `InboundEmail`: limits, repair, parse, choose; an answer for any bytes."""

from __future__ import annotations

from carekit_email.codec.addresses import Mailbox
from carekit_email.codec.attachments import attachment, extract_uuencoded
from carekit_email.codec.bodies import Body, body_of
from carekit_email.codec.bounces import find_bounce
from carekit_email.codec.calendars import invitations
from carekit_email.codec.headers import Headers, claimed_date, message_id, message_ids, repaired
from carekit_email.codec.html import sanitise
from carekit_email.codec.limits import excess_of, header_of
from carekit_email.codec.machine import judge
from carekit_email.codec.mime import Part, parse
from carekit_email.codec.model import Excess, InboundEmail, Limits, Unreadable
from carekit_email.codec.reply import visible_reply
from carekit_email.codec.results import authentication, is_marked_spam

_SENDER = ("from", "reply-to", "return-path", "sender")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")
_DEFAULT = Limits()


def decode(raw: bytes, limits: Limits = _DEFAULT, *, authserv_id: str = "") -> InboundEmail:
    """Decode one mail, whatever the bytes are; the same bytes always give the same value.

    Of a mail that is over one of the *limits*, which are checked on the bytes, only the header is read, and ``excess``
    says so. *authserv_id* is the name under which our own mail server writes Authentication-Results (RFC 8601); fields
    of any other name are not believed. Takes time in proportion to the length of *raw*.
    """
    excess = excess_of(raw, limits)
    if excess is not None:
        return _decoded(parse(repaired(header_of(raw, limits))), raw, limits, authserv_id, excess)
    try:
        root = parse(repaired(raw))
    except RecursionError:  # deeper than the library's own parser can go, however that came past the limits
        excess = Excess(Unreadable.DEPTH, limits.depth + 1, limits.depth)
        return _decoded(parse(repaired(header_of(raw, limits))), raw, limits, authserv_id, excess)
    return _decoded(root, raw, limits, authserv_id, None)


def _decoded(root: Part, raw: bytes, limits: Limits, authserv_id: str, excess: Excess | None) -> InboundEmail:
    headers = root.headers
    body = body_of(root, limits) if excess is None else Body()
    text = body.text
    written, embedded = extract_uuencoded(text)
    sender = sender_of(headers)
    subject = headers.text("subject")
    machine = judge(root, subject)
    paths = headers.all("return-path")
    return InboundEmail(
        from_name=sender.name,
        from_address=sender.address,
        reply_to=_addresses(headers, "reply-to", limits),
        to=_addresses(headers, "to", limits),
        cc=_addresses(headers, "cc", limits),
        subject=subject,
        text=text,
        html=sanitise(body.html).strip() if body.html else "",
        reply_text=visible_reply(written, [] if body.has_plain else body.tokens),
        attachments=tuple(attachment(part, limits) for part in body.rest),
        auto_reply=machine.auto_reply,
        bounce=find_bounce(root, body.rest, subject, text, sender.address) if excess is None else None,
        list_mail=machine.list_mail,
        message_id=message_id(headers, raw),
        in_reply_to=next(iter(message_ids(headers.all("in-reply-to"), limits.references)), ""),
        references=message_ids(headers.all("references"), limits.references),
        date=claimed_date(headers),
        delivered_to=tuple(dict.fromkeys(item for name in _DELIVERED for item in _addresses(headers, name, limits))),
        return_path=next(iter(_addresses(headers, "return-path", limits)), "") if paths else None,
        embedded=tuple(embedded),
        invitations=invitations(body.rest),
        authentication=authentication(headers, authserv_id),
        spam=is_marked_spam(headers),
        excess=excess,
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
