"""Between mail and the desk's values, both ways; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html import escape

from attrs import field, frozen

from carekit import Address, Event, Inbound, MessageReceived, Outbound, Template
from carekit import Attachment as Kept
from carekit_email.codec import Attachment, InboundEmail, Outgoing
from carekit_email.refusals import refused_by, ways_out
from carekit_email.settings import EmailSettings
from carekit_email.threading import candidates, reply_address, return_address, signed_message_id

_UNASKED = frozenset({"survey", "follow_up"})
_MAX_TEXT = 200_000
_MAX_HTML = 200_000
_MAX_QUOTE = 20_000
_META_REFERENCES = 20
_MAX_LOCAL = 64  # octets of a local part (RFC 5321 section 4.5.3.1.1)
_REPLY_PREFIX = re.compile(
    r"(?:(?:re|aw|sv|vs|antw|odp|ynt|res|rif|回复|答复|回覆)\s?(?:\[\d+\])?\s?[:：]\s*)+", re.IGNORECASE
)
_AN_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")
TEMPLATE_VARIABLES = ("text", "signature", "name", "subject")
_TEXT_HERE = "\ue000text\ue000"  # stands for the text, which is markup already, while the rest is rendered


@frozen
class Way:
    """What reading and signing need to know of the channel.

    `addresses` are all that reach it, its own first; `plus` says that plus-addresses of these arrive, too. `url` is
    where its own routes are.
    """

    channel: str
    addresses: tuple[str, ...]
    secret: bytes = field(repr=False)
    plus: bool = False
    authserv_id: str = ""
    url: str = ""

    def ours(self, address: str) -> str:
        """Give the address of the channel that *address* is, with or without a plus part; "" when it is none."""
        wanted = canonical(address)
        return next((one for one in self.addresses if canonical(one) == wanted), "")


def canonical(address: str) -> str:
    """Give *address* in lower case and without its plus part."""
    local, _, domain = address.strip().strip("<>").rpartition("@")
    return f"{local.partition('+')[0]}@{domain}".lower()


# --- in


def external_id(mail: InboundEmail, raw: bytes) -> str:
    """Give what one mail is known by: its Message-ID and its body.

    Copies and replays share a Message-ID with different bodies; a second delivery differs in trace fields only.
    """
    end = _HEADER_END.search(raw)
    body = raw[end.end() :] if end else raw
    digest = hashlib.sha256(mail.from_address.lower().encode("utf-8", "replace") + b"\0" + body.rstrip()).hexdigest()
    return f"{mail.message_id} {digest[:16]}"


def to_inbound(mail: InboundEmail, raw: bytes, way: Way) -> Inbound:
    """Give the message a mail is. Attachments are named by digest; whoever keeps the message keeps their bytes.

    A mail whose sender our own server refuted belongs to nobody we know: it joins nothing and is nobody's. Who writes
    to us wants an answer, also if they refused mail before.
    """
    known_by = external_id(mail, raw)
    refused = refused_by(mail, way.channel, way.secret, known_by)
    if refused is not None:
        return refused
    found = candidates(mail, way.secret)
    forged = mail.authentication.failed
    kind = "unverified" if forged else "email"
    # A mail from the null path must never be answered by a machine (RFC 3834 section 2, RFC 5321 section 4.5.5).
    unanswerable = mail.bounce is not None or mail.return_path == ""
    automatic = mail.auto_reply or mail.list_mail or mail.spam or unanswerable
    meta = {
        "message_id": mail.message_id,
        "references": " ".join(mail.references[-_META_REFERENCES:]),
        "address": next((one for one in map(way.ours, (*mail.delivered_to, *mail.to, *mail.cc)) if one), ""),
    }
    return Inbound(
        channel=way.channel,
        external_id=known_by,
        sender=Address(kind, mail.from_address.lower(), _shown(mail), mail.authentication.verified),
        text=mail.reply_text[:_MAX_TEXT],
        thread=() if forged else found.ids,
        keys=(mail.message_id,),
        conversation="" if forged else found.conversation,
        subject=mail.subject[:1_000],
        html=mail.html if len(mail.html) <= _MAX_HTML else "",
        attachments=tuple(kept(one) for one in files_of(mail)),
        automatic=automatic,
        consent=None if automatic or forged else True,
        sent_at=mail.date,
        raw=hashlib.sha256(raw).hexdigest(),
        meta={name: value for name, value in meta.items() if value},
    )


def _shown(mail: InboundEmail) -> str:
    """Give the sender's name; one that is somebody else's address would only deceive whoever reads it."""
    claimed = _AN_ADDRESS.search(mail.from_name)
    return "" if claimed and claimed.group().lower() != mail.from_address.lower() else mail.from_name


def files_of(mail: InboundEmail) -> list[Attachment]:
    """Give the files that people want to see: what a container holds instead of it, and what stood in the text."""
    return [inner for one in (*mail.attachments, *mail.embedded) for inner in (one.contains or (one,))]


def kept(attachment: Attachment) -> Kept:
    """Give the reference to an attachment's bytes."""
    digest = hashlib.sha256(attachment.content).hexdigest()
    return Kept(attachment.name or "attachment", attachment.content_type, attachment.size, digest)


