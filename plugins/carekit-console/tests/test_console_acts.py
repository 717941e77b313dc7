"""What an agent can do, with plain forms as a browser without scripts sends them, and with our scripts' JSON."""

from __future__ import annotations

import pytest
from console_harness import Visitor, World

from carekit import AskBot, Assigned, Close, DeliveryStatus, MessageSent, NoteAdded, Presence, Scope, Send, Status
from carekit_console.words import DELIVERY

JSON = {"Accept": "application/json"}


def field(visitor: Visitor, id: str, name: str) -> str:
    """The value of a hidden field of the conversation's page."""
    return visitor.get(f"/c/{id}").text.split(f'name="{name}" value="')[1].split('"')[0]


def test_a_reply_is_sent_and_shown(world: World) -> None:
    """A plain form post ends on the conversation, which shows the reply and its state."""
    id = world.write("Where is my order?")
    visitor = world.agent("lena", name="Lena Ruiz")
    fields = {"text": "On its way.", "expected_seq": field(visitor, id, "expected_seq"), "key": "k1", "view": "all"}
    answer = visitor.post(f"/c/{id}/reply", fields)
    assert answer.headers["location"] == f"/console/c/{id}?view=all"
    assert world.kit.facts(MessageSent, id)[-1].author == "agent:lena"
    page = visitor.get(f"/c/{id}").text
    assert "On its way." in page
    assert "Waiting for contact" in page


def test_a_reply_longer_than_its_channel_takes_stays_in_the_box(world: World) -> None:
    """422 with the reason at the composer and the text as it was written; our scripts get the same words."""
    id = world.write("Where is my order?", channel="brief")
    visitor = world.agent("lena")
    fields = {"text": "word " * 10, "expected_seq": field(visitor, id, "expected_seq"), "key": "k1"}
    answer = visitor.post(f"/c/{id}/reply", fields)
    assert answer.status_code == 422
    assert "The message has 50 characters, and its channel takes at most 40" in answer.text
    assert f"{'word ' * 10}</textarea>" in answer.text
    told = visitor.post(f"/c/{id}/reply", fields, headers=JSON)
    assert (told.status_code, told.json()["error"]) == (422, "refused")
    assert world.kit.facts(MessageSent, id) == []


