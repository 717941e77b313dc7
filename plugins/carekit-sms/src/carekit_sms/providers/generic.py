"""Any gateway that speaks HTTP, described in the file and not in code: the names of its fields, how it proves that it
is the one, and the request that hands a text over."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs

from carekit import DeliveryStatus, Ignored, Malformed, NotOurs, Permanent, Secret, setting
from carekit_sms.provider import Media, Outgoing, Posted, Provider, Reply, Report, Submission, Text, instant, optional
from carekit_sms.signatures import check_age, password_of, same

Format = Literal["form", "json", "query"]

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.\w+)?)\}")
_VALUES: Mapping[str, Callable[[Outgoing], str]] = {
    "to": lambda one: one.to,
    "to_digits": lambda one: one.to.removeprefix("+"),
    "sender": lambda one: one.sender,
    "sender_digits": lambda one: one.sender.removeprefix("+"),
    "text": lambda one: one.text,
    "reference": lambda one: one.reference,
    "report_to": lambda one: one.report_to,
    "encoding": lambda one: "unicode" if one.wide else "gsm",
}
"""What a value of `send` or `headers` may name in braces, besides `{secret.NAME}`."""


@attrs.frozen
class InboundSettings:
    """Where the parts of a text are in what the gateway posts; a dot leads into an object or, by number, a list."""

    format: Format = setting("How it posts.", "form")
    id: str = setting("Field of its own id of the text.", "id")
    sender: str = setting("Field of the sender.", "from")
    to: str = setting("Field of our number; empty if it gives none.", "to")
    text: str = setting("Field of the text.", "text")
    sent_at: str = setting("Field of the time, ISO 8601; empty if it gives none.", "")
    media: str = setting("Field of a file's address, or of a list of them; empty if it gives none.", "")


@attrs.frozen
class VerifySettings:
    """How the gateway proves that it is the one."""

    by: Literal["basic", "bearer", "header", "field", "hmac"] = setting(
        "`basic` and `bearer` authentication, a secret in a `header` or `field`, or an `hmac` in a header."
    )
    secret: Secret = setting("The password, token, secret or key.")
    name: str = setting("Name of the header or field, for `header`, `field` and `hmac`.", "")
    algorithm: Literal["sha1", "sha256", "sha512"] = setting("Digest of the HMAC.", "sha256")
    encoding: Literal["hex", "base64"] = setting("How the HMAC is written.", "hex")
    prefix: str = setting("What stands before it, such as `sha256=`.", "")
    over: tuple[Literal["url", "stamp", "body"], ...] = setting("What it is computed over, in order.", ("body",))
    joiner: str = setting("What stands between these.", "")
    stamp: str = setting("Header of the time of signing, in seconds since 1970.", "")


@attrs.frozen
class ReceiptSettings:
    """Where the parts of a receipt are, and which words of the gateway mean what."""

    format: Format = setting("How it reports.", "query")
    status: str = setting("Field of the status.", "status")
    sent: tuple[str, ...] = setting("Words for: on its way.", ())
    delivered: tuple[str, ...] = setting("Words for: it arrived.")
    failed: tuple[str, ...] = setting("Words for: it did not.", ())
    id: str = setting("Field of its own id of the text; empty if it gives none.", "")
    detail: str = setting("Field of the reason; empty if it gives none.", "")
    reference: str = setting("Field in which it gives `{reference}` back, if it does not use `{report_to}`.", "")
    verified: bool = setting("Whether receipts are proved as texts are.", False)


@attrs.frozen
class GenericSettings:
    """Any gateway that speaks HTTP."""

    url: str = setting("Where texts are handed over.")
    verify: VerifySettings = setting("How posts are proved.")
    send: Mapping[str, str] = setting("The fields to hand over; values name {to}, {text}, {secret.NAME} and others.")
    inbound: InboundSettings = setting("What it posts.", factory=InboundSettings)
    receipts: ReceiptSettings | None = setting("What it reports; without it nothing is.", None)
    method: Literal["POST", "GET", "PUT"] = setting("Method of the request.", "POST")
    format: Format = setting("How the fields travel; a dot in a name makes objects of JSON.", "form")
    headers: Mapping[str, str] = setting("Headers of the request, values as in `send`.", factory=dict)
    secrets: Mapping[str, Secret] = setting("Secrets that values may name.", factory=dict)
    taken: str = setting("What a good answer holds, where the gateway answers 200 whatever happens.", "")
    id: str = setting("Field of its own id in a JSON answer.", "")
    max_length: int = setting("Characters of the longest text that it takes at once.", 1530)


class Generic(Provider):
    """Any gateway that speaks HTTP, described in the file."""

    Settings = GenericSettings
    settings: GenericSettings

    def __init__(self, settings: GenericSettings) -> None:
        super().__init__(settings)
        self.max_length = settings.max_length
        self.has_media = bool(settings.inbound.media)
        self.signs_receipts = settings.receipts is not None and settings.receipts.verified

    def check(self) -> Iterable[str]:
        settings, verify = self.settings, self.settings.verify
        if not settings.url.startswith(("http://", "https://")) or _PLACEHOLDER.search(settings.url):
            yield f"url: {settings.url!r} is no web address; put what changes into send"
        if settings.max_length < 1:
            yield "max_length: must be 1 or more"
        if verify.by in ("header", "field", "hmac") and not verify.name:
            yield f"verify.name: is missing; {verify.by!r} needs the name of the header or field"
        if "stamp" in verify.over and not verify.stamp:
            yield "verify.stamp: is missing; the signature is computed over it"
        if len(verify.secret.reveal()) < 8:
            yield "verify.secret: is too short to be a secret; use at least 8 characters"
        yield from _braces("send", settings.send, settings.secrets)
        yield from _braces("headers", settings.headers, settings.secrets)
        if not any("{text}" in value for value in settings.send.values()):
            yield "send: no field holds {text}, so nothing would be said"
        if not any("{to}" in value or "{to_digits}" in value for value in settings.send.values()):
            yield "send: no field holds {to} or {to_digits}, so it would go nowhere"

    # --- in

    def verify(self, posted: Posted) -> None:
        how, headers = self.settings.verify, posted.headers
        secret = how.secret.reveal()
        if how.by == "basic":
            fits = same(secret, password_of(headers.get("authorization", "")))
        elif how.by == "bearer":
            fits = same(f"bearer {secret}", _bearer(headers.get("authorization", "")))
        elif how.by == "header":
            fits = same(secret, headers.get(how.name.lower(), ""))
        elif how.by == "field":
            fits = same(secret, _at(_fields(posted, self.settings.inbound.format), how.name) or "")
        else:
            fits = same(how.prefix + self._signed(posted), headers.get(how.name.lower(), ""))
        if not fits:
            raise NotOurs("the secret or signature of this request is missing or wrong")
        if how.stamp:
            check_age(headers.get(how.stamp.lower()), posted.now)

    def _signed(self, posted: Posted) -> str:
        how = self.settings.verify
        parts = {"url": posted.url, "stamp": posted.headers.get(how.stamp.lower(), "")}
        signed = how.joiner.encode().join(posted.body if one == "body" else parts[one].encode() for one in how.over)
        digest = hmac.new(how.secret.reveal().encode(), signed, getattr(hashlib, how.algorithm)).digest()
        return digest.hex() if how.encoding == "hex" else base64.b64encode(digest).decode()

    def read(self, posted: Posted) -> Sequence[Text]:
        names = self.settings.inbound
        fields = _fields(posted, names.format)
        id, sender = _at(fields, names.id), _at(fields, names.sender)
        if not id or not sender:
            raise Malformed(
                f"the payload has no {names.id!r} or no {names.sender!r}, as inbound in the file names them"
            )
        return [
            Text(
                id=id,
                sender=sender,
                to=_at(fields, names.to) if names.to else "",
                text=_at(fields, names.text),
                media=[Media(url) for url in _all_at(fields, names.media)] if names.media else (),
                sent_at=instant(_at(fields, names.sent_at)) if names.sent_at else None,
            )
        ]

    def report(self, posted: Posted) -> Report:
        names = self.settings.receipts
        if names is None:
            raise Ignored("the file says nothing of receipts")
        fields = _fields(posted, names.format)
        word = _at(fields, names.status)
        for words, status in (
            (names.delivered, DeliveryStatus.DELIVERED),
            (names.failed, DeliveryStatus.FAILED),
            (names.sent, DeliveryStatus.SENT),
        ):
            if word in words:
                said = [_at(fields, name) if name else "" for name in (names.id, names.detail, names.reference)]
                return Report(status, *said)
        raise Ignored(f"the file says nothing of the status {word!r}")

    # --- out

    def submit(self, outgoing: Outgoing) -> Submission:
        settings = self.settings
        fields = {name: self._filled(value, outgoing) for name, value in settings.send.items()}
        headers = {name: self._filled(value, outgoing) for name, value in settings.headers.items()}
        if settings.format == "query":
            return Submission(settings.url, settings.method, headers, query=fields)
        if settings.format == "form":
            return Submission(settings.url, settings.method, headers, form=fields)
        return Submission(settings.url, settings.method, headers, json=_nested(fields))

    def _filled(self, value: str, outgoing: Outgoing) -> str:
        """*value* with what it names: in one pass, so that nothing in a text is read as a name."""

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("secret."):
                return self.settings.secrets[name.removeprefix("secret.")].reveal()
            return _VALUES[name](outgoing)

        return _PLACEHOLDER.sub(fill, value)

    def taken(self, reply: Reply) -> str:
        settings = self.settings
        if not reply.good:
            raise reply.refusal(reply.words)
        if settings.taken and settings.taken not in reply.body.decode("utf-8", "replace"):
            raise Permanent(f"the gateway refused it: {reply.words}")
        return _at(reply.json, settings.id) if settings.id else ""


def _braces(key: str, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> Iterator[str]:
    known = [*_VALUES, *(f"secret.{name}" for name in secrets)]
    for field, value in values.items():
        for name in _PLACEHOLDER.findall(value):
            if name not in known:
                yield f"{key}.{field}: {{{name}}} means nothing here; there are {', '.join(known)}"


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return f"{scheme.lower()} {token.strip()}"


def _fields(posted: Posted, kind: Format) -> Mapping[str, Any]:
    if kind == "query":
        return posted.query
    return posted.json if kind == "json" else posted.form


def _found(fields: Any, path: str) -> Any:
    """What lies at *path*; a field whose name has dots wins over a way through objects and lists."""
    if isinstance(fields, Mapping) and path in fields:
        return fields[path]
    for step in path.split("."):
        if isinstance(fields, Mapping):
            fields = fields.get(step)
        elif isinstance(fields, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(fields):
            fields = fields[int(step[:6])]
        else:
            return None
    return fields


def _at(fields: Any, path: str) -> str:
    return optional({"": _found(fields, path)}, "")


def _all_at(fields: Any, path: str) -> list[str]:
    found = _found(fields, path)
    several = found if isinstance(found, list) else [found]
    return [one for one in several if isinstance(one, str) and one]


def _nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """Objects out of names with dots."""
    whole: dict[str, Any] = {}
    for name, value in fields.items():
        *way, last = name.split(".")
        inside = whole
        for step in way:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return whole
