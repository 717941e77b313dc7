"""What the endpoints that act do, and as whom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve

from carekit.builtin.loopback import Loopback
from carekit.facts.events import Assigned, MessageSent, NoteAdded, Snoozed
from carekit.seams.scope import EVERYTHING, Scope
from carekit.testing.contracts.hosting import host, staff
from carekit.testing.desk import DeskKit
from tests.unit.web._web import READ, Web, make_app


@pytest.fixture
def one(kit: DeskKit) -> str:
    """The address of one conversation."""
    kit.write("hello")
    return f"/api/v1/conversations/{kit.conversation().id}"


def test_a_reply_is_sent_as_the_agent(web: Web, kit: DeskKit, one: str) -> None:
    """A reply goes out in the agent's name and comes back as an event."""
    response = web.post(f"{one}/reply", {"agent": "lena", "text": "good morning"})
    assert response.status_code == 200
    assert response.json()["conversation"]["status"] == "waiting"
    assert "message_sent" in [event["kind"] for event in response.json()["events"]]
    kit.settle()
    assert kit.sent == ["good morning"]
    assert kit.facts(MessageSent)[0].author == "agent:lena"


class Brief(Loopback):
    """A channel of short messages."""

    capabilities = evolve(Loopback.capabilities, max_length=10, may_initiate=True)


@pytest.fixture
def brief() -> Iterator[DeskKit]:
    """A desk with such a channel and an agent."""
    with host(Brief("brief", None), more="") as kit:
        staff(kit, "lena")
        yield kit


def test_a_reply_longer_than_its_channel_takes_is_refused(brief: DeskKit) -> None:
    """422 with the field and both numbers, and nothing is kept; a note goes nowhere and may be as long as it likes."""
    web = Web(brief, make_app(brief))
    brief.write("hello", channel="brief")
    one = f"/api/v1/conversations/{brief.conversation().id}"
    response = web.post(f"{one}/reply", {"agent": "lena", "text": "good morning"})
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert response.json()["field"] == "text"
    assert "has 12 characters, and its channel takes at most 10" in response.json()["detail"]
    assert brief.facts(MessageSent) == []
    assert web.post(f"{one}/reply", {"agent": "lena", "text": "good day"}).status_code == 200
    assert web.post(f"{one}/note", {"agent": "lena", "text": "a long one, for us"}).status_code == 200


def test_a_first_message_longer_than_its_channel_takes_is_refused(brief: DeskKit) -> None:
    """Likewise where we write first: no conversation comes of it."""
    body = {"channel": "brief", "to": {"kind": "loopback", "value": "ana"}, "text": "good morning", "agent": "lena"}
    response = Web(brief, make_app(brief)).post("/api/v1/conversations/begin", body)
    assert (response.status_code, response.json()["field"]) == (422, "text")
    assert brief.service.store.feed(0, 100, Scope(channel="brief")) == []


def test_a_note_stays_inside(web: Web, kit: DeskKit, one: str) -> None:
    """A note is kept in the agent's name and not sent."""
    assert web.post(f"{one}/note", {"agent": "lena", "text": "careful"}).status_code == 200
    kit.settle()
    assert [note.author for note in kit.facts(NoteAdded)] == ["agent:lena"]
    assert kit.sent == []


@pytest.mark.parametrize("what", ["reply", "note"])
def test_what_a_person_writes_needs_a_person(web: Web, one: str, what: str) -> None:
    """A reply or note without an agent is refused and says which field is missing."""
    response = web.post(f"{one}/{what}", {"text": "hello"})
    assert response.status_code == 422
    assert response.json()["field"] == "agent"


@pytest.mark.parametrize("agent", ["nobody", "bo", "", "lena\x00"])
def test_an_agent_who_cannot_answer_is_refused(web: Web, kit: DeskKit, one: str, agent: str) -> None:
    """An unknown agent, one of another inbox and none at all are refused by field, and nothing is sent."""
    response = web.post(f"{one}/reply", {"agent": agent, "text": "hello"})
    assert response.status_code == 422
    assert response.json()["field"] == "agent"
    assert kit.facts(MessageSent) == []


def test_assigning_acts_as_the_token(web: Web, kit: DeskKit, one: str) -> None:
    """Without an agent the log names the token."""
    assert web.post(f"{one}/assign", {"assignee": "lena", "reason": "speaks Spanish"}).status_code == 200
    event = kit.events(Assigned)[-1]
    assert (event.actor, event.reason) == ("token:writer", "speaks Spanish")
    assert web.post(f"{one}/unassign").json()["conversation"]["assignee"] == ""


