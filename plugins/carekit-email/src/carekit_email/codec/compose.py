"""An answer to an `EmailMessage`: threading fields, marks of automatic mail, every value one safe line."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime

from attrs import field, frozen

from carekit_email.codec.addresses import mailboxes
from carekit_email.codec.model import Attachment
from carekit_email.codec.words import header_safe

_MAX_REFERENCES = 20
_MAX_ID = 900
_LINE = 78
_FOR_MACHINES = frozenset({"message-id", "in-reply-to", "references", "list-unsubscribe"})


class _Policy(EmailPolicy):
    """Folds ids and links between them only: the library makes encoded words of those that are longer than a line."""

    def fold(self, name: str, value: str) -> str:
        if name.lower() not in _FOR_MACHINES:
            return str(super().fold(name, value))
        lines = [f"{name}:"]
        for word in value.split():
            if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1] != f"{name}:":
                lines.append("")
            lines[-1] += f" {word}"
        return self.linesep.join(lines) + self.linesep

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() not in _FOR_MACHINES:
            return super().fold_binary(name, value)
        return self.fold(name, value).encode("ascii", "ignore")


_POLICY = _Policy(linesep="\r\n")


@frozen
class Outgoing:
    """What to say and to whom. Ids are without brackets; `message_id` is signed by the caller (see threading).

    `automatic` marks mail no person wrote, so that other machines do not answer it. `unsubscribe` are https and mailto
    addresses for mail that nobody asked for. An attachment with a `content_id` stands in the HTML. `references` are
    those of the answered mail, oldest first; the answered mail's own id (`in_reply_to`) is added here.
    """

    from_address: str
    to: tuple[str, ...]
    subject: str
    text: str
    message_id: str
    date: datetime
    from_name: str = ""
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    html: str = ""
    automatic: bool = False
    unsubscribe: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = field(factory=tuple)


def encode(mail: Outgoing) -> EmailMessage:
    """Build the message; `as_bytes()` of it is what goes over the wire.

    Raises ValueError when the sender or every recipient is no address.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(mail.from_address, mail.from_name)
    recipients = [_address(one) for one in mail.to]
    if not recipients:
        raise ValueError("the mail has no recipient; give at least one address in `to`")
    message["To"] = recipients
    if mail.cc:
        message["Cc"] = [_address(one) for one in mail.cc]
    if mail.reply_to:
        message["Reply-To"] = _address(mail.reply_to, mail.from_name)
    message["Subject"] = written(mail.subject)
    message["Date"] = format_datetime(mail.date)
    _thread(message, mail)
    if mail.automatic:
        message["Auto-Submitted"] = "auto-replied" if mail.in_reply_to else "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["Precedence"] = "bulk"
    _unsubscribe(message, mail.unsubscribe)
    message.set_content(_lines(mail.text), cte="quoted-printable")
    inline = [one for one in mail.attachments if mail.html and one.content_id]
    if mail.html:
        message.add_alternative(_lines(mail.html), subtype="html", cte="quoted-printable")
        _relate(message, inline)
    for attached in mail.attachments:
        if attached not in inline:
            _attach(message, attached)
    return message


def _unsubscribe(message: EmailMessage, addresses: tuple[str, ...]) -> None:
    """Offer ways out (RFC 2369), with one click where one is a web address (RFC 8058)."""
    clean = [one for one in map(_id, addresses) if one.startswith(("https://", "mailto:"))]
    if clean:
        message["List-Unsubscribe"] = ", ".join(f"<{one}>" for one in clean)
    if any(one.startswith("https://") for one in clean):
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _relate(message: EmailMessage, inline: list[Attachment]) -> None:
    """Put the images that stand in the HTML beside it (RFC 2387)."""
    html = message.get_body(("html",))
    for one in inline:
        maintype, _, subtype = one.content_type.partition("/")
        if maintype == "image" and subtype and isinstance(html, EmailMessage):
            name = written(one.name) or "image"
            html.add_related(one.content, maintype, subtype, cid=f"<{_id(one.content_id)}>", filename=name)
        else:
            _attach(message, one)


def written(value: str) -> str:
    """Give *value* as it may be written to a header field: one line that nobody decodes a second time.

    The library decodes an encoded word that stands in a value, line ends included, and writes what comes out. Text
    that only looks like one must not become one.
    """
    return header_safe(value).replace("=?", "= ?")


def capped(references: tuple[str, ...], newest: str) -> tuple[str, ...]:
    """Give the ids for a References field: distinct, the first one and the newest, at most twenty."""
    ids = [_id(one) for one in (*references, newest)]
    distinct = list(dict.fromkeys(one for one in reversed(ids) if one))[::-1]
    return tuple(distinct if len(distinct) <= _MAX_REFERENCES else [distinct[0], *distinct[1 - _MAX_REFERENCES :]])


def _thread(message: EmailMessage, mail: Outgoing) -> None:
    message["Message-ID"] = f"<{_id(mail.message_id)}>"
    if _id(mail.in_reply_to):
        message["In-Reply-To"] = f"<{_id(mail.in_reply_to)}>"
    references = capped(mail.references, mail.in_reply_to)
    if references:
        message["References"] = " ".join(f"<{one}>" for one in references)


def _id(value: str) -> str:
    """Give an id that cannot end its brackets, its line or the header; what is too long or decodes is no id."""
    clean = "".join(char for char in header_safe(value) if char not in "<> \t" and char.isascii())
    return clean if len(clean) <= _MAX_ID and "=?" not in clean else ""


def _address(value: str, name: str = "") -> Address:
    found = mailboxes(header_safe(value), 1)
    box = found[0] if found else None
    local, _, domain = (box.address if box else "").rpartition("@")
    if not local or not domain or not local.isascii():
        raise ValueError(f"{header_safe(value)!r} is no address to mail to; give one like name@host.example")
    return Address(written(name or (box.name if box else "")), local, domain.encode("idna").decode("ascii"))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _attach(message: EmailMessage, attached: Attachment) -> None:
    maintype, _, subtype = attached.content_type.partition("/")
    if maintype in {"text", "message", "multipart"} or not subtype:
        maintype, subtype = "application", "octet-stream"
    name = written(attached.name) or "file"
    message.add_attachment(attached.content, maintype=maintype, subtype=subtype, filename=name)
