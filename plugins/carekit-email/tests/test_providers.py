"""Mail that providers post: believed with their signature only, raw or in pieces, kept before the answer."""

# ruff: noqa: E501 - samples are shown as they are

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from mail_tests_mailroom import FILE, mail
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carekit import Ignored, NotOurs, Secret, Unavailable
from carekit_email import decode
from carekit_email.settings import WebhookSettings
from carekit_email.transport.posted import Posted, Upload
from carekit_email.transport.providers import mail_in

KEY = "key-of-the-provider"


def no_fetch(address: str) -> bytes:
    raise AssertionError(f"asked for {address}")


def read(posted: Posted, settings: WebhookSettings, fetch: Callable[[str], bytes] = no_fetch) -> bytes:
    return mail_in(posted, settings, time.time(), fetch)


def mailgun(secret: str = KEY, stamp: float | None = None, **fields: str) -> Posted:
    at = str(int(time.time() if stamp is None else stamp))
    signature = hmac.new(secret.encode(), f"{at}token".encode(), hashlib.sha256).hexdigest()
    files = {"attachment-1": Upload("a.png", "image/png", b"PNG")}
    return Posted(b"", {}, {"timestamp": at, "token": "token", "signature": signature} | fields, files)


MAILGUN = WebhookSettings(provider="mailgun", secret=Secret(KEY))
PIECES = {
    "message-headers": json.dumps(
        [["From", "Ada <ada@host.example>"], ["Subject", "Grüße"], ["Message-Id", "<1@host.example>"]]
    ),
    "body-plain": "Hello\n\nOn Mon, Nov 2, 2026 at 10:00 Shop <s@x.example> wrote:\n> old",
    "body-html": "<p>Hello</p>",
    "content-id-map": json.dumps({"<logo>": "attachment-1"}),
    "sender": "bounce@host.example",
}


def test_mailgun_posts_a_raw_mail() -> None:
    """Where the route's address ends in mime."""
    assert read(mailgun(**{"body-mime": "Subject: x\r\n\r\ny"}), MAILGUN) == b"Subject: x\r\n\r\ny"


def test_mailgun_posts_pieces() -> None:
    """Which become a mail again, with everything in its place."""
    found = decode(read(mailgun(**PIECES), MAILGUN))
    assert (found.from_name, found.subject, found.message_id) == ("Ada", "Grüße", "1@host.example")
    assert (found.reply_text, found.html, found.return_path) == ("Hello", "<p>Hello</p>", "bounce@host.example")
    (file,) = found.attachments
    assert (file.name, file.content, file.content_id) == ("a.png", b"PNG", "logo")


@pytest.mark.parametrize(
    "posted",
    [
        mailgun("other", **PIECES),
        mailgun(stamp=0, **PIECES),
        Posted(b"", {}, PIECES),
        mailgun(**PIECES | {"token": ""}),
    ],
)
def test_mailgun_is_believed_with_its_signature_only(posted: Posted) -> None:
    """Another key, an old one, none."""
    with pytest.raises(NotOurs):
        read(posted, MAILGUN)


BASIC = {"authorization": "Basic " + base64.b64encode(b"care:kit").decode()}
SENDGRID = WebhookSettings(provider="sendgrid", user="care", password=Secret("kit"))
SENDGRID_PIECES = {
    "headers": "From: Ada <ada@host.example>\nSubject: a\n folded subject\nMessage-ID: <1@host.example>\nContent-Type: multipart/x\n",
    "text": "Hello",
    "html": "<p>Hello</p>",
    "envelope": json.dumps({"from": "bounce@host.example", "to": ["help@shop.example"]}),
    "content-ids": json.dumps({"logo": "attachment1"}),
}


def test_sendgrid_posts_raw_and_in_pieces() -> None:
    """Both settings of its inbound parse."""
    assert read(Posted(b"", BASIC, {"email": "Subject: x\n\ny"}), SENDGRID) == b"Subject: x\n\ny"
    files = {"attachment1": Upload("a.png", "image/png", b"PNG")}
    found = decode(read(Posted(b"", BASIC, SENDGRID_PIECES, files), SENDGRID))
    assert (found.subject, found.text, found.message_id) == ("a folded subject", "Hello", "1@host.example")
    assert [(one.name, one.content_id) for one in found.attachments] == [("a.png", "logo")]


