"""Mail between machines: what is never answered automatically, and what other services' machines must not get at.

A loop needs two machines that answer each other. Ours stops at every one of these by itself, because the far side may
keep none of the rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from carekit import Event, MessageReceived, MessageSent, Outbound
from carekit_email.codec import InboundEmail

PER_DAY = timedelta(days=1)
"""Within this, one conversation sends its contact at most one automatic message of a purpose."""

_SENDERS = 1_000  # of whom counts are kept for other processes: those who wrote most
_MACHINES = re.compile(
    r"(?:mailer[-_.]?daemon|postmaster|abuse|root|daemon|bounces?(?:[-+_.].*)?|.*[-_.]bounces?|owner-.*"
    r"|.*-(?:owner|request)"
    r"|no[-_.]?reply.*|do[-_.]?not[-_.]?reply.*|notifications?|listserv|majordomo|mailman)",
    re.IGNORECASE,
)
_SERVICE_SUBJECT = re.compile(
    r"(?:verify|confirm|activate|validate)\w* (?:your |the )?(?:new )?(?:e-?mail|account|address|identity"
    r"|sign|login|device|registration)"
    r"|(?:e-?mail|account|address|identity|login|sign-?in|security|authentication|access|one[- ]time"
    r"|login) (?:verification|confirmation|code|pass(?:word|code))"
    r"|(?:verification|confirmation|security|activation|login|access|sign-?in|one[- ]time) (?:code|link|pin"
    r"|e-?mail|pass(?:word|code))"
    r"|(?:reset|change) (?:your |the )?password|password reset|magic link|(?:is"
    r"|as) your \S{1,30} (?:verification |confirmation |login )?code"
    r"|\b\d{4,8} (?:is|as) your|join .{1,60} on (?:slack|teams|discord|github|gitlab|notion|asana|trello|zoom)"
    r"|(?:invited|invitation) (?:you )?to (?:join|collaborate)|sign in to .{1,40}"
    r"|complete your (?:registration|sign-?up)"
    r"|best[äa]tig\w* (?:sie )?(?:ihre?|deine?) |ihr (?:best[äa]tigungs|sicherheits)code|passwort zur[üu]cksetzen"
    r"|confirme[zr]? (?:votre|su|tu|seu) |code de (?:v[ée]rification|confirmation)"
    r"|c[óo]digo de (?:verificaci[óo]n|confirmaci[óo]n|verifica[çc][ãa]o)"
    r"|codice di (?:verifica|conferma)|подтвердите |код подтверждения|确认您的|验证码|驗證碼|認証コード"
    r"|確認コード|인증 ?(?:코드|번호)",
    re.IGNORECASE,
)


def why_not(outbound: Outbound, history: Sequence[Event], ours: Iterable[str]) -> str:
    """Give why an automatic message must not go out, "" when it may; what a person wrote always may. Pure.

    RFC 3834 section 2: no automatic answer to automatic mail, to reports, to ourselves, and not twice a day.
    """
    if not outbound.message.automatic:
        return ""
    to = outbound.to.strip().lower()
    if to in {address.lower() for address in ours}:
        return "an automatic message to ourselves would go round for ever"
    if is_machine(to):
        return f"nobody reads automatic messages at {outbound.to}"
    if _answers_machine(history):
        return "the message it answers was itself sent by a machine"
    if outbound.message.purpose != "answer" and _sent_lately(outbound, history):
        return "this contact got the same kind of automatic message within a day"
    return ""


def is_machine(address: str) -> bool:
    """Tell whether an address belongs to a machine, by its local part."""
    return bool(_MACHINES.fullmatch(address.partition("@")[0].strip()))


def _answers_machine(history: Sequence[Event]) -> bool:
    received = [event.fact for event in history if isinstance(event.fact, MessageReceived)]
    return bool(received) and received[-1].automatic


def _sent_lately(outbound: Outbound, history: Sequence[Event]) -> bool:
    return any(
        isinstance(event.fact, MessageSent)
        and event.fact.automatic
        and event.fact.purpose == outbound.message.purpose
        and outbound.at - event.at < PER_DAY
        for event in history
    )


def is_for_an_account(mail: InboundEmail) -> bool:
    """Tell whether a mail is another service's sign-up, verification or password mail.

    Whoever can read it can take over an account that was opened with our address, so it is no matter for every agent.
    People write about such mails as well: theirs answer something, or do not come from a machine.
    """
    if mail.in_reply_to or mail.references or not _SERVICE_SUBJECT.search(mail.subject[:300]):
        return False
    return mail.auto_reply or is_machine(mail.from_address) or mail.return_path == "" or _is_service(mail)


def _is_service(mail: InboundEmail) -> bool:
    """Tell whether a service may have sent it though nothing marks it: a bounce address of its own, and a link."""
    other_path = bool(mail.return_path) and (mail.return_path or "").lower() != mail.from_address.lower()
    return other_path and "http" in mail.text + mail.html


class Rates:
    """Counts mails per sender in windows of an hour; `str` of it can be kept and loaded by another process."""

    def __init__(self, most: int, since: datetime, counts: dict[str, int] | None = None) -> None:
        self._most = most
        self._since = since
        self._counts = counts or {}

    @classmethod
    def load(cls, most: int, text: str, now: datetime) -> Rates:
        """Give what `str` of one gave, an empty one for anything else."""
        try:
            found = json.loads(text)
            since = datetime.fromisoformat(found["since"])
            return cls(most, since, {str(sender): int(count) for sender, count in found["counts"].items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(most, now)

    def __str__(self) -> str:
        busiest = sorted(self._counts.items(), key=lambda item: -item[1])[:_SENDERS]
        return json.dumps({"since": self._since.isoformat(), "counts": dict(busiest)})

    def allow(self, sender: str, now: datetime) -> bool:
        """Count one mail of *sender*; False when it is one too many."""
        if not timedelta() <= now - self._since < timedelta(hours=1):
            self._since, self._counts = now, {}
        count = self._counts[sender] = self._counts.get(sender, 0) + 1
        return count <= self._most
