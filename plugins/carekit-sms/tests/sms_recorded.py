"""One desk's channels at each provider, and what the providers post to them: genuine in form, with made-up numbers.

Signatures are made here as each provider publishes it; that our reading of that is theirs is shown in
``test_signatures.py`` with their own vectors.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
from joserfc import jwt
from joserfc.jwk import OctKey

from carekit import Payload, Secret
from carekit_sms.channel import Sms
from carekit_sms.settings import settings_class

URL = "http://127.0.0.1:8000/channels/sms"
"""Where the channel is on a desk whose file says nothing of its address."""
OURS = "+34911000000"
ANA = "+34612345678"
KEY = "a key of thirty-two characters .."
TABLES: Mapping[str, Mapping[str, Any]] = {
    "kannel": {"user": "care", "password": Secret("for sending"), "secret": Secret("for posting")},
    "twilio": {"account": "AC00000000000000000000000000000001", "token": Secret("12345")},
    "vonage": {"key": "abcd1234", "signature": Secret(KEY), "secret": Secret("for sending")},
    "messagebird": {"key": Secret("for sending"), "signing_key": Secret(KEY)},
    "bird": {
        "key": Secret("for sending"),
        "workspace": "614208aa-b153-4d5d-9989-2fddfc0ce4c3",
        "channel": "86cc4dc0-3dc0-41b7-ac43-8ec829ead56f",
        "signing_key": Secret(KEY),
    },
}
APIS = {
    "kannel": ("url", "/cgi-bin/sendsms"),
    "twilio": ("api", ""),
    "vonage": ("api", ""),
    "messagebird": ("api", ""),
    "bird": ("api", ""),
    "generic": ("url", "/send"),
}
"""The key of each provider's table that says where its API is, and the path there."""
PROVIDERS = tuple(APIS)


def generic() -> dict[str, Any]:
    """The table of a gateway that posts JSON under an HMAC and takes its password in the address."""
    from carekit_sms.providers.generic import GenericSettings, InboundSettings, ReceiptSettings, VerifySettings

    made = GenericSettings(
        url="https://sms.example/send",
        method="GET",
        format="query",
        send={
            "user": "care",
            "pass": "{secret.password}",
            "to": "{to_digits}",
            "from": "{sender}",
            "msg": "{text}",
            "dlr": "{report_to}",
        },
        secrets={"password": Secret("for sending")},
        inbound=InboundSettings(
            format="json", id="message.id", sender="message.from", to="message.to", text="message.text"
        ),
        verify=VerifySettings(by="hmac", secret=Secret(KEY), name="X-Signature", prefix="sha256="),
        receipts=ReceiptSettings(delivered=("DELIVRD",), failed=("UNDELIV", "EXPIRED"), sent=("ENROUTE",)),
        id="id",
    )
    return attrs.asdict(made, recurse=False)


def channel(provider: str, api: str = "", **more: Any) -> Sms:
    """A channel at *provider*, whose API is at *api* if given."""
    table = generic() if provider == "generic" else dict(TABLES[provider])
    table |= more.pop(provider, {})
    if api:
        key, path = APIS[provider]
        table[key] = api + path
    cls = settings_class()
    made = attrs.fields_dict(cls)[provider].type
    own = next(one for one in made.__args__ if one is not type(None))
    settings = cls(**({"provider": provider, "number": OURS, provider: own(**table)} | more))
    found = Sms("sms", settings)
    found.url = URL
    found.secret = b"the secret of this component ...."
    return found


# --- what they post


def token(claims: Mapping[str, Any], key: str = KEY) -> str:
    """A JWT as both providers that use one sign it."""
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, dict(claims), OctKey.import_key(key))


def inbound(provider: str, text: str = "Where is my parcel?", *, at: float | None = None, **more: Any) -> Payload:
    """A text as *provider* posts it, signed at the instant *at* (now by default); *more* changes its fields."""
    return _INBOUND[provider](text, time.time() if at is None else at, more)


