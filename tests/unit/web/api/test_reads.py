"""What the endpoints that read show, and what they leave out."""

from __future__ import annotations

import asyncio

import pytest

from carekit.facts.events import MessageSent
from carekit.facts.nouns import Address, DeliveryStatus, Inbound
from carekit.seams.settings import Secret
from carekit.testing.desk import DeskKit
from carekit.web.tokens import ApiToken
from tests.unit.web._web import READ, Web, make_app


async def followed(kit: DeskKit) -> None:
    while not kit.service.hub.followers:  # noqa: ASYNC110 - the hub tells nobody when a follower comes
        await asyncio.sleep(0)


def inbound(text: str, id: str) -> Inbound:
    return Inbound("loop", id, Address("loopback", "ana"), text, ("peer:ana",), ("peer:ana",))


def test_a_conversation_leaves_out_what_is_the_bots_own(web: Web, kit: DeskKit) -> None:
    """The bot's memory is nobody's business outside."""
    kit.write("hello")
    shown = web.get(f"/api/v1/conversations/{kit.conversation().id}").json()
    assert shown["preview"] == "hello"
    assert "memory" not in shown


def test_events_leave_out_what_is_the_channels_own(web: Web, kit: DeskKit) -> None:
    """What a channel keeps in order to answer is not shown, neither in the conversation's events nor in the feed."""
    kit.write("hello", meta={"reply_token": "canary-secret"})
    steps = web.get(f"/api/v1/conversations/{kit.conversation().id}/events")
    feed = web.get("/api/v1/events")
    assert [event["kind"] for event in steps.json()["items"]][:2] == ["conversation_started", "message_received"]
    for response in (steps, feed):
        assert "canary-secret" not in response.text


def test_events_of_a_conversation_come_by_step(web: Web, kit: DeskKit) -> None:
    """after and limit cut the history."""
    kit.write("one")
    kit.write("two")
    path = f"/api/v1/conversations/{kit.conversation().id}/events"
    assert [event["seq"] for event in web.get(f"{path}?after=1&limit=1").json()["items"]] == [2]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=open&status=waiting", 2),
        ("status=resolved", 0),
        ("assignee=lena", 1),
        ("assignee=", 1),
        ("inbox=shop", 1),
        ("channel=other", 1),
        ("order=waiting", 2),
        ("bot=true", 0),
        ("bot=false", 2),
    ],
)
def test_conversations_are_chosen_by_their_parameters(web: Web, kit: DeskKit, query: str, found: int) -> None:
    """Each parameter narrows the list; an empty assignee means nobody."""
    kit.write("one")
    mine = kit.conversation().id
    kit.write("two", channel="other")
    web.post(f"/api/v1/conversations/{mine}/assign", {"assignee": "lena"})
    assert len(web.get(f"/api/v1/conversations?{query}").json()["items"]) == found


def test_the_feed_goes_on_from_its_cursor(web: Web, kit: DeskKit) -> None:
    """Following the cursor shows every event once, and the end repeats the cursor."""
    kit.write("one")
    kit.write("two")
    seen, cursor = [], 0
    while items := (page := web.get(f"/api/v1/events?limit=2&after={cursor}").json())["items"]:
        seen += [item["position"] for item in items]
        cursor = page["cursor"]
    assert seen == list(range(1, kit.service.store.last_position() + 1))
    assert page["cursor"] == cursor


def test_a_waiting_reader_is_told_at_once(web: Web, kit: DeskKit) -> None:
    """With wait, the answer comes with the next event and not before."""
    kit.write("one")
    after = kit.service.store.last_position()

    async def both():
        asking = asyncio.create_task(web.ask("GET", f"/api/v1/events?after={after}&wait=25", READ))
        await followed(kit)
        assert not asking.done()
        await kit.desk.receive(inbound("two", "late"))
        return await asking

    response = kit.run(both())
    assert response.json()["items"][0]["fact"]["text"] == "two"
    assert response.json()["cursor"] > after
    assert kit.service.hub.followers == 0


def test_a_waiting_reader_is_let_go_when_the_service_stops(web: Web, kit: DeskKit) -> None:
    """The end of the feed ends the wait with an empty page."""

    async def both():
        asking = asyncio.create_task(web.ask("GET", f"/api/v1/events?after={2**40}&wait=25", READ))
        await followed(kit)
        kit.service.hub.close()
        return await asking

    assert kit.run(both()).json() == {"items": [], "cursor": 2**40}


