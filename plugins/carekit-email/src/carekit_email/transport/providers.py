"""Mail that providers post: who really posted it, and the raw mail in what they posted. Pure but for one certificate.

Every function raises NotOurs (not from this provider), Ignored (genuine, but no mail) or Malformed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from carekit import Ignored, Malformed, NotOurs
from carekit_email.settings import WebhookSettings
from carekit_email.transport import sns
from carekit_email.transport.posted import Posted, Upload, rebuilt

_MAX_AGE = 86_400.0  # seconds; a mail that is posted again is the same mail, so replays are harmless

Fetch = Callable[[str], bytes]
"""Gives what is at an address that was checked before."""


def mail_in(posted: Posted, settings: WebhookSettings, now: float, fetch: Fetch) -> bytes:
    """Give the raw mail that *settings.provider* posted; *now* is the time in seconds since 1970."""
    if settings.provider == "ses":
        return sns.mail_in(posted, settings.topic, fetch)
    reader: Callable[[Posted, WebhookSettings, float], bytes] = {
        "mailgun": _mailgun,
        "sendgrid": _sendgrid,
        "postmark": _postmark,
        "raw": _raw,
    }[settings.provider]
    return reader(posted, settings, now)


def _mailgun(posted: Posted, settings: WebhookSettings, now: float) -> bytes:
    """Mailgun routes: HMAC-SHA256 of timestamp and token; raw where the route's address ends in ``mime``."""
    key = _secret(settings)
    stamp, token = posted.fields.get("timestamp", ""), posted.fields.get("token", "")
    expected = hmac.new(key, f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    if not token or not _same(expected, posted.fields.get("signature", "")) or not _recent(stamp, now):
        raise NotOurs("the signature of this form is not Mailgun's, or it is too old")
    raw = posted.fields.get("body-mime")
    if raw is not None:
        return raw.encode("utf-8", "surrogateescape")
    ids = {str(name): str(cid) for cid, name in _json(posted.fields.get("content-id-map", "{}"), dict).items()}
    headers = [(str(one[0]), str(one[1])) for one in _json(posted.text("message-headers"), list) if len(one) == 2]
    files = [_with_id(file, ids.get(name, "")) for name, file in posted.files.items()]
    fields = posted.fields
    return rebuilt(headers, fields.get("body-plain", ""), fields.get("body-html", ""), files, fields.get("sender"))


def _sendgrid(posted: Posted, settings: WebhookSettings, now: float) -> bytes:
    """SendGrid inbound parse: an ECDSA signature where a public key is set, else basic authentication."""
    if settings.secret is not None:
        stamp = posted.headers.get("x-twilio-email-event-webhook-timestamp", "")
        given = posted.headers.get("x-twilio-email-event-webhook-signature", "")
        fits = sns.ecdsa_fits(settings.secret.reveal(), given, stamp.encode() + posted.body)
        if not fits or not _recent(stamp, now):
            raise NotOurs("the signature of this form is not SendGrid's, or it is too old")
    else:
        _basic(posted, settings)
    raw = posted.fields.get("email")
    if raw is not None:
        return raw.encode("utf-8", "surrogateescape")
    fields = posted.fields
    ids = {str(name): str(cid) for cid, name in _json(fields.get("content-ids", "{}"), dict).items()}
    files = [_with_id(file, ids.get(name, "")) for name, file in posted.files.items()]
    sender = _json(fields.get("envelope", "{}"), dict).get("from")
    path = str(sender) if sender is not None else None
    return rebuilt(_unfolded(posted.text("headers")), fields.get("text", ""), fields.get("html", ""), files, path)


def _postmark(posted: Posted, settings: WebhookSettings, now: float) -> bytes:
    """Postmark inbound: JSON behind basic authentication; raw where "include raw email content" is on."""
    _basic(posted, settings)
    found = _json(posted.body, dict)
    if found.get("RawEmail"):
        return str(found["RawEmail"]).encode("utf-8", "surrogateescape")
    if "FromFull" not in found and "From" not in found:
        raise Ignored("this document of Postmark is no inbound mail")
    headers = [(name, str(found[name])) for name in ("From", "To", "Cc", "Subject", "Date") if found.get(name)]
    headers += [(str(one.get("Name", "")), str(one.get("Value", ""))) for one in _dicts(found.get("Headers"))]
    if found.get("ReplyTo"):
        headers.append(("Reply-To", str(found["ReplyTo"])))
    if found.get("OriginalRecipient"):
        headers.append(("Delivered-To", str(found["OriginalRecipient"])))
    if not any(name.lower() == "message-id" for name, _ in headers) and found.get("MessageID"):
        headers.append(("Message-ID", f"<{found['MessageID']}@inbound.postmarkapp.com>"))
    files = [_postmark_file(one) for one in _dicts(found.get("Attachments"))]
    return rebuilt(headers, str(found.get("TextBody") or ""), str(found.get("HtmlBody") or ""), files)


def _raw(posted: Posted, settings: WebhookSettings, now: float) -> bytes:
    """The mail itself as the body, from whoever knows the token."""
    scheme, _, given = posted.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not _same(_secret(settings).decode(), given.strip()):
        raise NotOurs("the bearer token is missing or wrong")
    if not posted.body.strip():
        raise Ignored("there is no mail in this request")
    return posted.body


# --- what they share


def _secret(settings: WebhookSettings) -> bytes:
    if settings.secret is None:
        raise NotOurs("no secret is set for this webhook, so nothing posted can be trusted")
    return settings.secret.reveal().encode()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _recent(stamp: str, now: float) -> bool:
    try:
        return abs(now - float(stamp)) < _MAX_AGE
    except ValueError:
        return False


def _basic(posted: Posted, settings: WebhookSettings) -> None:
    password = settings.password.reveal() if settings.password is not None else ""
    expected = base64.b64encode(f"{settings.user}:{password}".encode()).decode()
    scheme, _, given = posted.headers.get("authorization", "").partition(" ")
    if not password or scheme.lower() != "basic" or not _same(expected, given.strip()):
        raise NotOurs("name or password of this request is missing or wrong")


def _json(text: str | bytes, kind: type) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the posted document is no JSON: {type(error).__name__}") from error
    if not isinstance(found, kind):
        raise Malformed(f"the posted document is no {kind.__name__}")
    return found


def _dicts(found: object) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _unfolded(block: str) -> list[tuple[str, str]]:
    """Split a header block into fields, with the folds taken out."""
    fields: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line[:1] in {" ", "\t"} and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
        elif ":" in line:
            name, _, value = line.partition(":")
            fields.append((name.strip(), value.strip()))
    return fields


def _with_id(file: Upload, content_id: str) -> Upload:
    return Upload(file.name, file.content_type, file.content, content_id.strip("<> "))


def _postmark_file(found: Mapping[str, Any]) -> Upload:
    try:
        content = base64.b64decode(str(found.get("Content", "")))
    except (binascii.Error, ValueError):
        content = b""
    kind = str(found.get("ContentType") or "")
    return Upload(str(found.get("Name") or ""), kind, content, str(found.get("ContentID") or "").strip("<> "))
