"""People who want no more mail that they did not ask for: the way out in such mail, and what comes of it.

A token in the link (RFC 8058) and in the subject of a mail (RFC 2369) names the conversation and the address, and an
HMAC proves that we made it. Nothing else proves who asks, as the RFC wants it: no login, no cookie, one click. A link
that is only looked at does nothing, since mail scanners follow every one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from html import escape
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from carekit import Address, Desk, Inbound, NotFound, Scope
from carekit_email.codec import InboundEmail
from carekit_email.threading import tag

PURPOSE = "unsubscribe"
_TOKEN = re.compile(r"([A-Za-z0-9_-]{8,600})\.([a-z2-7]{20})")
_SUBJECT = re.compile(rf"\s*{PURPOSE}\s+({_TOKEN.pattern})\s*", re.IGNORECASE)
_TEXT = "(unsubscribed from mail that nobody asked for)"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Unsubscribe</title><style>main {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto;
padding: 0 1rem; overflow-wrap: anywhere }} button {{ font: inherit; padding: 0.5rem 1.5rem }}</style>
<main><h1>Unsubscribe</h1><p>{words}</p>{form}</main></html>
"""
_FORM = '<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'


def token(secret: bytes, conversation: str, address: str) -> str:
    """Give the token that refuses mail to *address*, as it got one in *conversation*."""
    named = base64.urlsafe_b64encode(f"{conversation} {address.lower()}".encode()).decode("ascii").rstrip("=")
    return f"{named}.{tag(secret, conversation, address, PURPOSE)}"


def ways_out(secret: bytes, conversation: str, address: str, url: str, ours: str) -> tuple[str, ...]:
    """Give the addresses for List-Unsubscribe: below *url* where that is https, and a mail to *ours*."""
    made = token(secret, conversation, address)
    mail = f"mailto:{quote(ours, safe='@')}?subject={PURPOSE}%20{made}"
    return (f"{url}/{PURPOSE}/{made}", mail) if url.startswith("https://") else (mail,)


def refusal(given: str, channel: str, secret: bytes, external_id: str) -> Inbound | None:
    """Give the message that a token stands for, None when it is not one of ours; pure."""
    found = _TOKEN.fullmatch(given)
    if found is None:
        return None
    try:
        padded = found.group(1) + "=" * (-len(found.group(1)) % 4)
        conversation, _, address = base64.urlsafe_b64decode(padded).decode().partition(" ")
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(tag(secret, conversation, address, PURPOSE), found.group(2)):
        return None
    # What was signed is the address without its case and the spaces around it: nothing else was vouched for.
    sender = Address("email", address.strip().lower())
    return Inbound(channel, external_id, sender, _TEXT, conversation=conversation, automatic=True, consent=False)


def refused_by(mail: InboundEmail, channel: str, secret: bytes, external_id: str) -> Inbound | None:
    """Give the refusal that a mail is by its subject, None when it is none; pure."""
    found = _SUBJECT.fullmatch(mail.subject[:1_000])
    return refusal(found.group(1), channel, secret, external_id) if found else None


def route(channel: str, secret: bytes, desk: Desk) -> Route:
    """Give ``/unsubscribe/<token>``: a page with a button for people, one POST for mail programs."""

    async def answer(request: Request) -> Response:
        given = request.path_params["token"]
        inbound = refusal(given, channel, secret, f"{PURPOSE} {desk.now().isoformat()} {given}")
        if inbound is None:
            return _page("This link is not complete. Please copy all of it from the mail.", 404)
        address = inbound.sender.value
        if request.method != "POST":
            return _page(f"Do you want no more mail at {address} that you did not ask for?", form=_FORM)
        if not await _known(inbound, desk):
            await desk.receive(inbound)
        return _page(f"Done: {address} gets no more mail that nobody asked for.")

    return Route(f"/{PURPOSE}/{{token}}", answer, methods=["GET", "POST"], name=f"{channel}-{PURPOSE}")


async def _known(inbound: Inbound, desk: Desk) -> bool:
    """Tell whether the refusal stands already: people click twice, and programs post again."""
    try:
        conversation = await desk.conversation(inbound.conversation, Scope.everything())
        contact = await desk.contact(conversation.contact, Scope.everything())
    except NotFound:
        return False
    return inbound.sender.key in contact.refused


def _page(words: str, status: int = 200, form: str = "") -> Response:
    return HTMLResponse(_PAGE.format(words=escape(words), form=form), status, _HEADERS)
