"""The live stream: what it tells, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from console_harness import World
from starlette.responses import Response

from carekit import Address, Inbound, Scope
from carekit_console.live import Stream
from carekit_console.session import Sessions


async def open_stream(world: World, agent: str) -> tuple[Sessions, str, AsyncIterator[bytes]]:
    """A stream of *agent*, past its greeting."""
    sessions = Sessions(world.desk, "/console", world.console.settings.idle)
    found = await world.kit.desk.agent(agent)
    assert found is not None
    issued = int(world.kit.clock.now().timestamp())
    token = world.kit.desk.sign("console-session", f"{agent}:{found.session_epoch}:{issued}:n")
    session = await sessions.check(token)
    assert session is not None
    lines = Stream(world.kit.desk, sessions).lines(session, token, None)
    assert b"event: hello" in await anext(lines)
    return sessions, token, lines


async def rest(lines: AsyncIterator[bytes]) -> list[bytes]:
    return [line async for line in lines]


def test_a_new_message_is_told_at_once(world: World) -> None:
    """The stream names the conversation and its steps, and carries no content."""
    world.kit.add_agent("lena")

    async def run() -> bytes:
        _, _, lines = await open_stream(world, "lena")
        coming = asyncio.ensure_future(anext(lines))
        inbound = inbound_of("a canary of a message")
        receipt = await world.kit.desk.receive(inbound)
        line = await asyncio.wait_for(coming, 5)
        await lines.aclose()  # type: ignore[attr-defined]
        assert receipt.conversation.encode() in line
        return line

    line = world.kit.run(run())
    assert b"event: changed" in line
    assert b"canary" not in line
    data = msgspec.json.decode(line.split(b"data: ")[1])
    assert data["changes"][0]["kind"] == "conversation_started"


def test_a_foreign_inbox_is_not_told_of(world: World) -> None:
    """An agent of another inbox hears nothing of the conversation, not even its id."""
    world.kit.add_agent("lena", inboxes=["website"])

    async def run() -> bytes:
        _, _, lines = await open_stream(world, "lena")
        coming = asyncio.ensure_future(anext(lines))
        foreign = await world.kit.desk.receive(inbound_of("foreign"))
        own = await world.kit.desk.receive(inbound_of("own", channel="website"))
        line = await asyncio.wait_for(coming, 5)
        await lines.aclose()  # type: ignore[attr-defined]
        assert own.conversation.encode() in line
        assert foreign.conversation != own.conversation
        assert foreign.conversation.encode() + b'"' not in line
        return line

    world.kit.run(run())


def test_somebody_writing_is_told_to_those_who_may_see_it(world: World) -> None:
    """Contact and colleague, each by name where they have one; oneself and other inboxes are left out."""
    world.kit.add_agent("lena", inboxes=["website"])
    world.kit.add_agent("marc", name="Marc Blom")

    async def run() -> list[bytes]:
        desk = world.kit.desk
        own = (await desk.receive(inbound_of("own", channel="website"))).conversation
        foreign = (await desk.receive(inbound_of("foreign"))).conversation
        _, _, lines = await open_stream(world, "lena")
        told = []
        for id, actor in ((foreign, "contact"), (own, "agent:lena"), (own, "contact"), (own, "agent:marc")):
            await desk.typing(id, actor, scope=Scope.everything())
        while b"marc" not in b"".join(told):
            told.append(await asyncio.wait_for(anext(lines), 5))
        await lines.aclose()  # type: ignore[attr-defined]
        return told

    told = b"".join(world.kit.run(run()))
    data = [msgspec.json.decode(part.partition(b"\n\n")[0]) for part in told.split(b"event: typing\ndata: ")[1:]]
    assert [(one["by"], one["name"]) for one in data] == [("agent:marc", "Marc Blom"), ("contact", "")]
    assert len({one["id"] for one in data}) == 1


def test_a_deactivated_agent_is_told_to_go(world: World) -> None:
    """The stream ends by itself after the deactivation, without a request of the page."""
    world.kit.add_agent("lena")

    async def run() -> list[bytes]:
        _, _, lines = await open_stream(world, "lena")
        coming = asyncio.ensure_future(rest(lines))
        await asyncio.sleep(0)
        world.deactivate("lena")
        return await asyncio.wait_for(coming, 5)

    assert world.kit.run(run())[-1].startswith(b"event: ended")


def test_a_log_out_ends_the_stream_of_its_session(world: World) -> None:
    """So does logging out in another tab."""
    world.kit.add_agent("lena")

    async def run() -> list[bytes]:
        sessions, token, lines = await open_stream(world, "lena")
        session = await sessions.check(token)
        assert session is not None
        sessions.end(Response(), session)
        return await asyncio.wait_for(rest(lines), 5)

    assert world.kit.run(run())[-1].startswith(b"event: ended")


def test_the_stream_ends_with_the_service(world: World) -> None:
    """Stopping the service does not wait for open pages."""
    world.kit.add_agent("lena")

    async def run() -> list[bytes]:
        _, _, lines = await open_stream(world, "lena")
        world.kit.service.hub.close()
        return await asyncio.wait_for(rest(lines), 5)

    assert world.kit.run(run()) == []


def inbound_of(text: str, channel: str = "support") -> Inbound:
    """A message of its own conversation."""
    sender, thread = Address("email", f"{channel}@post.example"), (f"t:{text}",)
    return Inbound(channel, f"{channel}-{text}", sender, text, thread, thread)
