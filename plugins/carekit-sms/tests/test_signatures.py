"""Signatures, against what the providers themselves publish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from carekit import NotOurs, Secret
from carekit_sms import signatures
from carekit_sms.provider import Posted
from carekit_sms.providers.messagebird import MessageBird, MessageBirdSettings
from carekit_sms.providers.twilio import Twilio, TwilioSettings

# twilio-python 9, tests/unit/test_request_validator.py: auth token, address, fields, and what they are signed with.
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
TWILIO_TWICE = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [(TWILIO_FIELDS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="), (TWILIO_TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU=")],
)
def test_a_form_is_signed_as_twilio_does(fields: list[tuple[str, str]], expected: str) -> None:
    """The vectors of twilio-python 9 (tests/unit/test_request_validator.py), a field that comes twice included."""
    assert signatures.twilio(TWILIO_URL, fields, "12345") == expected


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (TWILIO_URL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (TWILIO_URL.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (TWILIO_URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (TWILIO_URL.replace("https", "http").replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (TWILIO_URL.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_twilio_may_sign_with_or_without_the_port(url: str, signature: str) -> None:
    """The vectors of twilio-python 9 for addresses with a port, of both schemes."""
    twilio = Twilio(TwilioSettings(account="AC1", token=Secret("12345")))
    body = urlencode(TWILIO_FIELDS).encode()
    twilio.verify(Posted(url, body, {"x-twilio-signature": signature}))
    with pytest.raises(NotOurs):
        twilio.verify(Posted(url.replace("bar=2", "bar=3"), body, {"x-twilio-signature": signature}))


# messagebird/python-rest-api 2.2, tests/test_request_validator/webhook_signature_test_data.json: the key of all cases,
# the instant at which they are checked, and the parts of their tokens.
MESSAGEBIRD_KEY = "36efdd1aace2e26cd490f0d951138253bef2f7c6d34d18981da781555cc4cebb"
NOON = datetime(2021, 7, 5, 10, 0, tzinfo=UTC)
HS256 = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
ISSUED = "eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiI"
PLAIN = (
    f"{HS256}{ISSUED}1OWEyNDRkYy1lOWFkLTRlMjMtOTc3OC0zNzFmYWEyMzhmNzIiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4"
    "NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzljNzc4M2U5ZDcifQ.6Fp0rVOsRr1fj9S2GidXAfkmPVofKr8_RTffC6G6r2E"
)
WITH_PAYLOAD = (
    f"{HS256}{ISSUED}5M2U1NTAwNi1hMGU4LTQ1MjYtYTE5MC1mYTVmZjAwZWExMTYiLCJ1cmxfaGFzaCI6IjQxZjA1ZjBkZGQwYTIyYWIyMDlhYzQ2"
    "ZjQ3YzQ1NzJkOWNlZmEyNTdlZDc0YjI0MDA0YmFlNzUzZWNlNmMyNjAiLCJwYXlsb2FkX2hhc2giOiJkZmZkNjAyMWJiMmJkNWIwYWY2NzYyOTA4"
    "MDllYzNhNTMxOTFkZDgxYzdmNzBhNGIyODY4OGEzNjIxODI5ODZmIn0._H--TOuYFLpeEH39-rg5E3IHVkjHozBcaKVWPRC5m9I"
)
TOO_EARLY = (
    f"{HS256}eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ4MjgwMCwiZXhwIjoxNjI1NDgyODYwLCJqdGkiOiJmOWY4YzM4Mi0yNDQ5LTQz"
    "MTEtYjcyYi0xZGY3MTY4NzkzMWUiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4"
    "NDYxNzljNzc4M2U5ZDcifQ.ZELgDFNGhjZH9CffQKcq3sytBe2I0KciLxpBhcfstHQ"
)
EXPIRED = (
    f"{HS256}eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3NTYwMCwiZXhwIjoxNjI1NDc1NjYwLCJqdGkiOiI1ZjAyZjUyMi02MDMwLTQ2"
    "YzgtYjVhMy0wMTI0NjQ3OGQ4YmMiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4"
    "NDYxNzljNzc4M2U5ZDcifQ.45MSST3B_2PsjNUeiuW54_vUQgVw4rBXrdWrOUEz3lM"
)
OTHER_KEY = (
    f"{HS256}{ISSUED}yNDNjMjdhZS0yZjAyLTQ2YTAtODg1Mi1jNjZmMzdlYTlmNDYiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4"
    "NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzljNzc4M2U5ZDcifQ.JgSeYyOtlEKAXk8bz30iJI4tXgf4lxknoiezawuVhb4"
)
NO_ALGORITHM = (
    "eyJhbGciOiJub25lIiwidHlwIjoSldUIn0.eyJpc3MiOiJNZXNzYWdlQmlyZCIsImlhdCI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGki"
    "OiI1OWEyNDRkYy1lOWFkLTRlMjMtOTc3OC0zNzFmYWEyMzhmNzIifQ."
)
HOME, PATH = "https://example.com/", "https://example.com/path?bar=1&foo=2"


def messagebird(token: str, url: str, payload: str = "") -> None:
    provider = MessageBird(MessageBirdSettings(key=Secret("x"), signing_key=Secret(MESSAGEBIRD_KEY)))
    provider.verify(Posted(url, payload.encode(), {"messagebird-signature-jwt": token}, {}, NOON))


@pytest.mark.parametrize(("token", "url", "payload"), [(PLAIN, HOME, ""), (WITH_PAYLOAD, PATH, "Hello, World!")])
def test_messagebirds_own_tokens_are_taken(token: str, url: str, payload: str) -> None:
    """The valid vectors of messagebird/python-rest-api 2.2 (webhook_signature_test_data.json)."""
    messagebird(token, url, payload)


@pytest.mark.parametrize(
    ("token", "url", "payload"),
    [
        (TOO_EARLY, HOME, ""),
        (EXPIRED, HOME, ""),
        (OTHER_KEY, HOME, ""),
        (NO_ALGORITHM, HOME, ""),
        (PLAIN, "https://example.com/path?foo=1&bar=2", ""),
        (PLAIN, HOME, "Hello, World!"),
        (WITH_PAYLOAD, PATH, ""),
        (WITH_PAYLOAD, PATH, "Hello, world!"),
        ("", HOME, ""),
    ],
    ids=["early", "expired", "other key", "alg none", "other url", "added", "removed", "changed", "none"],
)
def test_messagebirds_bad_tokens_are_refused(token: str, url: str, payload: str) -> None:
    """The invalid vectors of messagebird/python-rest-api 2.2, each with the fault that its name says."""
    with pytest.raises(NotOurs):
        messagebird(token, url, payload)


def test_vonages_own_token_is_taken() -> None:
    """The vector of vonage-python-sdk 4 (jwt/tests/test_verify_jwt.py): its secret fits, another does not."""
    token = (
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMy"
        "NTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM"
    )
    claims = signatures.claims_of(token, "qwertyuiopasdfghjklzxcvbnm123456", NOON + timedelta(days=900))
    assert claims["iat"] == 1697634680
    with pytest.raises(NotOurs):
        signatures.claims_of(token, "a secret of somebody else ......", None)


def test_bird_signs_time_address_and_digest() -> None:
    """As docs.bird.com, "Verifying a webhook subscription", tells it step by step, done here with openssl's words:
    the key is ``secureSigningKey``, and the digest of the body stands as 32 raw octets."""
    import base64
    import subprocess

    url, body, stamp = "https://domain.com/webhook/bird", b'{"service":"channels"}', "1719823259"
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=body, capture_output=True, check=True)
    signed = f"{stamp}\n{url}\n".encode() + digest.stdout
    command = ["openssl", "dgst", "-sha256", "-hmac", "secureSigningKey", "-binary"]
    theirs = base64.b64encode(subprocess.run(command, input=signed, capture_output=True, check=True).stdout).decode()
    assert signatures.bird(url, body, stamp, "secureSigningKey") == theirs


@pytest.mark.parametrize("stamp", [NOON.timestamp(), str(int(NOON.timestamp())), NOON.timestamp() - 23 * 3600])
def test_a_repeated_delivery_of_the_same_day_is_taken(stamp: Any) -> None:
    """Providers repeat for a day with the stamp of their first attempt; a shorter window would lose such texts."""
    signatures.check_age(stamp, NOON)


@pytest.mark.parametrize("stamp", [NOON.timestamp() - 25 * 3600, NOON.timestamp() + 600, "soon", None, "", "nan"])
def test_an_old_or_timeless_request_is_refused(stamp: Any) -> None:
    """What was signed over a day ago, in the future, or at no time is no delivery any more."""
    with pytest.raises(NotOurs):
        signatures.check_age(stamp, NOON)


@pytest.mark.parametrize(
    ("value", "password"),
    [
        ("Basic a2FubmVsOmZvciBwb3N0aW5n", "for posting"),
        ("basic a2FubmVsOmE6Yg==", "a:b"),
        ("Basic !", ""),
        ("Basic /w==", ""),
        ("Bearer x", ""),
        ("", ""),
    ],
)
def test_the_password_is_read_from_basic_authentication(value: str, password: str) -> None:
    """RFC 7617: base64 of user, colon, password, which may hold colons itself."""
    assert signatures.password_of(value) == password