@pytest.mark.parametrize("header", ["", "Basic eDp5", "Bearer care:kit", "Basic"])
def test_without_the_password_nothing_is_believed(header: str) -> None:
    """The same for every provider that posts with basic authentication."""
    posted = Posted(b"{}", {"authorization": header}, SENDGRID_PIECES)
    for settings in (SENDGRID, WebhookSettings(provider="postmark", user="care", password=Secret("kit"))):
        with pytest.raises(NotOurs):
            read(posted, settings)


def test_sendgrid_is_believed_with_its_signature() -> None:
    """ECDSA over the time and the whole body, where a public key is set."""
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    from cryptography.hazmat.primitives import hashes, serialization

    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    settings = WebhookSettings(provider="sendgrid", secret=Secret(base64.b64encode(public).decode()))
    stamp, body = str(int(time.time())), b"the body"
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {
        "x-twilio-email-event-webhook-timestamp": stamp,
        "x-twilio-email-event-webhook-signature": signature,
    }
    assert read(Posted(body, headers, SENDGRID_PIECES), settings)
    for wrong in (Posted(body + b"!", headers, SENDGRID_PIECES), Posted(body, BASIC, SENDGRID_PIECES)):
        with pytest.raises(NotOurs):
            read(wrong, settings)


POSTMARK = WebhookSettings(provider="postmark", user="care", password=Secret("kit"))


def test_postmark_posts_raw_and_in_pieces() -> None:
    """With and without the raw mail in its document."""
    raw = json.dumps({"RawEmail": "Subject: x\n\ny", "From": "a@b.example"}).encode()
    assert read(Posted(raw, BASIC), POSTMARK) == b"Subject: x\n\ny"
    document = {
        "From": "Ada <ada@host.example>",
        "FromFull": {"Email": "ada@host.example"},
        "Subject": "Order",
        "OriginalRecipient": "help+x@shop.example",
        "MessageID": "73e6d360",
        "TextBody": "Hello",
        "Headers": [{"Name": "Message-ID", "Value": "<1@host.example>"}, {"Name": "In-Reply-To", "Value": "<0@x>"}],
        "Attachments": [{"Name": "a.png", "Content": "UE5H", "ContentType": "image/png", "ContentID": "cid:logo"}],
    }
    found = decode(read(Posted(json.dumps(document).encode(), BASIC), POSTMARK))
    assert (found.from_address, found.text, found.in_reply_to) == ("ada@host.example", "Hello", "0@x")
    assert (found.message_id, found.delivered_to) == ("1@host.example", ("help+x@shop.example",))
    assert found.attachments[0].content == b"PNG"
    with pytest.raises(Ignored):
        read(Posted(b'{"RecordType": "Delivery"}', BASIC), POSTMARK)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
SES = WebhookSettings(provider="ses", topic=TOPIC)


class Amazon:
    """Signs as SNS does, with a certificate of its own."""

    def __init__(self) -> None:
        pytest.importorskip("cryptography")
        import datetime

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), 1, now, now.replace(year=2030))
        self.pem = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.asked: list[str] = []

    def fetch(self, address: str) -> bytes:
        self.asked.append(address)
        return self.pem

    def post(self, version: str = "2", **changes: Any) -> Posted:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        document = {
            "Type": "Notification",
            "MessageId": "1",
            "TopicArn": TOPIC,
            "Timestamp": "2026-11-02T10:00:00Z",
            "SignatureVersion": version,
            "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/cert.pem",
            "Message": json.dumps({"notificationType": "Received", "content": base64.b64encode(mail()).decode()}),
        } | changes
        names = sorted(set(document) - {"SignatureVersion", "SigningCertURL", "Signature"})
        text = "".join(f"{name}\n{document[name]}\n" for name in names)
        kind = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), kind)).decode()
        return Posted(json.dumps(document | {"Signature": signature}).encode(), {})


