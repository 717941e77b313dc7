"""Who may ask what: generated from the table, so that a new endpoint is asked the same questions."""

from __future__ import annotations

import json

import pytest

from carekit.seams.scope import EVERYTHING
from carekit.testing.desk import DeskKit
from carekit.web.api.endpoint import Endpoint
from carekit.web.api.table import ENDPOINTS
from tests.unit.web._web import READ, SHOP, WRITE, Web

WITH_ID = [endpoint for endpoint in ENDPOINTS if endpoint.takes_id]
WRITES = [endpoint for endpoint in ENDPOINTS if endpoint.needs == "write"]
CANARY = "canary-7f3a"
PAYLOAD = json.dumps({"id": "9", "sender": f"{CANARY}-sender", "text": f"{CANARY} text"}).encode()
"""A payload that can be read after all."""
BODIES = {
    "reply": {"agent": "lena", "text": "hello"},
    "note": {"agent": "lena", "text": "hello"},
    "assign": {"assignee": "lena"},
    "snooze": {"until": "2030-01-01T00:00:00Z"},
    "resend": {"message": 2},
}


def by_name(endpoint: Endpoint) -> str:
    return endpoint.name


def ask(web: Web, endpoint: Endpoint, token: str, id: str = "c_1", headers: dict[str, str] | None = None):
    path = f"/api{endpoint.path.replace('{id}', id)}"
    fields = {"json": BODIES.get(endpoint.name, {})} if endpoint.body else {}
    return web.request(endpoint.method, path, token, headers=headers or {}, **fields)


@pytest.fixture
def foreign(kit: DeskKit) -> dict[str, str]:
    """Ids in the inbox that the limited token does not reach, each full of canaries."""
    receipt = kit.write(f"{CANARY} text", sender=f"{CANARY}-sender", name=f"{CANARY} name", channel="other")
    kit.run(kit.desk.quarantine("other", PAYLOAD, f"{CANARY} error", key=f"{CANARY} key"))
    [letter] = kit.run(kit.desk.letters(EVERYTHING))
    return {"conversations": receipt.conversation, "contacts": receipt.contact, "dead-letters": letter.id}


def foreign_id(endpoint: Endpoint, foreign: dict[str, str]) -> str:
    return foreign[endpoint.path.split("/")[2]]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=by_name)
def test_without_a_token_nothing_is_told(web: Web, endpoint: Endpoint) -> None:
    """Every endpoint answers 401 with a challenge to who brings no token."""
    response = ask(web, endpoint, "")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer ")


WRONG = ["wrong-0123456789abcdef", " ", "null", "[]", "x" * 600, READ[:-1], f"{READ}x", READ.upper()]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=by_name)
@pytest.mark.parametrize("token", WRONG)
def test_a_wrong_token_is_no_token(web: Web, endpoint: Endpoint, token: str) -> None:
    """Whatever is wrong with a token, the answer is 401."""
    assert ask(web, endpoint, token).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Basic {READ}", READ, f"Bearer{READ}", f"Token {READ}"])
def test_only_the_bearer_scheme_counts(web: Web, header: str) -> None:
    """A token without its scheme, or under another, is not looked at."""
    assert web.get("/api/v1/agents", "", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("endpoint", WRITES, ids=by_name)
def test_a_token_that_may_only_read_writes_nothing(web: Web, kit: DeskKit, endpoint: Endpoint) -> None:
    """A write with a reading token answers 403, says which right is missing, and leaves the log alone."""
    kit.write("hello")
    before = kit.service.store.last_position()
    response = ask(web, endpoint, READ, kit.conversation().id)
    assert response.status_code == 403
    assert 'scope="write"' in response.headers["www-authenticate"]
    assert kit.service.store.last_position() == before


@pytest.mark.parametrize("endpoint", WITH_ID, ids=by_name)
def test_what_is_foreign_reads_like_what_does_not_exist(
    web: Web, kit: DeskKit, endpoint: Endpoint, foreign: dict[str, str]
) -> None:
    """A thing of another inbox and a thing that never was get the same bytes, and nothing is written."""
    before = kit.service.store.last_position()
    fixed = {"X-Request-Id": "the-same"}
    there = ask(web, endpoint, SHOP, foreign_id(endpoint, foreign), headers=fixed)
    nowhere = ask(web, endpoint, SHOP, "c_never", headers=fixed)
    assert there.status_code == nowhere.status_code == 404
    assert there.content == nowhere.content
    assert dict(there.headers) == dict(nowhere.headers)
    assert kit.service.store.last_position() == before


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.method == "GET"], ids=by_name)
def test_no_answer_holds_anything_of_another_inbox(web: Web, endpoint: Endpoint, foreign: dict[str, str]) -> None:
    """No reading endpoint shows a limited token a word of what lies elsewhere."""
    for query in ("", f"?contact={foreign['contacts']}", "?inbox=billing", "?channel=other"):
        id = foreign_id(endpoint, foreign) if endpoint.takes_id else ""
        response = web.get(f"/api{endpoint.path.replace('{id}', id)}{query}", SHOP)
        assert CANARY not in response.text
        assert foreign["conversations"] not in response.text


