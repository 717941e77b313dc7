"""Mail that no person wrote: automatic answers, failed-delivery reports, lists.

Automatic: RFC 3834 section 5 and the fields mail programs used before it. Bounces: RFC 3464 reports first, then the
wording of programs that send none. A null return path alone proves nothing: newsletters have it, too.
"""

from __future__ import annotations

import re

from attrs import frozen

from carekit_email.codec.headers import Headers, message_ids
from carekit_email.codec.mime import Part
from carekit_email.codec.words import header_safe

_SUBJECT_AWAY = re.compile(
    r"^(?:\W*+(?:re|aw|fw)\s*+:)*+\W*+(?:"
    r"out of (?:the )?office|auto(?:matic|mated)?[ -]?(?:reply|response|answer)|away from (?:the "
    r"|my )?(?:office|mail)|vacation\b"
    r"|i am (?:away|out of)|on (?:annual )?leave|on vacation|automatische antwort|abwesenheits?(?:notiz"
    r"|nachricht|info)?\b"
    r"|abwesend|r[ée]ponse automatique|absence du bureau|absent du bureau|respuesta autom[áa]tica"
    r"|fuera de (?:la )?oficina"
    r"|risposta automatica|fuori (?:sede|ufficio)|resposta autom[áa]tica|fora do escrit[óo]rio|automatisch antwoord"
    r"|afwezig|autosvar|automatiskt svar|automatisk svar|frånvaro|automaattinen vastaus|automatyczna odpowied[źz]"
    r"|automatick[áa] odpov[ěe][ďd]|автоответ|автоматический ответ|otomatik yan[ıi]t|自動応答|自动回复|自動回覆"
    r"|자동 ?회신)"
    r"|vacation response\b|auto-?reply\b|\bautoresponder\b",
    re.IGNORECASE,
)
_SUBJECT_FAILED = re.compile(
    r"undeliver(?:able|ed)|returned mail|mail delivery (?:failed|failure|problem|status|system)"
    r"|delivery (?:failure|has failed|report)"
    r"|delivery status notification|delivery notification|failure notice|failed delivery|mail failure"
    r"|mail system error|non[- ]?delivery"
    r"|(?:could|can) ?not be delivered|message (?:you sent )?blocked|nondeliverable|error sending your mail"
    r"|mail delivery status"
    r"|delivery error|unzustellbar|nicht zugestellt|non remis|[ée]chec de (?:la )?(?:remise|distribution)"
    r"|no se (?:puede|pudo) entregar"
    r"|не доставлено|配信不能|配送失败|無法傳遞|退信|postmaster notify|rejected mail|mail rejected",
    re.IGNORECASE,
)
_SUBJECT_DELAYED = re.compile(
    r"delay(?:ed)?\b|warning: (?:could not|message)|still being retried|will be retried|verzögert", re.IGNORECASE
)
_BODY_FAILED = re.compile(
    r"delivery (?:to the following|has failed|failed)|could ?n[o']t be delivered|cannot be delivered"
    r"|unable to deliver|undeliverable"
    r"|user unknown|unknown user|no such user|mailbox (?:unavailable|is full|full|not found)|host unknown"
    r"|returned (?:to sender|below)"
    r"|did not reach the following|following address(?:es)? (?:failed|had)|permanent (?:fatal )?errors?"
    r"|not listed in domino"
    r"|this is a permanent error|failed permanently|message was not delivered|not be delivered|exceed(?:s"
    r"|ed) (?:the )?(?:quota|storage)"
    r"|\b5\d\d[ -]5\.\d\.\d|\b55[0-4][ -]|could not be (?:sent|found)|has been (?:rejected|blocked)"
    r"|invalid (?:recipient|address)"
    r"|送信できません|配信できません|届けられません|あて先不明",
    re.IGNORECASE,
)  # fmt: skip
_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|postmaster|post[-_]master|mail[-_.]?(?:delivery|system)|mdaemon)\b", re.IGNORECASE
)
_ACTION = re.compile(r"^action[ \t]*:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(
    r"^(?:final|original)-recipient[ \t]*:[^;\n]*;[ \t]*<?([^\s<>]{1,320})", re.IGNORECASE | re.MULTILINE
)
_ENCLOSED_ID = re.compile(r"^message-id[ \t]*:\s*(<[^<>\n]{1,998}>)", re.IGNORECASE | re.MULTILINE)
_NO_ANSWER = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply", "x-vacation")
_ENCLOSED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers"})
_SAMPLE = 65_536