def test_a_notice_of_typing_reads_its_conversation_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only if somebody listens; what the agent may not see is not there, and nobody hears of it."""
    id, heard, read = world.write("Where is my order?"), [], []
    visitor = world.agent("lena")
    store = world.kit.service.store
    look = store.conversation
    monkeypatch.setattr(store, "conversation", lambda id, scope: read.append(id) or look(id, scope))
    assert visitor.post(f"/c/{id}/typing").status_code == 204
    assert read == []
    world.kit.desk.hear_typing(Scope.everything(), heard.append)
    world.kit.clock.advance("1s")
    read.clear()
    assert visitor.post(f"/c/{id}/typing").status_code == 204
    assert (read, len(heard)) == ([id], 1)
    assert visitor.post("/c/c_404/typing").status_code == 404
    assert len(heard) == 1


def test_an_answer_of_a_bot_that_was_too_long_is_a_note(world: World) -> None:
    """Whoever takes over reads why it was not sent, and all of it."""
    id = world.write("How do I return it?", channel="brief")
    world.kit.act(AskBot("guide", 2), "service", id)
    page = world.agent("lena").get(f"/c/{id}").text
    assert "guide handed off to people" in page
    assert "This answer was not sent: the message has 74 characters, and its channel takes at most 40" in page
    assert "You can return anything within 30 days. The label is in your order" in page
    assert world.kit.facts(MessageSent, id) == []


def test_sending_twice_with_one_key_sends_once(world: World) -> None:
    """A repeated form is harmless; the same key with another text is refused with a word about it."""
    id = world.write("Where is my order?")
    visitor = world.agent("lena")
    fields = {"text": "On its way.", "expected_seq": field(visitor, id, "expected_seq"), "key": "k1"}
    for _ in range(2):
        assert visitor.post(f"/c/{id}/reply", fields, headers=JSON).json()["ok"]
    assert [fact.text for fact in world.kit.facts(MessageSent, id)] == ["On its way."]
    other = visitor.post(f"/c/{id}/reply", fields | {"text": "Another"}, headers=JSON)
    assert (other.status_code, other.json()["error"]) == (409, "key_reused")


def test_a_reply_that_overlooks_a_message_is_held_back(world: World) -> None:
    """Without scripts: 409, what is new on the page, the text still in the box, and the next send goes through."""
    id = world.write("Where is my order?")
    visitor = world.agent("lena")
    seen = field(visitor, id, "expected_seq")
    world.kit.act(Send("I have it, Marc."), "agent:marc", id)
    answer = visitor.post(f"/c/{id}/reply", {"text": "My <b>own</b> answer", "expected_seq": seen, "key": "k1"})
    assert answer.status_code == 409
    assert "Something new arrived" in answer.text
    assert "I have it, Marc." in answer.text
    assert "My &lt;b&gt;own&lt;/b&gt; answer</textarea>" in answer.text
    assert "Send anyway" in answer.text
    newer = answer.text.split('name="expected_seq" value="')[1].split('"')[0]
    assert visitor.post(f"/c/{id}/reply", {"text": "My answer", "expected_seq": newer, "key": "k2"}).status_code == 303


def test_a_stale_reply_tells_our_scripts_so(world: World) -> None:
    """As JSON: the kind of error and the newest step."""
    id = world.write("Where is my order?")
    visitor = world.agent("lena")
    seen = field(visitor, id, "expected_seq")
    world.kit.act(Send("I have it."), "agent:marc", id)
    answer = visitor.post(f"/c/{id}/reply", {"text": "Me too", "expected_seq": seen}, headers=JSON)
    assert answer.status_code == 409
    assert answer.json()["error"] == "stale"
    assert answer.json()["seq"] > int(seen)


@pytest.mark.parametrize("expected", ["", "x", "-1", "1e3", "²", "9" * 40])
def test_a_reply_must_say_what_was_read(world: World, expected: str) -> None:
    """Without a readable step nothing is sent."""
    id = world.write("hello")
    answer = world.agent("lena").post(f"/c/{id}/reply", {"text": "hi", "expected_seq": expected})
    assert answer.status_code == 422
    assert world.kit.facts(MessageSent, id) == []


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_an_empty_text_is_refused_in_the_composer(world: World, kind: str) -> None:
    """The page comes back with the reason."""
    id = world.write("hello")
    answer = world.agent("lena").post(f"/c/{id}/{kind}", {"text": " \n", "expected_seq": "99"})
    assert answer.status_code == 422
    assert f"The {'message' if kind == 'reply' else 'note'} is empty; write something" in answer.text


def test_a_note_is_marked_in_words(world: World) -> None:
    """A note is kept as one, and says that it is private."""
    id = world.write("hello")
    visitor = world.agent("lena")
    visitor.post(f"/c/{id}/note", {"text": "Careful with this one"})
    assert world.kit.facts(NoteAdded, id)[0].text == "Careful with this one"
    assert 'aria-label="Private note from Lena"' in visitor.get(f"/c/{id}").text


def test_taking_giving_and_giving_back(world: World) -> None:
    """To me, to a colleague, to nobody."""
    visitor = world.agent("lena", presence=Presence.OFF)
    world.kit.add_agent("marc", presence=Presence.OFF)
    id = world.write("hello")
    for agent, holder in (("me", "lena"), ("marc", "marc"), ("", "")):
        assert visitor.post(f"/c/{id}/assign", {"agent": agent}).status_code == 303
        assert world.kit.conversation(id).assignee == holder
    page = visitor.get(f"/c/{id}").text
    assert "Lena took it" in page
    assert "Lena assigned it to Marc" in page


def test_resolving_and_reopening(world: World) -> None:
    """Both are one click, and the page offers the one that is possible."""
    id = world.write("hello")
    visitor = world.agent("lena")
    visitor.post(f"/c/{id}/resolve")
    assert world.kit.conversation(id).status is Status.RESOLVED
    page = visitor.get(f"/c/{id}").text
    assert f"/console/c/{id}/reopen" in page
    assert f"/console/c/{id}/resolve" not in page
    visitor.post(f"/c/{id}/reopen")
    assert world.kit.conversation(id).status is Status.OPEN


@pytest.mark.parametrize(
    ("key", "until"), [("hour", "2024-01-08T10:00"), ("tomorrow", "2024-01-09T09:00"), ("monday", "2024-01-15T09:00")]
)
def test_snoozing(world: World, key: str, until: str) -> None:
    """From Monday 09:00: an hour, tomorrow at nine, and the Monday after this one."""
    id = world.write("hello")
    visitor = world.agent("lena")
    visitor.post(f"/c/{id}/snooze", {"until": key})
    found = world.kit.conversation(id).snoozed_until
    assert found is not None
    assert found.isoformat().startswith(until)
    assert visitor.post(f"/c/{id}/snooze", {"until": "2030-01-01"}).status_code == 422


def test_an_archived_conversation_has_no_composer(world: World) -> None:
    """What cannot be done is not offered, and is refused in words if it is tried."""
    id = world.write("hello")
    visitor = world.agent("lena")
    world.kit.act(Close(), "service", id)
    page = visitor.get(f"/c/{id}").text
    assert "This conversation is archived" in page
    assert "<textarea" not in page
    assert visitor.post(f"/c/{id}/reply", {"text": "hi", "expected_seq": "99"}).status_code == 422


def test_presence_is_switched(world: World) -> None:
    """The desk knows at once, and the page shows it with the load."""
    visitor = world.agent("lena", capacity=5)
    answer = visitor.post("/presence", {"presence": "away", "back": "/console/view/all"})
    assert answer.headers["location"] == "/console/view/all"
    page = visitor.get("/view/all").text
    assert "presence-away" in page
    assert "0 of 5" in page
    assert visitor.post("/presence", {"presence": "asleep"}).status_code == 422


def test_the_theme_and_the_shortcut_switch_are_remembered(world: World) -> None:
    """They come back with the next page, also without scripts."""
    visitor = world.agent("lena")
    visitor.post("/preferences", {"theme": "dark"})
    visitor.post("/preferences", {"keys": "off"})
    assert 'data-theme="dark" data-keys="off"' in visitor.get("/view/all").text


def test_an_automatic_assignment_says_why(world: World) -> None:
    """The policy, its reason, and why others were not chosen."""
    visitor = world.agent("lena", name="Lena Ruiz")
    world.kit.add_agent("ines", name="Ines Okafor", presence=Presence.AWAY)
    id = world.write("hello")
    assert world.kit.facts(Assigned, id)[0].agent == "lena"
    page = visitor.get(f"/c/{id}").text
    assert "Assigned to Lena Ruiz" in page
    assert "<code>routing</code>" in page
    assert 'Ines Okafor</dt><dd dir="auto">away' in page


def test_a_form_that_is_too_large_is_refused_unread(world: World) -> None:
    """More than a message can be long is not even parsed."""
    id = world.write("hello")
    visitor = world.agent("lena")
    answer = visitor.post(f"/c/{id}/note", {"text": "x" * 2_100_000})
    assert answer.status_code == 413


def test_another_kind_of_body_is_refused(world: World) -> None:
    """JSON and multipart are no forms of ours."""
    id = world.write("hello")
    visitor = world.agent("lena")
    answer = world.kit.run(visitor.client.post(f"/console/c/{id}/note", json={"text": "hi"}))
    assert answer.status_code == 415


def test_a_message_that_was_given_up_is_sent_again(world: World) -> None:
    """The thread says that it did not arrive and offers to send it again; what arrived offers nothing."""
    id = world.write("Where is my order?")
    visitor = world.agent("lena")
    outcome = world.kit.act(Send("On its way."), "agent:lena", id)
    assert "Send again" not in visitor.get(f"/c/{id}").text
    sent = outcome.events[0].seq
    world.kit.run(world.kit.desk.report_delivery(id, sent, DeliveryStatus.FAILED, detail="no such address"))
    page = visitor.get(f"/c/{id}").text
    assert "Not delivered: no such address" in page
    assert "Send again" in page
    assert visitor.post(f"/c/{id}/resend", {"message": str(sent)}).status_code == 303
    world.kit.settle()
    assert "Send again" not in visitor.get(f"/c/{id}").text
    assert visitor.post(f"/c/{id}/resend", {"message": "x"}).status_code == 422


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_every_state_of_a_delivery_has_words(world: World, status: DeliveryStatus) -> None:
    """However far a message got, the thread says so."""
    assert DELIVERY[status]


def test_a_dead_letter_is_tried_again_or_dropped(world: World) -> None:
    """What still cannot be read says why and stays; dropped, it is gone."""
    world.kit.run(world.kit.desk.quarantine("support", b"\x00", "not a message", key="1"))
    visitor = world.agent("lena")
    answer = visitor.post("/letters/channel:support:1/retry", {})
    assert answer.status_code == 422
    assert "still cannot be read" in answer.text
    assert visitor.post("/letters/channel:support:1/drop", {}).headers["location"] == "/console/letters"
    assert "There are none." in visitor.get("/letters").text
