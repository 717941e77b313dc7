"""How a request becomes a call: bodies and queries are read strictly and refused by name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.ground.errors import Refused
from carekit.testing.desk import DeskKit
from carekit.web.api.endpoint import read_query
from carekit.web.api.requests import ConversationQuery, FeedQuery, Request
from tests.unit.web._web import READ, WRITE, Web


@pytest.fixture
def reply(kit: DeskKit) -> str:
    """The address at which a reply is posted."""
    kit.write("hello")
    return f"/api/v1/conversations/{kit.conversation().id}/reply"


def post_bytes(web: Web, path: str, content: bytes, media: str = "application/json"):
    return web.request("POST", path, WRITE, content=content, headers={"Content-Type": media})


@pytest.mark.parametrize("content", [b"{", b"\xff", b"{'a': 1}", b"nul"])
def test_what_is_not_json_is_malformed(web: Web, reply: str, content: bytes) -> None:
    """Bytes that are not JSON answer 400."""
    assert post_bytes(web, reply, content).status_code == 400


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"1", b"null"])
def test_json_of_another_shape_is_refused(web: Web, reply: str, content: bytes) -> None:
    """JSON that is no object answers 422."""
    assert post_bytes(web, reply, content).status_code == 422


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_media_type_is_refused(web: Web, reply: str, media: str) -> None:
    """A browser's form cannot be mistaken for a program's request."""
    assert post_bytes(web, reply, b'{"agent": "lena", "text": "x"}', media).status_code == 415


def test_the_media_type_may_name_its_charset(web: Web, reply: str) -> None:
    """application/json with parameters is application/json."""
    content = b'{"agent": "lena", "text": "x"}'
    assert post_bytes(web, reply, content, "Application/JSON; charset=utf-8").status_code == 200


def test_a_body_beyond_the_limit_is_not_read(web: Web, reply: str) -> None:
    """More than the limit answers 413, with or without a declared length."""

    async def chunks():
        for _ in range(20):
            yield b" " * 50_000

    assert post_bytes(web, reply, b" " * 600_000).status_code == 413
    headers = {"Content-Type": "application/json"}
    assert web.request("POST", reply, WRITE, content=chunks(), headers=headers).status_code == 413


def test_an_unknown_field_is_named_with_a_guess(web: Web, reply: str) -> None:
    """A misspelt field is refused with what was probably meant."""
    problem = web.post(reply, {"agent": "lena", "txet": "x", "text": "x"}).json()
    assert problem["field"] == "txet"
    assert 'did you mean "text"?' in problem["detail"]


@pytest.mark.parametrize(("body", "field"), [({"agent": 5, "text": "x"}, "agent"), ({"agent": "lena"}, "text")])
def test_a_field_of_the_wrong_type_or_missing_is_named(web: Web, reply: str, body: object, field: str) -> None:
    """A refusal of a body says which field it is about."""
    response = web.post(reply, body)
    assert (response.status_code, response.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("order=id;drop", "order"),
        ("status=opne", "status"),
        ("cursor=%00", "cursor"),
        ("assignee=%00", "assignee"),
        ("stauts=open", "stauts"),
    ],
)
def test_a_query_that_cannot_be_is_refused_by_name(web: Web, query: str, field: str) -> None:
    """An unfit, repeated or unknown parameter answers 422 and names it."""
    response = web.get(f"/api/v1/conversations?{query}")
    assert (response.status_code, response.json()["field"]) == (422, field)


def test_an_unknown_parameter_is_guessed(web: Web) -> None:
    """A misspelt parameter is refused with what was probably meant."""
    assert 'did you mean "status"?' in web.get("/api/v1/conversations?stauts=open").json()["detail"]


def test_an_endpoint_without_parameters_takes_none(web: Web) -> None:
    """A parameter where none is known is refused, not ignored."""
    assert web.get("/api/v1/agents?role=admin").status_code == 422


@pytest.mark.parametrize("number", [str(2**53), str(2**64), "-1", "1.5", "9" * 400])
def test_a_step_beyond_what_json_holds_is_refused(web: Web, number: str) -> None:
    """A number that a store could not hold never reaches it."""
    assert web.get(f"/api/v1/events?after={number}").status_code == 422


@pytest.mark.parametrize("id", ["%00", "%2e%2e%2f", "c_1%0a", "x" * 101, "a b", "%ff"])
def test_an_id_that_cannot_be_one_is_not_found(web: Web, id: str) -> None:
    """An impossible id reads like any other that does not exist."""
    assert web.get(f"/api/v1/conversations/{id}").status_code == 404


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4))
def test_any_query_is_read_or_refused(items: list[tuple[str, str]]) -> None:
    """Whatever the parameters, reading them gives values or a refusal and nothing else."""
    try:
        found = read_query(ConversationQuery, items)
    except Refused:
        return
    assert found.limit <= 200


@given(st.integers(0, 2**53 - 1), st.integers(1, 200), st.integers(0, 25))
def test_numbers_are_read_back(after: int, limit: int, wait: int) -> None:
    """Every number within its bounds is read as itself."""
    items = [("after", str(after)), ("limit", str(limit)), ("wait", str(wait))]
    assert read_query(FeedQuery, items) == FeedQuery(after=after, limit=limit, wait=wait)


def test_every_request_forbids_what_it_does_not_name() -> None:
    """No set of parameters and no body lets an unknown field through."""
    for cls in Request.__subclasses__():
        assert cls.__struct_config__.forbid_unknown_fields, cls


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 204), ("DELETE", 405), ("TRACE", 405)])
def test_other_methods_are_answered_sensibly(web: Web, method: str, status: int) -> None:
    """HEAD is a GET without its body, OPTIONS lists the methods, and what is left is not allowed."""
    response = web.request(method, "/api/v1/agents", READ)
    assert response.status_code == status
    if method in ("HEAD", "OPTIONS"):
        assert response.content == b""
    if status != 200:
        assert "GET" in response.headers["allow"]


def test_no_other_origin_is_let_in(web: Web) -> None:
    """A preflight gets no permission for anybody's page."""
    response = web.request("OPTIONS", "/api/v1/agents", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_answers_are_json(web: Web, kit: DeskKit) -> None:
    """A list says how to go on."""
    for n in range(3):
        kit.write("hello", sender=f"peer-{n}")
    first = web.get("/api/v1/conversations?limit=2")
    assert first.headers["content-type"] == "application/json"
    page = msgspec.json.decode(first.content)
    rest = web.get(f"/api/v1/conversations?limit=2&cursor={page['cursor']}").json()
    assert len(page["items"]) == 2
    assert len(rest["items"]) == 1
    assert rest["cursor"] == ""
