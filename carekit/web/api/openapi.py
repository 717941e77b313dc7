"""The OpenAPI 3.1 document, made from the same table that routes and validates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from carekit import __version__
from carekit.facts.events import FACTS
from carekit.seams.desk import Desk
from carekit.web.api.endpoint import KEY_LIMIT, Endpoint
from carekit.web.api.views import HIDDEN
from carekit.web.problems import KINDS

_REF = "#/components/schemas/{name}"


class ProblemDetails(msgspec.Struct):
    """RFC 9457 problem details. ``field`` names the part to mend, ``seq`` the newest message after a 409."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    field: str = ""
    seq: int = 0


def document(desk: Desk, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document of *endpoints* as plain values."""
    wanted: list[Any] = [ProblemDetails, *FACTS.values()]
    for endpoint in endpoints:
        wanted += [endpoint.answer, endpoint.query, *([endpoint.body] if endpoint.body else [])]
    _, components = msgspec.json.schema_components(list(dict.fromkeys(wanted)), ref_template=_REF)
    _shape(components)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(f"/api{endpoint.path}", {})[endpoint.method.lower()] = _operation(endpoint, components)
    queries = {endpoint.query.__name__ for endpoint in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{desk.name} API",
            "version": __version__,
            "description": "Conversations, contacts, events and reports. Every answer lies within the token's inboxes.",
        },
        "servers": [{"url": desk.url("").rstrip("/")}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shape(components: dict[str, Any]) -> None:
    """Leave out what answers leave out, and say what a fact can be."""
    for cls, names in HIDDEN.items():
        for name in names:
            components[cls.__name__]["properties"].pop(name, None)
    components["EventView"]["properties"]["kind"] = {"type": "string", "enum": sorted(FACTS)}
    components["EventView"]["properties"]["fact"] = {
        "anyOf": [{"$ref": _REF.format(name=cls.__name__)} for _, cls in sorted(FACTS.items())]
    }


def _operation(endpoint: Endpoint, components: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Needs a token that may {endpoint.needs}.",
        "parameters": list(_parameters(endpoint, components)),
        "responses": _responses(endpoint),
    }
    if endpoint.body:
        schema = {"$ref": _REF.format(name=endpoint.body.__name__)}
        operation["requestBody"] = {
            "required": bool(components[endpoint.body.__name__].get("required")),
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _parameters(endpoint: Endpoint, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if endpoint.takes_id:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{1,100}$"}
        found.append({"name": "id", "in": "path", "required": True, "schema": schema})
    for name, schema in components[endpoint.query.__name__].get("properties", {}).items():
        parameter = {"name": name, "in": "query", "required": False, "schema": schema}
        if "description" in schema:
            parameter["description"] = schema["description"]
        found.append(parameter)
    if endpoint.body:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "makes a repetition of the same request harmless",
                "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_LIMIT}}}$"},
            }
        )
    return found


def statuses(endpoint: Endpoint) -> list[int]:
    """The statuses besides 200 with which *endpoint* may answer."""
    found = {401, 403, 422, 429, 500, 503}
    if endpoint.takes_id:
        found.add(404)
    if endpoint.body:
        found |= {400, 408, 409, 413, 415}
    return sorted(found)


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {
            "description": re.sub(r"\s+", " ", (endpoint.answer.__doc__ or "").split("\n\n")[0]).strip() or "Done",
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=endpoint.answer.__name__)}}},
        }
    }
    for status in statuses(endpoint):
        kinds = [kind for kind in KINDS.values() if kind.status == status]
        responses[str(status)] = {
            "description": " / ".join(kind.meaning for kind in kinds),
            "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="ProblemDetails")}}},
        }
    return responses
