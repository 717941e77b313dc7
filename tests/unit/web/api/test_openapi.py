"""The document says what the service does: it is made from the same table, and a fuzzer holds the two together."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from carekit.facts.events import FACTS
from carekit.testing.desk import DeskKit
from carekit.web.api.openapi import document
from carekit.web.api.table import ENDPOINTS
from carekit.web.api.views import HIDDEN
from tests.unit.web._web import WRITE, Running, Web, running

schemathesis = pytest.importorskip(
    "schemathesis", reason="schemathesis is not installed: uv pip install schemathesis", exc_type=ImportError
)


UNFIT = [
    schemathesis.checks.negative_data_rejection,  # the broken part may be the id or token that is replaced below
    schemathesis.checks.ignored_auth,  # the access matrix asks that, without being slowed down for guessing
    schemathesis.checks.positive_data_acceptance,  # a schema cannot know which agents there are
]


@pytest.fixture
def described(web: Web) -> dict[str, Any]:
    """The document as anybody can fetch it."""
    response = web.get("/api/openapi.json", "")
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def refs(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in refs(item)]
    return [ref for item in value for ref in refs(item)] if isinstance(value, list) else []


def test_it_describes_every_endpoint_and_no_other(described: dict[str, Any]) -> None:
    """The document's operations are the table's, name for name."""
    found = {op["operationId"] for path in described["paths"].values() for op in path.values()}
    assert found == {endpoint.name for endpoint in ENDPOINTS}


def test_one_path_has_one_method() -> None:
    """The routes rely on it: a second method of a path would be hidden by the first."""
    assert len({endpoint.path for endpoint in ENDPOINTS}) == len(ENDPOINTS)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    """No schema refers to one that is not in the document."""
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(refs(described)) <= known
    assert refs(described)


def test_it_leaves_out_what_answers_leave_out(described: dict[str, Any]) -> None:
    """Fields that are nobody's business outside are not even described."""
    for cls, names in HIDDEN.items():
        assert not names & described["components"]["schemas"][cls.__name__]["properties"].keys()


def test_it_says_what_every_fact_holds(described: dict[str, Any]) -> None:
    """Each kind of fact has its schema."""
    assert {cls.__name__ for cls in FACTS.values()} <= described["components"]["schemas"].keys()


def test_addresses_come_from_the_file(kit: DeskKit) -> None:
    """The server's address is the configured one, whatever host the asker names."""
    assert document(kit.desk, ENDPOINTS)["servers"] == [{"url": "https://care.example.org"}]


def test_what_a_fuzzer_sends_is_answered_as_the_document_says() -> None:
    """Valid and broken requests of every operation get no 5xx, only declared statuses, and bodies that fit."""
    logging.getLogger("carekit.web").setLevel(logging.CRITICAL)
    try:
        with running() as server:
            fuzz(server)
    finally:
        logging.getLogger("carekit.web").setLevel(logging.NOTSET)


def fuzz(server: Running) -> None:
    base = f"http://127.0.0.1:{server.port}"
    known = server.known()
    seen = set()
    for found in schemathesis.openapi.from_url(f"{base}/api/openapi.json").get_all_operations():
        operation = found.ok()
        seen.add(operation.definition.raw["operationId"])
        cases = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
        probe(st.one_of(cases), base, known)
    assert seen == {endpoint.name for endpoint in ENDPOINTS}


def probe(cases: Any, base: str, known: Mapping[str, str]) -> None:
    """A handful of requests, half of them about things that exist."""

    @settings(
        max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases, exists=st.booleans())
    def ask(case: Any, exists: bool) -> None:
        if exists and case.path_parameters and (id := known.get(case.path.split("/")[3])):
            case.path_parameters["id"] = id
        if isinstance(case.query, dict):
            case.query.pop("wait", None)  # its own test waits
        case.call_and_validate(
            base_url=base,
            headers={"Authorization": f"Bearer {WRITE}"},
            timeout=10,
            excluded_checks=UNFIT,
        )

    ask()


def test_the_document_is_json_text(described: dict[str, Any]) -> None:
    """It survives a round trip, so it holds nothing but plain values."""
    assert json.loads(json.dumps(described)) == described
