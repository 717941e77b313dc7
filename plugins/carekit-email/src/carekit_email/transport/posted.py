"""What a provider posted, and a mail made again from the pieces that some of them take mail apart into."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP

from attrs import field, frozen
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from carekit import Malformed
from carekit_email.codec import header_safe
from carekit_email.codec.compose import written

_MOST_FIELDS = 1_000
_MOST_FILES = 500
_OWN = frozenset({"mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id"})
_FIELD = re.compile(r"[!-9;-~]{1,200}")


@frozen
class Upload:
    """A file of a form or of a JSON document."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""


@frozen
class Posted:
    """One request: the raw body, headers in lower case, and the form it is, if it is one."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    fields: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, Upload] = field(factory=dict)

    def text(self, name: str) -> str:
        """Give a field of the form; raises Malformed without it."""
        try:
            return self.fields[name]
        except KeyError:
            raise Malformed(f"the posted form has no field {name!r}") from None


async def posted(body: bytes, headers: Mapping[str, str], limit: int) -> Posted:
    """Read *body* as the form that its type says it is; raises Malformed. *limit*: octets of one field."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    given = Headers(headers=dict(headers))
    try:
        if kind == "multipart/form-data":
            parser = MultiPartParser(
                given, stream(), max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=limit
            )
            form = await parser.parse()
        elif kind == "application/x-www-form-urlencoded":
            form = await FormParser(given, stream()).parse()
        else:
            return Posted(body, headers)
    except (MultiPartException, ValueError, KeyError) as error:
        raise Malformed(f"the posted form cannot be read: {error}") from error
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                content = await value.read()
                files[name] = Upload(value.filename or "", value.content_type or "", content)
            else:
                fields[name] = value
    finally:
        await form.close()
    return Posted(body, headers, fields, files)


def rebuilt(
    headers: Iterable[tuple[str, str]], text: str, html: str, files: Sequence[Upload], return_path: str | None = None
) -> bytes:
    """Make a mail again: its fields as they were, and a body of the pieces."""
    message = EmailMessage(policy=SMTP)
    message.set_content(text, cte="base64")
    if html:
        message.add_alternative(html, subtype="html", cte="base64")
    for file in files:
        maintype, _, subtype = file.content_type.partition(";")[0].strip().partition("/")
        if not subtype or maintype in {"multipart", "message", "text"}:
            maintype, subtype = "application", "octet-stream"
        cid = f"<{header_safe(file.content_id).strip('<> ')}>" if file.content_id else None
        name = written(file.name) or "file"
        disposition = "inline" if cid else "attachment"
        message.add_attachment(
            file.content, maintype=maintype, subtype=subtype, filename=name, cid=cid, disposition=disposition
        )
    lines = [] if return_path is None else [f"Return-Path: <{header_safe(return_path).strip('<> ')}>"]
    lines += [
        f"{name}: {header_safe(value)}"
        for name, value in headers
        if _FIELD.fullmatch(name) and name.lower() not in _OWN
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace") + message.as_bytes()