@pytest.mark.parametrize("endpoint", WITH_ID, ids=by_name)
def test_the_matrix_reaches_what_it_asks_about(web: Web, endpoint: Endpoint, foreign: dict[str, str]) -> None:
    """With a token for every inbox the same requests find the thing, so that the refusals above mean something."""
    assert ask(web, endpoint, WRITE, foreign_id(endpoint, foreign)).status_code in (200, 409)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=by_name)
def test_answers_are_never_stored(web: Web, endpoint: Endpoint) -> None:
    """Nothing between us and the asker keeps an answer for somebody else, refusals included."""
    for token in ("", READ, WRITE):
        response = ask(web, endpoint, token)
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.method == "GET"], ids=by_name)
def test_reading_changes_nothing(web: Web, kit: DeskKit, endpoint: Endpoint) -> None:
    """A GET, asked twice, leaves the log as it was."""
    kit.write("hello")
    before = kit.service.store.last_position()
    for _ in range(2):
        ask(web, endpoint, WRITE, kit.conversation().id)
    assert kit.service.store.last_position() == before


@pytest.mark.parametrize("endpoint", WRITES, ids=by_name)
@pytest.mark.parametrize(
    "field", ["id", "status", "inbox", "role", "is_admin", "created_at", "actor", "purpose", "html"]
)
def test_a_field_that_is_not_offered_is_refused(web: Web, kit: DeskKit, endpoint: Endpoint, field: str) -> None:
    """No write takes a field beyond its own, and the refusal names it."""
    kit.write("hello")
    path = f"/api{endpoint.path.replace('{id}', kit.conversation().id)}"
    response = web.post(path, {**BODIES.get(endpoint.name, {}), field: "x"})
    assert response.status_code == 422
    assert response.json()["field"] == field


def test_a_limited_token_sees_only_its_own_lists(web: Web, kit: DeskKit, foreign: dict[str, str]) -> None:
    """Lists leave out what lies in other inboxes: conversations, contacts, channels, agents and events."""
    kit.write("mine")
    everything = json.loads(web.get("/api/v1/conversations").text)["items"]
    assert len(everything) == 2
    assert [c["inbox"] for c in web.get("/api/v1/conversations", SHOP).json()["items"]] == ["shop"]
    assert len(web.get("/api/v1/contacts", SHOP).json()["items"]) == 1
    assert [c["name"] for c in web.get("/api/v1/channels", SHOP).json()["items"]] == ["loop"]
    assert [a["id"] for a in web.get("/api/v1/agents", SHOP).json()["items"]] == ["lena"]
    streams = {e["stream"] for e in web.get("/api/v1/events", SHOP).json()["items"]}
    assert streams == {kit.conversation().id}


def test_a_limited_token_gets_a_report_of_its_inboxes(web: Web, kit: DeskKit) -> None:
    """What happens in other inboxes is in none of its figures."""
    kit.write("hello")
    kit.write("hello", channel="other")
    counted = [web.get("/api/v1/reports", token).json()["report"]["conversations"] for token in (READ, SHOP)]
    assert counted == [2, 1]


def test_a_limited_token_cannot_speak_for_agents_it_does_not_see(web: Web, kit: DeskKit) -> None:
    """An agent of other inboxes reads like one that does not exist."""
    kit.write("hello")
    path = f"/api/v1/conversations/{kit.conversation().id}/reply"
    texts = [
        web.post(path, {"agent": name, "text": "x"}, SHOP, headers={"X-Request-Id": "same"}).text.replace(name, "NAME")
        for name in ("bo", "nobody")
    ]
    assert texts[0] == texts[1]