def _kannel(text: str, at: float, more: Mapping[str, Any]) -> Payload:
    wide = any(ord(character) > 255 for character in text)
    charset = "UTF-16BE" if wide else "UTF-8"
    query = {"id": "0a95b724-202f-4e52-a953-fd881973bc3d", "from": ANA, "to": OURS, **more}
    headers = {
        "authorization": "Basic " + base64.b64encode(b"kannel:for posting").decode(),
        "content-type": f'text/plain; charset="{charset}"',
        "user-agent": "Kannel/1.4.5",
        "x-kannel-from": query["from"],
        "x-kannel-to": query["to"],
        "x-kannel-time": "2026-11-24 18:41:44",
        "x-kannel-smsc": "FAKE",
        "x-kannel-coding": "2" if wide else "0",
        "x-kannel-service": "default",
    }
    return Payload(text.encode(charset), headers, query)


def _twilio(text: str, at: float, more: Mapping[str, Any]) -> Payload:
    form = {
        "ToCountry": "ES", "ToState": "", "SmsMessageSid": "SM0000000000000000000000000000000a", "NumMedia": "0",
        "ToCity": "", "FromZip": "", "SmsSid": "SM0000000000000000000000000000000a", "FromState": "",
        "SmsStatus": "received", "FromCity": "", "Body": text, "FromCountry": "ES", "To": OURS, "ToZip": "",
        "NumSegments": "1", "MessageSid": "SM0000000000000000000000000000000a",
        "AccountSid": "AC00000000000000000000000000000001", "From": ANA, "ApiVersion": "2010-04-01", **more,
    }  # fmt: skip
    signed = f"{URL}/inbound" + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.new(b"12345", signed.encode(), hashlib.sha1).digest()).decode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", "x-twilio-signature": signature}
    return Payload(urlencode(form).encode(), headers)


def _vonage(text: str, at: float, more: Mapping[str, Any]) -> Payload:
    body = json.dumps({
        "channel": "sms", "message_type": "text", "message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab",
        "to": OURS[1:], "from": ANA[1:], "timestamp": "2026-11-24T18:41:44Z", "text": text,
        "sms": {"num_messages": "1", "keyword": text.split(" ")[0].upper()},
        "usage": {"price": "0.0057", "currency": "EUR"}, **more,
    }).encode()  # fmt: skip
    return Payload(body, vonage_headers(body, at))


def vonage_headers(body: bytes, at: float, **claims: Any) -> dict[str, str]:
    """The headers of a webhook of Vonage."""
    told = {
        "iat": int(at), "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5", "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(), "api_key": "abcd1234", **claims,
    }  # fmt: skip
    return {"content-type": "application/json", "authorization": f"Bearer {token(told)}"}


def _messagebird(text: str, at: float, more: Mapping[str, Any]) -> Payload:
    body = urlencode({
        "id": "e8077d803532c0b5937c639b60216938", "recipient": OURS[1:], "originator": ANA[1:], "body": text,
        "createdDatetime": "2026-11-24T18:41:44+00:00", **more,
    }).encode()  # fmt: skip
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Payload(body, headers | messagebird_headers(f"{URL}/inbound", body, at))


def messagebird_headers(url: str, body: bytes, at: float, **claims: Any) -> dict[str, str]:
    """The headers of a webhook of MessageBird."""
    told = {
        "iss": "MessageBird", "nbf": int(at), "exp": int(at) + 60, "jti": "59a244dc-e9ad-4e23-9778-371faa238f72",
        "url_hash": hashlib.sha256(url.encode()).hexdigest(),
    }  # fmt: skip
    if body:
        told["payload_hash"] = hashlib.sha256(body).hexdigest()
    return {"messagebird-signature-jwt": token(told | claims)}


def _bird(text: str, at: float, more: Mapping[str, Any]) -> Payload:
    payload = {
        "id": "96a0b5fa-a986-453d-be5c-3117f989f025", "channelId": TABLES["bird"]["channel"],
        "sender": {"contact": {"id": "32cf5eee", "identifierKey": "phonenumber", "identifierValue": ANA}},
        "receiver": {"connector": {"id": "86cc4dc0-3dc0-41b7-ac43-8ec829ead56f"}},
        "body": {"type": "text", "text": {"text": text}}, "status": "delivered", "direction": "incoming",
        "createdAt": "2026-11-24T18:41:44.736Z", **more,
    }  # fmt: skip
    body = json.dumps({"service": "channels", "event": "sms.inbound", "payload": payload}).encode()
    return Payload(body, bird_headers(f"{URL}/inbound", body, at))