@pytest.fixture(scope="module")
def amazon() -> Amazon:
    return Amazon()


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("encoding", ["base64", "utf-8"])
def test_ses_publishes_a_mail(amazon: Amazon, version: str, encoding: str) -> None:
    """In either encoding of the receipt rule, under either version of the signature."""
    raw = mail("Hello")
    content = base64.b64encode(raw).decode() if encoding == "base64" else raw.decode()
    posted = amazon.post(version, Message=json.dumps({"notificationType": "Received", "content": content}))
    assert read(posted, SES, amazon.fetch) == raw


def test_ses_asks_to_confirm_the_subscription(amazon: Amazon) -> None:
    """Once, at an address of Amazon."""
    amazon.asked.clear()
    address = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    posted = amazon.post(Type="SubscriptionConfirmation", Token="t", SubscribeURL=address, Message="confirm")
    with pytest.raises(Ignored):
        read(posted, SES, amazon.fetch)
    assert amazon.asked[-1] == address


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:666:other"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/cert.pem"},
        {"SigningCertURL": "https://evil.example/sns.eu-west-1.amazonaws.com/cert.pem"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/cert.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com@evil.example/cert.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/cert.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/cert"},
        {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "http://169.254.169.254/"},
        {"SignatureVersion": "3"},
    ],
)
def test_ses_is_believed_from_amazon_only(amazon: Amazon, changes: dict[str, str]) -> None:
    """Another topic, a certificate from elsewhere, a confirmation that would make us ask anybody."""
    amazon.asked.clear()
    with pytest.raises(NotOurs):
        read(amazon.post(**changes), SES, amazon.fetch)
    assert not [one for one in amazon.asked if "evil" in one or "169" in one]


def test_ses_with_another_signature_is_refused(amazon: Amazon) -> None:
    """What was changed after it was signed is not Amazon's."""
    posted = amazon.post()
    with pytest.raises(NotOurs):
        read(Posted(posted.body.replace(b"2026-11-02", b"2026-11-03"), {}), SES, amazon.fetch)


RAW = 'webhook = { provider = "raw", secret = "token" }'


@pytest.fixture
def web(rooms: Callable[..., Any]) -> Any:
    """A mailroom with its routes in an application, spoken to as a provider does."""
    room = rooms("", FILE.replace('listen = "127.0.0.1:0"', RAW + "\nmax_size = 20000"))
    room.client = TestClient(Starlette(routes=room.channel.routes(room.kit.desk)))
    return room


def post(web: Any, raw: bytes, token: str = "token") -> int:
    status: int = web.client.post("/mail", content=raw, headers={"authorization": f"Bearer {token}"}).status_code
    return status


def test_a_posted_mail_is_kept_before_the_answer(web: Any) -> None:
    """202 once it is durable; the same again is known; what cannot be read is set aside."""
    raw = mail("hello")
    assert [post(web, raw), post(web, raw), post(web, b"Subject: nobody\n\nx")] == [202, 202, 202]
    assert [message.text for message in web.received()] == ["hello"]
    assert len(web.quarantined()) == 1


def test_what_nobody_vouches_for_is_not_even_kept(web: Any) -> None:
    """No token, a wrong one, too much, a form that is none."""
    assert [post(web, mail(), "wrong"), post(web, b""), post(web, b"x" * 40_000)] == [403, 200, 413]
    broken = {"authorization": "Bearer token", "content-type": "multipart/form-data"}
    assert web.client.post("/mail", content=b"--x", headers=broken).status_code == 400
    assert not web.received() and not web.quarantined()


def test_a_store_that_is_down_makes_the_provider_come_again(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything but a yes is tried again by all of them."""

    async def down(*_: Any, **__: Any) -> None:
        raise Unavailable("the store is down")

    monkeypatch.setattr(web.kit.desk, "receive", down)
    with pytest.raises(Unavailable):  # the service around the routes answers 503 for it
        post(web, mail())
