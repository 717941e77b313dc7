"""Between mail and the desk's values, both ways; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html import escape

from attrs import frozen

from carekit import Address, Event, Inbound, MessageReceived, Outbound
from carekit import Attachment as Kept
from carekit_email.codec import Attachment, InboundEmail, Outgoing
from carekit_email.settings import EmailSettings
from carekit_email.threading import candidates, reply_address, signed_message_id

_MAX_TEXT = 200_000
_MAX_HTML = 200_000
_META_REFERENCES = 20
_REPLY_PREFIX = re.compile(
    r"(?:(?:re|aw|sv|vs|antw|odp|ynt|res|rif|回复|答复|回覆)\s?(?:\[\d+\])?\s?[:：]\s*)+", re.IGNORECASE
)
_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")


@frozen
class Way:
    """What signing needs to know of the channel: its name, its address, the key, and whether plus-addresses arrive."""

    channel: str
    address: str
    secret: bytes
    plus: bool


def external_id(mail: InboundEmail, raw: bytes) -> str:
    """Give what one mail is known by: its Message-ID and its body.

    Copies and replays share a Message-ID with different bodies; a second delivery differs in trace fields only.
    """
    end = _HEADER_END.search(raw)
    body = raw[end.end() :] if end else raw
    digest = hashlib.sha256(mail.from_address.lower().encode("utf-8", "replace") + b"\0" + body.rstrip()).hexdigest()
    return f"{mail.message_id} {digest[:16]}"


def to_inbound(mail: InboundEmail, raw: bytes, way: Way) -> Inbound:
    """Give the message a mail is. Attachments are named by digest; whoever keeps the message keeps their bytes."""
    found = candidates(mail, way.secret)
    references = " ".join(mail.references[-_META_REFERENCES:])
    return Inbound(
        channel=way.channel,
        external_id=external_id(mail, raw),
        sender=Address("email", mail.from_address.lower(), mail.from_name),
        text=mail.reply_text[:_MAX_TEXT],
        thread=found.ids,
        keys=(mail.message_id,),
        conversation=found.conversation,
        subject=mail.subject[:1_000],
        html=mail.html if len(mail.html) <= _MAX_HTML else "",
        attachments=tuple(kept(one) for one in mail.attachments),
        automatic=mail.auto_reply or mail.list_mail or mail.bounce is not None,
        sent_at=mail.date,
        raw=hashlib.sha256(raw).hexdigest(),
        meta={"message_id": mail.message_id, "references": references},
    )


def kept(attachment: Attachment) -> Kept:
    """Give the reference to an attachment's bytes."""
    digest = hashlib.sha256(attachment.content).hexdigest()
    return Kept(attachment.name or "attachment", attachment.content_type, attachment.size, digest)


def to_outgoing(
    outbound: Outbound,
    history: Sequence[Event],
    way: Way,
    settings: EmailSettings,
    attachments: tuple[Attachment, ...],
) -> Outgoing:
    """Give the mail that says *outbound* after *history*: the same at every attempt."""
    message, conversation = outbound.message, outbound.conversation
    answered = _answered(history)
    meta = answered.meta if answered else {}
    _, _, domain = way.address.rpartition("@")
    signature = "" if message.automatic else settings.signature.strip()
    sources = "".join(f"\n{source.title}: {source.url}" for source in message.sources if source.url)
    return Outgoing(
        from_address=way.address,
        from_name=settings.name,
        to=(outbound.to,),
        subject=_subject(message.subject or conversation.subject, answering=answered is not None),
        text=message.text + (f"\n{sources}" if sources else "") + (f"\n\n-- \n{signature}" if signature else ""),
        html=_with_signature(message.html, signature) if not sources else "",
        message_id=signed_message_id(way.secret, conversation.id, outbound.seq, outbound.to, domain),
        date=conversation.updated_at,
        reply_to=reply_address(way.secret, conversation.id, outbound.to, way.address) if way.plus else "",
        in_reply_to=meta.get("message_id", ""),
        references=tuple(meta.get("references", "").split()),
        automatic=message.automatic,
        attachments=attachments,
    )


def _with_signature(html: str, signature: str) -> str:
    return f"{html}<p>-- <br>{escape(signature).replace(chr(10), '<br>')}</p>" if html and signature else html


def _answered(history: Sequence[Event]) -> MessageReceived | None:
    """Give the newest message of the contact; one of a machine only when there is no other."""
    received = [event.fact for event in reversed(history) if isinstance(event.fact, MessageReceived)]
    return next((fact for fact in received if not fact.automatic), received[0] if received else None)


def _subject(subject: str, answering: bool) -> str:
    plain = _REPLY_PREFIX.sub("", subject, count=1) if _REPLY_PREFIX.match(subject) else subject
    return f"Re: {plain}" if answering else plain
