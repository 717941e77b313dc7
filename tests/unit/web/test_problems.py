"""Errors become problem details: each class its status, and nothing of ours in the text."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.routing import Route

from carekit.ground import errors as e
from carekit.testing.desk import DeskKit
from carekit.web.problems import KINDS, Problem
from tests.unit.web._web import Web, app_at, make_app

CASES = [
    (e.NotFound("x"), 404, "not-found"),
    (e.NotAllowed("x"), 403, "forbidden"),
    (e.IllegalMove("x"), 409, "illegal-move"),
    (e.Stale("x", seq=7), 409, "stale"),
    (e.KeyReused("x"), 409, "key-reused"),
    (e.Refused("x", field="f"), 422, "refused"),
    (e.TemplateError("x"), 422, "refused"),
    (e.Conflict("x"), 409, "conflict"),
    (e.Unavailable("x"), 503, "unavailable"),
    (e.InDoubt("x"), 503, "unavailable"),
    (e.StoreError("x"), 500, "internal"),
    (e.ConfigError("x"), 500, "internal"),
    (e.PluginError("x"), 500, "internal"),
    (e.NotOurs("x"), 403, "forbidden"),
    (e.Malformed("x"), 422, "refused"),
    (e.Temporary("x", retry_after=90), 503, "unavailable"),
    (e.Permanent("x"), 502, "far-side"),
    (e.CarekitError("x"), 500, "internal"),
    (ValueError("x"), 500, "internal"),
]


def raising(kit: DeskKit, error: Exception) -> Web:
    """The application with a page that raises *error*."""

    async def page(request: Any) -> Any:
        raise error

    return Web(kit, make_app(kit, apps=[app_at("/", lambda desk: [Route("/boom", page)])]))


@pytest.mark.parametrize(("error", "status", "slug"), CASES, ids=lambda value: getattr(type(value), "__name__", ""))
def test_each_error_has_its_status(kit: DeskKit, error: Exception, status: int, slug: str) -> None:
    """Wherever it is raised, an error is told as its own kind of problem."""
    response = raising(kit, error).get("/boom", "")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["status"], body["title"]) == (f"/api#problem-{slug}", status, KINDS[slug].title)
    assert body["request_id"] == response.headers["x-request-id"]


def test_every_error_of_the_tree_is_a_case() -> None:
    """A new class of error fails here until somebody decides what its asker is told."""

    def below(cls: type[Exception]) -> set[type[Exception]]:
        return {cls}.union(*(below(sub) for sub in cls.__subclasses__() if sub.__module__ == e.__name__))

    told = {type(error) for error, _, _ in CASES}
    abstract = {e.InboundError, e.DeliveryError, e.Ignored, e.Unsure}  # told as their base
    assert below(e.CarekitError) <= told | abstract


def test_what_went_wrong_inside_stays_inside(kit: DeskKit, caplog: pytest.LogCaptureFixture) -> None:
    """An unforeseen error tells the asker nothing but the id under which the log has all of it."""
    with caplog.at_level(logging.ERROR, "carekit.web"):
        response = raising(kit, RuntimeError("postgresql://admin:hunter2@db/care")).get("/boom", "")
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert "Traceback" not in response.text
    assert response.json()["request_id"] in caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize(
    "error", [e.StoreError("at /var/care.db"), e.Unavailable("db at 10.0.0.7"), e.Conflict("row 5")]
)
def test_errors_of_the_store_do_not_tell_where_it_is(kit: DeskKit, error: Exception) -> None:
    """The store's own words are for the log."""
    assert str(error) not in raising(kit, error).get("/boom", "").text


def test_a_store_that_is_away_fills_no_page_of_the_log(kit: DeskKit, caplog: pytest.LogCaptureFixture) -> None:
    """What explains itself is one line under the request's id, and no traceback."""
    with caplog.at_level(logging.ERROR, "carekit.web"):
        response = raising(kit, e.Unavailable("the store at db cannot be reached")).get("/boom", "")
    [record] = caplog.records
    assert record.exc_info is None
    assert "cannot be reached" in caplog.text
    assert response.json()["request_id"] in caplog.text


def test_a_refusal_names_the_field(kit: DeskKit) -> None:
    """What the asker can mend is told in full."""
    body = raising(kit, e.Refused("the score is too high", field="score")).get("/boom", "").json()
    assert (body["detail"], body["field"]) == ("the score is too high", "score")


def test_unavailable_says_when_to_come_back() -> None:
    """Retry-After is the far side's own figure where it gave one."""
    assert Problem.of(e.Unavailable("x")).headers["Retry-After"] == "5"
    assert Problem.of(e.Temporary("x", retry_after=90.4)).headers["Retry-After"] == "90"


def test_an_unknown_status_is_told_too() -> None:
    """A status without a kind of its own keeps its number."""
    assert Problem.of(HTTPException(418)).kind.status == 418


def test_a_path_that_is_nowhere_is_a_problem(web: Web) -> None:
    """404 and 405 have the same form as every other refusal, and 405 lists the methods."""
    for path in ("/nowhere", "/api/v1/nowhere", "/channels/loop/nowhere", "/api/v1/agents/"):
        assert web.get(path).status_code == 404
        assert web.get(path).headers["content-type"] == "application/problem+json"
    response = web.request("PUT", "/healthz")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]


def test_a_person_gets_a_page(kit: DeskKit) -> None:
    """A browser that asks for a page gets the refusal as one, escaped; a program below /api never does."""
    web = raising(kit, e.NotAllowed("<b>no</b>"))
    accepts = {"Accept": "text/html,application/xhtml+xml"}
    response = web.get("/boom", "", headers=accepts)
    assert response.status_code == 403
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "&lt;b&gt;" in response.text
    assert "<b>" not in response.text
    assert web.get("/api/v1/none", "", headers=accepts).headers["content-type"] == "application/problem+json"