# --- out


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
    received = answered.fact if answered is not None and isinstance(answered.fact, MessageReceived) else None
    meta = received.meta if received else {}
    address = meta.get("address") or way.addresses[0]
    name, signature = _identity(settings, address, automatic=message.automatic)
    subject = _subject(message.subject or conversation.subject, answering=received is not None)
    sources = "".join(f"\n{source.title}: {source.url}" for source in message.sources if source.url)
    quoted = _quoted(answered) if settings.quote and not message.automatic else ""
    text = message.text + (f"\n{sources}" if sources else "")
    _, _, domain = address.rpartition("@")
    unasked = (message.automatic and received is None) or message.purpose in _UNASKED
    return Outgoing(
        from_address=address,
        from_name=name,
        to=(outbound.to,),
        subject=subject,
        text=text + (f"\n\n-- \n{signature}" if signature else "") + quoted,
        html=_html(settings, message.html, text, signature, name, subject),
        message_id=signed_message_id(way.secret, conversation.id, outbound.seq, outbound.to, domain),
        date=outbound.at,
        reply_to=_short(reply_address(way.secret, conversation.id, outbound.to, address)) if way.plus else "",
        in_reply_to=meta.get("message_id", ""),
        references=tuple(meta.get("references", "").split()),
        automatic=message.automatic,
        unsubscribe=_ways_out(outbound, way, settings, address) if unasked else (),
        attachments=attachments,
    )


def _ways_out(outbound: Outbound, way: Way, settings: EmailSettings, ours: str) -> tuple[str, ...]:
    if settings.unsubscribe:
        return (settings.unsubscribe,)
    return ways_out(way.secret, outbound.conversation.id, outbound.to, way.url, ours)


def envelope_sender(outbound: Outbound, way: Way, mail: Outgoing) -> str:
    """Give the envelope's sender: where reports about this very message arrive, or nowhere for automatic answers.

    Nobody waits for the report about an automatic answer, and answering one must not begin a loop (RFC 3834 section 3).
    """
    if mail.automatic:
        return ""
    token = return_address(way.secret, outbound.conversation.id, outbound.seq, mail.from_address)
    return (_short(token) if way.plus else "") or mail.from_address


def _short(address: str) -> str:
    return address if len(address.rpartition("@")[0]) <= _MAX_LOCAL else ""


def _identity(settings: EmailSettings, address: str, *, automatic: bool) -> tuple[str, str]:
    """Give the name and the signature that go with an address; automatic mail bears nobody's signature."""
    alias = next((one for key, one in settings.aliases.items() if key.lower() == address.lower()), None)
    name = (alias.name if alias else "") or settings.name
    signature = (alias.signature if alias else "") or settings.signature
    return name, "" if automatic else signature.strip()


def _html(settings: EmailSettings, html: str, text: str, signature: str, name: str, subject: str) -> str:
    body = html or (_as_html(text) if settings.html_template else "")
    if not body:
        return ""
    if not settings.html_template:
        return f"{body}<p>-- <br>{_as_html(signature)}</p>" if signature else body
    template = Template.parse(settings.html_template, TEMPLATE_VARIABLES)
    values = {"text": _TEXT_HERE, "signature": signature, "name": name, "subject": subject}
    return template.render(values, "html").replace(_TEXT_HERE, body)


def _as_html(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def _quoted(answered: Event | None) -> str:
    if answered is None or not isinstance(answered.fact, MessageReceived):
        return ""
    who = answered.fact.sender.partition(":")[2]
    lines = answered.fact.text[:_MAX_QUOTE].strip().split("\n")
    head = f"On {answered.at.replace(tzinfo=None).isoformat(' ', 'minutes')} UTC, {who} wrote:"
    return "\n\n" + "\n".join([head, *(f"> {line}" if line else ">" for line in lines)])


def _answered(history: Sequence[Event]) -> Event | None:
    """Give the newest message of the contact; one of a machine only when there is no other."""
    received = _received(history)
    people = (event for event in received if not (isinstance(event.fact, MessageReceived) and event.fact.automatic))
    return next(people, received[0] if received else None)


def _received(history: Sequence[Event]) -> list[Event]:
    return [event for event in reversed(history) if isinstance(event.fact, MessageReceived)]


def _subject(subject: str, answering: bool) -> str:
    plain = _REPLY_PREFIX.sub("", subject, count=1) if _REPLY_PREFIX.match(subject) else subject
    return f"Re: {plain}" if answering else plain