def test_agents_are_listed_without_credentials(web: Web) -> None:
    """The list shows who they are, and nothing that has to do with logging in."""
    agents = web.get("/api/v1/agents").json()["items"]
    assert [agent["id"] for agent in agents] == ["bo", "lena"]
    for agent in agents:
        assert not {"password", "credential", "hash", "session_epoch"} & agent.keys()


def test_contacts_are_listed_and_read(web: Web, kit: DeskKit) -> None:
    """A contact in the list can be read by its id."""
    kit.write("hello", name="Ana Roca")
    listed = web.get("/api/v1/contacts").json()["items"]
    assert web.get(f"/api/v1/contacts/{listed[0]['id']}").json() == listed[0]
    assert listed[0]["name"] == "Ana Roca"


@pytest.mark.parametrize("path", ["conversations", "contacts", "dead-letters"])
@pytest.mark.parametrize("cursor", ["zzz", "1", "~x", "9" * 30 + "~x"])
def test_what_is_no_cursor_is_refused(web: Web, path: str, cursor: str) -> None:
    """Every list says that it is none of ours, where an empty page would pass for the end."""
    response = web.get(f"/api/v1/{path}?cursor={cursor}")
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert (response.json()["field"], "begin without one" in response.json()["detail"]) == ("cursor", True)


@pytest.mark.parametrize("path", ["conversations", "contacts", "dead-letters"])
def test_cursors_lead_through_every_list(web: Web, kit: DeskKit, path: str) -> None:
    """Page by page each thing comes once, and the last page has no cursor."""
    for number in range(4):
        kit.write("hello", sender=f"p{number}")
        kit.run(kit.desk.quarantine("loop", b"\x00", "unreadable", key=str(number)))
    for size, pages in ((1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1])):
        ids, sizes, cursor = [], [], ""
        while not sizes or cursor:
            page = web.get(f"/api/v1/{path}", params={"limit": size, "cursor": cursor}).json()
            ids += [item["id"] for item in page["items"]]
            sizes.append(len(page["items"]))
            cursor = page["cursor"]
        assert (len(set(ids)), sizes) == (4, pages)


def test_dead_letters_tell_what_they_hold(web: Web, kit: DeskKit) -> None:
    """From whom, to whom and its first words, as far as that can be told; a limited token gets none."""
    kit.run(kit.desk.quarantine("loop", b"Where is my parcel? " + b"x" * 9_999, "unreadable", key="1"))
    kit.write("hello", name="Ana Roca")
    id = kit.conversation().id
    kit.reply("lena", "It left today.")
    kit.run(kit.desk.report_delivery(id, kit.events(MessageSent)[0].seq, DeliveryStatus.FAILED, detail="refused"))
    theirs, ours = sorted(web.get("/api/v1/dead-letters").json()["items"], key=lambda item: item["kind"] == "failed")
    assert theirs["text"].startswith("Where is my parcel? xx")
    assert (len(theirs["text"]), theirs["error"], theirs["sender"]) == (500, "unreadable", "")
    assert (ours["sender"], ours["to"], ours["text"]) == ("Lena", "Ana Roca <ana>", "It left today.")
    limited = ApiToken("limited", Secret(READ), {"read"}, {"shop"})
    assert Web(kit, make_app(kit, tokens=(limited,))).get("/api/v1/dead-letters").json()["items"] == []


def test_channels_are_listed_with_what_they_can(web: Web) -> None:
    """A channel shows its inbox and its capabilities."""
    channels = {channel["name"]: channel for channel in web.get("/api/v1/channels").json()["items"]}
    assert channels["loop"]["inbox"] == "shop"
    assert channels["loop"]["capabilities"]["webhook"] is True


def test_a_report_covers_its_period(web: Web, kit: DeskKit) -> None:
    """A report is given for a period that begins before it ends."""
    kit.write("hello")
    assert web.get("/api/v1/reports?since=2024-01-01T00:00:00Z&until=2025-01-01T00:00:00Z").status_code == 200
    wrong = web.get("/api/v1/reports?since=2025-01-01T00:00:00Z&until=2024-01-01T00:00:00Z")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "until")