@frozen
class Machine:
    """What the mail says about its sender's nature."""

    auto_reply: bool
    bounce: bool
    list_mail: bool
    failed_recipients: tuple[str, ...] = ()
    failed_message_id: str = ""


def judge(root: Part, rest: list[Part], subject: str, text: str, from_address: str) -> Machine:
    """Judge a mail by its headers, the parts that are not its body, its subject and its text."""
    headers = root.headers
    bounce = _is_bounce(root, rest, subject, text[:_SAMPLE], from_address)
    listed = _is_list(headers)
    return Machine(
        auto_reply=_is_automatic(root, subject) or listed,
        bounce=bounce,
        list_mail=listed,
        failed_recipients=_failed_recipients(headers, rest) if bounce else (),
        failed_message_id=_failed_message_id(rest, text[:_SAMPLE]) if bounce else "",
    )


def _is_automatic(root: Part, subject: str) -> bool:
    headers = root.headers
    submitted = headers.token("auto-submitted")
    if submitted and submitted not in {"no", "auto-forwarded"}:
        return True
    if headers.token("precedence") in {"bulk", "junk", "list", "auto_reply", "auto-reply"}:
        return True
    suppress = {word.strip().lower() for word in headers.text("x-auto-response-suppress").split(",")}
    if suppress & {"all", "autoreply"} or headers.raw("x-loop"):
        return True
    if any(headers.raw(name) and headers.token(name) not in {"no", "false"} for name in _NO_ANSWER):
        return True
    if root.content_type == "multipart/report" and root.parameters.get("report-type", "").lower() != "feedback-report":
        return True
    return bool(_SUBJECT_AWAY.search(subject[:500]))


def _is_list(headers: Headers) -> bool:
    return bool(headers.raw("list-id") or headers.raw("list-post")) or headers.token("precedence") == "list"


def _is_bounce(root: Part, rest: list[Part], subject: str, text: str, from_address: str) -> bool:
    report = root.parameters.get("report-type", "").lower()
    if report in {"disposition-notification", "feedback-report"}:
        return False
    kinds = {part.content_type for part in rest} | {root.content_type}
    if kinds & {"message/disposition-notification", "message/feedback-report"}:
        return False
    actions = {action.lower() for part in rest if _is_status(part) for action in _ACTION.findall(_sample(part))}
    if actions:
        return "failed" in actions
    if root.headers.raw("x-failed-recipients"):
        return True
    daemon = _from_daemon(root.headers, from_address)
    failed = bool(_SUBJECT_FAILED.search(subject)) and not _SUBJECT_DELAYED.search(subject)
    if report == "delivery-status" or root.content_type == "multipart/report":
        return failed or bool(_BODY_FAILED.search(text))
    if daemon:
        return failed or bool(_BODY_FAILED.search(text))
    null_path = root.headers.raw("return-path").strip() in {"<>", "<MAILER-DAEMON>"}
    return null_path and (failed or bool(_BODY_FAILED.search(text)))


def _is_status(part: Part) -> bool:
    return part.content_type in {"message/delivery-status", "message/global-delivery-status"}


def _from_daemon(headers: Headers, from_address: str) -> bool:
    local = from_address.partition("@")[0]
    return bool(_DAEMON.match(local) or (not local and _DAEMON.search(headers.text("from"))))


def _sample(part: Part) -> str:
    return part.content()[:_SAMPLE].decode("utf-8", "replace").replace("\r\n", "\n")


def _failed_recipients(headers: Headers, rest: list[Part]) -> tuple[str, ...]:
    found = [header_safe(item) for part in rest if _is_status(part) for item in _RECIPIENT.findall(_sample(part))]
    if not found:
        found = [box.address for box in headers.boxes("x-failed-recipients", 50) if box.address]
    return tuple(dict.fromkeys(item for item in found if "@" in item))


def _failed_message_id(rest: list[Part], text: str) -> str:
    enclosed = [part for part in rest if part.content_type in _ENCLOSED]
    for source in [*(_sample(part) for part in enclosed), text]:
        found = _ENCLOSED_ID.search(source)
        if found:
            return message_ids([found.group(1)], 1)[0]
    return ""