def test_assigning_to_somebody_who_may_not_see_it_is_refused(web: Web, one: str) -> None:
    """An agent of another inbox is not given it."""
    response = web.post(f"{one}/assign", {"assignee": "bo"})
    assert response.status_code == 422
    assert response.json()["field"] == "assignee"


def test_resolving_and_reopening(web: Web, one: str) -> None:
    """The two steps change the status and may be taken by the token or for an agent."""
    assert web.post(f"{one}/resolve", {"agent": "lena"}).json()["conversation"]["status"] == "resolved"
    assert web.post(f"{one}/reopen").json()["conversation"]["status"] == "open"


def test_snoozing_takes_an_instant_with_its_zone(web: Web, kit: DeskKit, one: str) -> None:
    """The instant is kept in UTC; one that is past, without a zone, or off the calendar is refused by field."""
    for wrong in ("2024-01-08T08:59:59Z", "2030-01-01T00:00:00", "0001-01-01T00:00:00+10:00", "tomorrow"):
        response = web.post(f"{one}/snooze", {"until": wrong})
        assert (response.status_code, response.json()["field"]) == (422, "until")
    assert web.post(f"{one}/snooze", {"until": "2024-01-09T10:00:00+01:00"}).status_code == 200
    assert kit.facts(Snoozed)[-1].until.isoformat() == "2024-01-09T09:00:00+00:00"


def test_a_key_makes_a_repetition_harmless(web: Web, kit: DeskKit, one: str) -> None:
    """The same request with the same key acts once and answers with the first time's events."""
    body, headers = {"agent": "lena", "text": "once"}, {"Idempotency-Key": "k-1"}
    first, second = (web.post(f"{one}/reply", body, headers=headers) for _ in range(2))
    assert first.json()["repeated"] is False
    assert second.json()["repeated"] is True
    assert second.json()["events"] == first.json()["events"]
    assert len(kit.facts(MessageSent)) == 1


def test_a_key_with_another_request_is_refused(web: Web, kit: DeskKit, one: str) -> None:
    """One key for two different requests answers 409, and the second is not done."""
    headers = {"Idempotency-Key": "k-1"}
    web.post(f"{one}/reply", {"agent": "lena", "text": "one"}, headers=headers)
    response = web.post(f"{one}/reply", {"agent": "lena", "text": "two"}, headers=headers)
    assert response.status_code == 409
    assert response.json()["type"].endswith("#problem-key-reused")
    assert len(kit.facts(MessageSent)) == 1


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "tab\tbed"])
def test_an_unusable_key_is_refused(web: Web, kit: DeskKit, one: str, key: str) -> None:
    """A key that is empty, too long or not plain is refused before anything is done."""
    response = web.post(f"{one}/resolve", headers={"Idempotency-Key": key})
    assert (response.status_code, response.json()["field"]) == (422, "Idempotency-Key")
    assert kit.conversation().status == "open"


def test_a_stale_reply_says_how_far_the_log_is(web: Web, kit: DeskKit, one: str) -> None:
    """A reply written without the newest message answers 409 with that message's step."""
    seen = kit.conversation().last_message
    kit.write("and another thing")
    response = web.post(f"{one}/reply", {"agent": "lena", "text": "hi", "expected_seq": seen})
    assert response.status_code == 409
    assert response.json()["seq"] == kit.conversation().last_message > seen


def test_a_step_that_the_lifecycle_lacks_is_a_conflict(web: Web, kit: DeskKit, one: str) -> None:
    """Snoozing what is resolved answers 409."""
    kit.resolve("lena")
    assert web.post(f"{one}/snooze", {"until": "2030-01-01T00:00:00Z"}).status_code == 409


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "a\x00b", "x" * 100_001])
def test_a_text_that_is_no_message_is_refused(web: Web, one: str, text: str) -> None:
    """A text that is empty, blank, too long or holds a NUL is refused by field."""
    response = web.post(f"{one}/reply", {"agent": "lena", "text": text})
    assert (response.status_code, response.json()["field"]) == (422, "text")


def test_a_contact_is_erased_by_a_token_that_may(web: Web, kit: DeskKit, one: str) -> None:
    """A token that may not is told so; with the right to erase, the contact and what was said are gone."""
    contact = kit.conversation().contact
    path = f"/api/v1/contacts/{contact}/erase"
    refused = web.post(path, {}, token=READ)
    assert (refused.status_code, refused.json()["detail"]) == (403, "this token may not erase")
    response = web.post(path, {"agent": "lena"})
    assert response.json() == {"contact": contact, "conversations": 1, "left": []}
    assert web.get(one).status_code == 404
    assert web.post(path, {}).status_code == 404
    assert kit.service.store.feed(0, 999, EVERYTHING)[-1].actor == "agent:lena"
