"""Reports of deliveries that failed or are late: RFC 3464 first, then the wording of programs that send no such report.

Nearly half of the reports in real mailboxes are free text. One sign alone proves nothing (newsletters have a null
return path, people write "could not be delivered"), so wording counts only together with who sends it and how.
"""

from __future__ import annotations

import json
import re

from carekit_email.codec.headers import message_ids
from carekit_email.codec.mime import Part
from carekit_email.codec.model import Bounce, FailedRecipient
from carekit_email.codec.wording import (
    COPIED_HEADER,
    DAEMON,
    DELAYED_BODY,
    DELAYED_SUBJECT,
    FAILED_BODY,
    FAILED_SUBJECT,
)
from carekit_email.codec.words import header_safe

_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ENCLOSED = frozenset({"message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers"})
_OTHER_REPORTS = frozenset({"disposition-notification", "feedback-report"})
_FIELD = re.compile(
    r"^([a-z][a-z-]{2,30})[ \t]*:[ \t]*(.{0,998}(?:\n[ \t].{0,998}){0,5})", re.IGNORECASE | re.MULTILINE
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]{1,64}@[^\s<>()\[\]\",;:@]{1,255}")
_ALONE = re.compile(
    r"^[ \t>*]{0,12}(?:to:|recipient:|(?:final|original)-recipient:[ \t]*rfc822;)?[ \t]*[<(\[\"']?"
    r"([^\s<>()\[\]\",;:@]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})[>)\]\"']?(?:[ \t:.,;(-].{0,400})?$",
    re.IGNORECASE | re.MULTILINE,
)
_MENTIONED = re.compile(
    r"(?<![^\s<>()\[\]\",;:'])([A-Za-z0-9!#$%&*+/=?^_{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
)
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_REPLY_LINE = re.compile(r"(?<!\d)(?:[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}|55[0-4][ -]).{0,300}")
_ENCLOSED_ID = re.compile(r"^[> \t]{0,6}message-id[ \t]*:\s*(<[^<>\n]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_OPENING = re.compile(r"^\W+")
_SAMPLE = 65_536
_MAX_RECIPIENTS = 50


def find_bounce(root: Part, rest: list[Part], subject: str, text: str, sender: str) -> Bounce | None:
    """Give what a mail reports about a delivery, None when it reports none; *sender* is its From address."""
    kinds = {part.content_type for part in rest} | {root.content_type}
    if root.parameters.get("report-type", "").lower() in _OTHER_REPORTS or kinds & {
        f"message/{r}" for r in _OTHER_REPORTS
    }:
        return None
    subject, text = subject[:500], text[:_SAMPLE]
    status = next((sample(part) for part in [*rest, root] if part.content_type in _STATUS), "")
    status = status or (text if "\nfinal-recipient:" in text.lower() else "")
    failed = _reported(status) if status else None
    if (
        failed is None
        and "failed" not in (actions := _actions(status))
        and actions
        and not _failed_words(subject, text)
    ):
        return None
    if failed is None:
        failed = _worded(root, rest, subject, text, sender)
    if failed is None:
        return None
    recipients = _recipients_of(status) or _named(root, text, sender)
    return Bounce(failed, recipients, _original_id(rest, text))


# --- the report


def _actions(status: str) -> set[str]:
    values = (value for name, value in _FIELD.findall(status) if name.lower() == "action")
    return {re.split(r"[^a-z]", value.strip().lower(), maxsplit=1)[0] for value in values} - {""}


def _reported(status: str) -> bool | None:
    """Tell what a delivery-status says: failed, late (False), or neither (None)."""
    actions = _actions(status)
    if any(action.startswith(("fail", "undeliver", "error", "expired", "bounce", "reject")) for action in actions):
        return True
    if actions & {"delayed", "delay", "deferred"}:
        return False
    codes = [value.strip()[:1] for name, value in _FIELD.findall(status) if name.lower() == "status"]
    if not actions and codes and "2" not in codes:
        return "5" in codes
    return None


def _recipients_of(status: str) -> tuple[FailedRecipient, ...]:
    """Give the recipients of a delivery-status: one block of fields each (RFC 3464 section 2.3)."""
    found: dict[str, FailedRecipient] = {}
    for block in re.split(r"\n[ \t]*\n", status):
        fields = {name.lower(): value for name, value in reversed(_FIELD.findall(block))}
        value = (
            fields.get("final-recipient") or fields.get("original-recipient") or fields.get("x-actual-recipient", "")
        )
        address = _ADDRESS.search(value.partition(";")[2] or value)
        action = fields.get("action", "").strip().lower()
        if address is None or action.startswith(("deliver", "relay", "expand")) or len(found) >= _MAX_RECIPIENTS:
            continue
        code = _ENHANCED.search(fields.get("status", "")) or _ENHANCED.search(fields.get("diagnostic-code", ""))
        words = header_safe(re.sub(r"\s+", " ", fields.get("diagnostic-code", "").partition(";")[2]))[:300]
        found[address.group()] = FailedRecipient(header_safe(address.group()), code.group() if code else "", words)
    return tuple(found.values())


# --- the wording


def _worded(root: Part, rest: list[Part], subject: str, text: str, sender: str) -> bool | None:
    """Tell what a mail without a delivery-status says: failed, late (False), or nothing of the kind (None)."""
    if root.headers.raw("x-failed-recipients") or _is_feed_notice(text):
        return True
    report = root.content_type == "multipart/report"
    if report or _from_daemon(root, sender):
        if DELAYED_SUBJECT.search(subject) or (DELAYED_BODY.search(text) and not report):
            return False
        return True if FAILED_SUBJECT.search(subject) or FAILED_BODY.search(text) else None
    if root.headers.raw("return-path").strip().lower() in {"<>", "<mailer-daemon>", "<#@[]>"}:
        signs = bool(FAILED_SUBJECT.search(subject)) + _encloses(rest, text)
        return True if signs == 2 or (signs and "@" in text and FAILED_BODY.search(text)) else None
    answers = root.headers.raw("in-reply-to") or root.headers.raw("references")
    starts = not answers and FAILED_SUBJECT.match(_OPENING.sub("", subject))
    return True if starts and _encloses(rest, text) and FAILED_BODY.search(text) else None


def _encloses(rest: list[Part], text: str) -> bool:
    """Tell whether the mail carries another, as a part or as lines of its header in the text."""
    return any(part.content_type in _ENCLOSED for part in rest) or len(COPIED_HEADER.findall(text)) >= 2


def _failed_words(subject: str, text: str) -> bool:
    return bool(FAILED_SUBJECT.search(subject) and FAILED_BODY.search(text))


def _from_daemon(root: Part, sender: str) -> bool:
    local = sender.partition("@")[0]
    shown = root.headers.text("from")[:500]
    return bool(
        DAEMON.match(local) or DAEMON.search(shown.partition("@")[0] if sender else shown) or shown.strip() == "<>"
    )


def _is_feed_notice(text: str) -> bool:
    """Tell whether the body is the JSON in which a mail service reports a bounce (Amazon SES over SNS)."""
    start = text.lstrip()[:1]
    if start != "{" or "bounce" not in text.lower():
        return False
    try:
        notice, _ = json.JSONDecoder().raw_decode(text.lstrip())
        notice = json.loads(notice["Message"]) if isinstance(notice.get("Message"), str) else notice
        return str(notice.get("notificationType") or notice.get("eventType")).lower() == "bounce"
    except (ValueError, TypeError, AttributeError, RecursionError):
        return '"notificationtype":"bounce"' in re.sub(r"\s", "", text[:4_000].lower())


def _named(root: Part, text: str, sender: str) -> tuple[FailedRecipient, ...]:
    """Give the recipients that a free text names: fields for it, then lines that hold an address and little else."""
    addresses = [box.address for box in root.headers.boxes("x-failed-recipients", _MAX_RECIPIENTS) if box.address]
    ours = {sender.lower(), *(box.address.lower() for box in root.headers.boxes("to", 20))}
    reason = _REPLY_LINE.search(text)
    if not addresses:
        head = text[: found.start()] if (found := _ENCLOSED_ID.search(text)) else text
        addresses = [found.group(1) for found in _ALONE.finditer(head[:16_384])]
        addresses = [one for one in addresses if one.lower() not in ours and not DAEMON.match(one)][:5]
        if not addresses:  # one in the middle of a sentence counts when it is the only one
            among = {found.group(1).lower(): found.group(1) for found in _MENTIONED.finditer(head[:16_384])}
            others = [one for key, one in among.items() if key not in ours and not DAEMON.match(one)]
            addresses = others if len(others) == 1 else []
    words = header_safe(reason.group())[:300] if reason else ""
    code = _ENHANCED.search(words) or _ENHANCED.search(text[:16_384])
    status = code.group() if code and code.group()[0] in "45" else ""
    return tuple(FailedRecipient(one, status, words) for one in dict.fromkeys(addresses))


def _original_id(rest: list[Part], text: str) -> str:
    enclosed = [part for part in rest if part.content_type in _ENCLOSED]
    for source in [*(sample(part) for part in enclosed), text]:
        found = _ENCLOSED_ID.search(source)
        if found:
            return message_ids([found.group(1)], 1)[0]
    return ""


def sample(part: Part) -> str:
    """Give the beginning of a part's bytes as text with LF line ends."""
    return part.content()[:_SAMPLE].decode("utf-8", "replace").replace("\r\n", "\n")
