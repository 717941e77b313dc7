"""One endpoint as a value, and how a request becomes a call of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import attrs
import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from carekit.ground.errors import NotFound, Refused
from carekit.ground.suggest import did_you_mean
from carekit.seams.desk import Desk
from carekit.web.api import requests as q
from carekit.web.bodies import read_body
from carekit.web.tokens import ApiToken

BODY_LIMIT = 512_000
"""Bytes of one body."""

KEY_LIMIT = 128
"""Characters of an idempotency key."""

T = TypeVar("T", bound=msgspec.Struct)
_ID = re.compile(r"[A-Za-z0-9._:~-]{1,100}")
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_LIMIT}}}")
_AT = re.compile(r"`\$\.?([^`]*)`")
_NAMED = re.compile(r"(unknown|missing required) field `([^`]*)`")


@attrs.frozen
class Call:
    """One request, read and found valid."""

    desk: Desk
    token: ApiToken
    id: str
    query: Any
    body: Any
    key: str


@attrs.frozen
class Endpoint:
    """One method of one address: everything about it that routing, validation and the document need.

    ``needs`` is the right its token must have.
    """

    name: str
    method: str
    path: str
    summary: str
    run: Callable[[Call], Awaitable[object]]
    answer: type
    query: type[q.Request] = q.Nothing
    body: type[q.Request] | None = None
    sample: str = ""
    right: str = ""

    @property
    def needs(self) -> str:
        """The *right* given, if any; else ``read`` for a GET and ``write`` for all others."""
        return self.right or ("read" if self.method == "GET" else "write")

    @property
    def takes_id(self) -> bool:
        """Whether its path names one thing."""
        return "{id}" in self.path

    async def call(self, request: Request, desk: Desk, token: ApiToken) -> object:
        """Read and check *request*, then run it."""
        id = request.path_params.get("id", "")
        if self.takes_id and not _ID.fullmatch(id):
            raise NotFound("there is no such thing")
        query = read_query(self.query, request.query_params.multi_items())
        body = await _read_json(request, self.body) if self.body else None
        key = _read_key(request, token) if self.body else ""
        return await self.run(Call(desk, token, id, query, body, key))


def read_query(type_: type[T], items: list[tuple[str, str]]) -> T:
    """The query parameters as *type_*; raises `Refused` naming the parameter that is unknown, repeated or unfit."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    values: dict[str, object] = {}
    for name, text in items:
        field = fields.get(name)
        if field is None:
            raise Refused(f"there is no parameter {_shown(name)}{did_you_mean(name, fields)}", field=name[:100])
        if _is_list(field):
            listed = values.setdefault(name, [])
            assert isinstance(listed, list)
            listed.append(text)
        elif name in values:
            raise Refused(f"the parameter {name!r} is given twice", field=name)
        else:
            values[name] = text
    try:
        return msgspec.convert(values, type_, strict=False)
    except msgspec.ValidationError as error:
        raise _refused(error, fields, "parameter") from None


async def _read_json(request: Request, type_: type[T]) -> T:
    body = await read_body(request, BODY_LIMIT)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media != "application/json":
        raise HTTPException(415, "the body must be sent as Content-Type: application/json")
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    try:
        return msgspec.json.decode(body or b"{}", type=type_)
    except msgspec.ValidationError as error:
        raise _refused(error, fields, "field") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from None


def _read_key(request: Request, token: ApiToken) -> str:
    """The idempotency key, set apart by token: two programs that act as one agent must not meet in one key."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return ""
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Refused(
            f"the header Idempotency-Key takes 1 to {KEY_LIMIT} printable ASCII characters, once",
            field="Idempotency-Key",
        )
    return f"{token.name}:{keys[0]}"


def _is_list(field: msgspec.structs.FieldInfo) -> bool:
    return "list[" in str(field.type)


def _refused(error: msgspec.ValidationError, fields: Mapping[str, object], what: str) -> Refused:
    """A validation error in our words, with the field it is about."""
    text = str(error)
    if named := _NAMED.search(text):
        problem, name = named.groups()
        if problem == "unknown":
            return Refused(f"there is no {what} {_shown(name)}{did_you_mean(name, fields)}", field=name[:100])
        return Refused(f"the {what} {name!r} is missing", field=name)
    at = _AT.search(text)
    name = re.split(r"[.\[]", at[1])[0] if at else ""
    reason = text.split(" - at ")[0].replace("`", "")
    reason = reason[:1].lower() + reason[1:]
    return Refused(f"{name}: {reason}" if name else f"the body: {reason}", field=name)


def _shown(name: str) -> str:
    return repr(name if len(name) <= 100 else f"{name[:100]}…")
