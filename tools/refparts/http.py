"""The HTTP API, from the document that the service itself gives."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

from carekit.seams.desk import Desk
from carekit.web.api.endpoint import Endpoint
from carekit.web.api.openapi import document
from carekit.web.api.table import ENDPOINTS
from carekit.web.problems import KINDS
from refparts import text


def _document() -> dict[str, Any]:
    desk = cast(Desk, SimpleNamespace(name="Care desk", url=lambda path: f"http://127.0.0.1:8000{path}"))
    return document(desk, ENDPOINTS)


def overview() -> str:
    """Every address on one line."""
    rows = [(f"`{e.method} /api{e.path}`", e.summary, e.needs) for e in ENDPOINTS]
    return text.table(("address", "what it does", "right"), rows)


def endpoints() -> str:
    """Every address with its parameters, its body and its answer."""
    whole = _document()
    return "\n\n".join(_endpoint(endpoint, whole) for endpoint in ENDPOINTS)


def _endpoint(endpoint: Endpoint, whole: dict[str, Any]) -> str:
    operation = whole["paths"][f"/api{endpoint.path}"][endpoint.method.lower()]
    schemas = whole["components"]["schemas"]
    parts = [f"### `{endpoint.method} /api{endpoint.path}`", f"{operation['summary']}. {operation['description']}"]
    rows = [
        (text.code(one["name"]), one["in"], _type(one["schema"], schemas), _said(one))
        for one in operation["parameters"]
        if one["in"] != "path"
    ]
    if endpoint.body:
        schema = schemas[endpoint.body.__name__]
        for name, one in schema["properties"].items():
            where = "body, required" if name in schema.get("required", ()) else "body"
            rows.append((text.code(name), where, _type(one, schemas), _said(one)))
    if rows:
        parts.append(text.table(("name", "where", "type", "what it means"), rows))
    if endpoint.sample:
        parts.append(f"```json\n{json.dumps(json.loads(endpoint.sample), indent=2)}\n```")
    said = text.markdown(operation["responses"]["200"]["description"])
    parts.append(f"Answers `{endpoint.answer.__name__}`: {said}")
    return "\n\n".join(parts)


def _said(one: dict[str, Any]) -> str:
    schema = one.get("schema", one)
    return str(one.get("description") or schema.get("description") or "")


def _type(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return " or ".join(_type(one, schemas) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"{_type(schema['items'], schemas)}; may be repeated"
    kind = schema.get("format") or schema.get("type", "any")
    limits = [
        f"{words} {schema[key]:,}"
        for key, words in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if key in schema and schema[key] < 2**53 - 1
    ]
    default = [f"default `{json.dumps(schema['default'])}`"] if schema.get("default") not in (None, "") else []
    return ", ".join([str(kind), *limits, *default])


def schemas() -> str:
    """What the answers hold."""
    whole = _document()["components"]["schemas"]
    names = dict.fromkeys([*(endpoint.answer.__name__ for endpoint in ENDPOINTS), "EventView", "ProblemDetails"])
    return "\n\n".join(_schema(name, whole[name], whole) for name in names)


def _schema(name: str, schema: dict[str, Any], whole: dict[str, Any]) -> str:
    fields = ", ".join(f"`{field}`" for field in schema["properties"])
    return f"#### `{name}`\n\n{text.first_paragraph(schema.get('description'))} Fields: {fields}."


def problems() -> str:
    """Every kind of problem."""
    rows = [(str(kind.status), text.code(kind.type), kind.title, kind.meaning) for kind in KINDS.values()]
    return text.table(("status", "type", "title", "what to do"), rows)


PARTS = {"http-overview": overview, "http-endpoints": endpoints, "http-schemas": schemas, "http-problems": problems}
