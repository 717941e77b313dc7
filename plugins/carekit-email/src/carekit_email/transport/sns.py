"""Mail that Amazon SES publishes over SNS: signed notifications with the raw mail in them, and subscriptions.

The format of what is signed is that of the SNS developer guide, "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from carekit import ConfigError, Ignored, Malformed, NotOurs
from carekit_email.transport.posted import Posted

_HOST = re.compile(r"sns\.[a-z0-9-]{1,30}\.amazonaws\.com(?:\.cn)?")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def mail_in(posted: Posted, topic: str, fetch: Callable[[str], bytes]) -> bytes:
    """Give the raw mail in a notification of *topic*; *fetch* gets certificates and confirms subscriptions."""
    try:
        envelope = json.loads(posted.body)
        kind = str(envelope["Type"])
        signed = _SIGNED[kind]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotOurs("this request is no notification of SNS") from error
    if not topic or envelope.get("TopicArn") != topic:
        raise NotOurs("this notification is of another topic")
    _verify(envelope, signed, fetch)
    if kind == "SubscriptionConfirmation":
        fetch(_checked(str(envelope.get("SubscribeURL", ""))))
        raise Ignored("the subscription to the topic is confirmed")
    return _content(str(envelope.get("Message", "")))


def _verify(envelope: Mapping[str, Any], signed: tuple[str, ...], fetch: Callable[[str], bytes]) -> None:
    certificate = fetch(_checked(str(envelope.get("SigningCertURL", "")), ending=".pem"))
    text = "".join(f"{name}\n{envelope[name]}\n" for name in signed if name in envelope)
    version = str(envelope.get("SignatureVersion", ""))
    if version not in {"1", "2"} or not _rsa_fits(certificate, str(envelope.get("Signature", "")), text, version):
        raise NotOurs("the signature of this notification is not that of SNS")


def _checked(address: str, ending: str = "") -> str:
    """Give *address* if it is one of SNS itself; anything else would let a stranger choose whom we ask."""
    parts = urlsplit(address)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc) or not parts.path.endswith(ending):
        raise NotOurs("this notification names an address that is not of SNS")
    return address


def _content(message: str) -> bytes:
    try:
        found = json.loads(message)
        content = found.get("content")
    except (ValueError, AttributeError, RecursionError) as error:
        raise Malformed("the notification holds no document of SES") from error
    if not isinstance(content, str) or not content:
        where = "the receipt rule must publish the mail itself (an SNS action), not a note that it lies in S3"
        raise Ignored(f"there is no mail in this notification: {where}")
    if re.match(r"[A-Za-z0-9-]{1,100}:", content):  # a header field: the rule's encoding is UTF-8
        return content.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return content.encode("utf-8", "surrogateescape")


def _rsa_fits(certificate: bytes, signature: str, text: str, version: str) -> bool:
    hashes, padding, _, x509, invalid = _cryptography()
    kind = hashes.SHA1() if version == "1" else hashes.SHA256()
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        key.verify(base64.b64decode(signature), text.encode(), padding.PKCS1v15(), kind)
    except (invalid, ValueError, TypeError, AttributeError, binascii.Error):
        return False
    return True


def ecdsa_fits(public_key: str, signature: str, data: bytes) -> bool:
    """Tell whether *signature* (base64, DER) over SHA-256 of *data* is that of *public_key* (base64, DER)."""
    hashes, _, ec, _, invalid = _cryptography()
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), data, ec.ECDSA(hashes.SHA256()))  # type: ignore[union-attr,call-arg]
    except (invalid, ValueError, TypeError, AttributeError, binascii.Error):
        return False
    return True


def _cryptography() -> tuple[Any, Any, Any, Any, Any]:
    """Give what checks signatures, loaded when it is first needed: it takes a tenth of a second."""
    try:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding
    except ImportError:
        raise ConfigError("signatures of this provider need `pip install 'carekit-email[providers]'`") from None
    return hashes, padding, ec, x509, InvalidSignature