def bird_headers(url: str, body: bytes, at: float) -> dict[str, str]:
    """The headers of a webhook of Bird."""
    stamp = str(int(at))
    signed = f"{stamp}\n{url}\n".encode() + hashlib.sha256(body).digest()
    signature = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "messagebird-request-timestamp": stamp,
        "messagebird-signature": signature,
    }


def _generic(text: str, at: float, more: Mapping[str, Any]) -> Payload:
    message = {"id": 4711, "from": ANA, "to": OURS, "text": text, **more}
    body = json.dumps({"message": message}).encode()
    signature = "sha256=" + hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    return Payload(body, {"content-type": "application/json", "x-signature": signature})


_INBOUND = {
    "kannel": _kannel,
    "twilio": _twilio,
    "vonage": _vonage,
    "messagebird": _messagebird,
    "bird": _bird,
    "generic": _generic,
}


@attrs.frozen
class Receipt:
    """A receipt as a provider sends it: to which path below the channel's, and how."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    query: str = ""


def receipt(provider: str, reference: str, word: str, *, at: float | None = None) -> Receipt:
    """The receipt of *provider* whose status is *word* for the text with *reference*."""
    now, path = time.time() if at is None else at, f"/receipt/{reference}"
    if provider == "kannel":
        return Receipt("GET", path, query=urlencode({"type": word, "detail": "ACK/"}))
    if provider == "generic":
        return Receipt("GET", path, query=urlencode({"status": word}))
    if provider == "messagebird":
        query = urlencode({
            "id": "e8077d803532c0b5937c639b60216938", "reference": reference, "recipient": ANA[1:], "status": word,
            "statusReason": "unknown subscriber", "statusErrorCode": "1",
            "statusDatetime": "2026-11-24T18:41:44+00:00",
        })  # fmt: skip
        return Receipt("GET", path, b"", messagebird_headers(f"{URL}{path}?{query}", b"", now), query)
    if provider == "twilio":
        form = {"MessageSid": "SM0b", "MessageStatus": word, "To": ANA, "From": OURS, "ApiVersion": "2010-04-01"}
        if word in ("failed", "undelivered"):
            form["ErrorCode"] = "30003"
        signed = URL + path + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.new(b"12345", signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        return Receipt("POST", path, urlencode(form).encode(), headers)
    if provider == "vonage":
        error = {"type": "https://developer.vonage.com/api-errors/messages#1340", "title": "Outside Allowed Window",
                 "detail": "Cannot send now", "instance": "1"}  # fmt: skip
        told: dict[str, Any] = {
            "message_uuid": "aaaa", "to": ANA[1:], "from": OURS[1:], "channel": "sms", "status": word,
            "timestamp": "2026-11-24T18:41:44Z", "client_ref": reference,
        }  # fmt: skip
        body = json.dumps(told | ({"error": error} if word == "rejected" else {})).encode()
        return Receipt("POST", path, body, vonage_headers(body, now))
    payload = {"id": "96a0", "channelId": TABLES["bird"]["channel"], "status": word, "reference": reference,
               "reason": "unknown subscriber"}  # fmt: skip
    body = json.dumps({"service": "channels", "event": "sms.outbound", "payload": payload}).encode()
    return Receipt("POST", "/receipt", body, bird_headers(f"{URL}/receipt", body, now))


WORDS: Mapping[str, Mapping[str, str]] = {
    "kannel": {"sent": "8", "delivered": "1", "failed": "2"},
    "twilio": {"sent": "sent", "delivered": "delivered", "failed": "undelivered"},
    "vonage": {"sent": "submitted", "delivered": "delivered", "failed": "rejected"},
    "messagebird": {"sent": "buffered", "delivered": "delivered", "failed": "delivery_failed"},
    "bird": {"sent": "sent", "delivered": "delivered", "failed": "delivery_failed"},
    "generic": {"sent": "ENROUTE", "delivered": "DELIVRD", "failed": "EXPIRED"},
}
"""What each provider calls a status."""
