"""The endpoints that act on a conversation. Who acts is the token, or the agent for whom it speaks."""

from __future__ import annotations

from msgspec import UnsetType

from carekit.facts import actions as a
from carekit.facts.nouns import Address, Agent, Conversation
from carekit.ground.errors import Refused
from carekit.seams.desk import Erased
from carekit.seams.scope import Scope
from carekit.web.api import views as v
from carekit.web.api.endpoint import Call
from carekit.web.api.reads import given, instant
from carekit.web.tokens import visible_inboxes


async def reply(call: Call) -> v.Done:
    """Write to the contact as an agent."""
    return await _act(call, a.Send(call.body.text, subject=call.body.subject))


async def begin(call: Call) -> v.Done:
    """Write first, as the agent named or as the token itself."""
    body = call.body
    to = Address(body.to.kind, body.to.value, body.to.name)
    actor = await _who(call)
    action = a.Send(body.text, "reply" if actor.startswith("agent:") else "notice", subject=body.subject)
    return v.Done.of(await call.desk.begin(body.channel, to, action, actor, scope=call.token.scope, key=call.key))


async def note(call: Call) -> v.Done:
    """Add a note as an agent."""
    return await _act(call, a.AddNote(call.body.text))


async def assign(call: Call) -> v.Done:
    """Give it to an agent who may see it."""
    conversation = await call.desk.conversation(call.id, call.token.scope)
    await _agent(call, call.body.assignee, conversation, "assignee")
    return await _act(call, a.Assign(call.body.assignee, reason=call.body.reason))


async def unassign(call: Call) -> v.Done:
    """Take it from its agent."""
    return await _act(call, a.Unassign(reason=call.body.reason))


async def resolve(call: Call) -> v.Done:
    """Call it done."""
    return await _act(call, a.Resolve(reason=call.body.reason))


async def reopen(call: Call) -> v.Done:
    """Make it our turn again."""
    return await _act(call, a.Reopen(reason=call.body.reason))


async def snooze(call: Call) -> v.Done:
    """Let it rest until an instant or a message."""
    until = instant(call.body.until, "until")
    assert until is not None, "a required field"
    if until <= call.desk.now():
        raise Refused("the instant is past; choose a later one", field="until")
    return await _act(call, a.Snooze(until, reason=call.body.reason))


async def resend(call: Call) -> v.Done:
    """Send a message again."""
    return await _act(call, a.Resend(call.body.message))


async def retry(call: Call) -> v.Handled:
    """Try a dead letter again."""
    await call.desk.retry(call.id, await _who(call), scope=call.token.scope)
    return v.Handled(call.id)


async def drop(call: Call) -> v.Handled:
    """Let go of a dead letter."""
    await call.desk.drop(call.id, await _who(call), scope=call.token.scope)
    return v.Handled(call.id)


async def erase(call: Call) -> Erased:
    """Erase a contact."""
    return await call.desk.erase(call.id, await _who(call), scope=call.token.scope)


async def _act(call: Call, action: a.Action) -> v.Done:
    actor = await _actor(call)
    outcome = await call.desk.act(
        call.id,
        action,
        actor,
        scope=call.token.scope,
        expected_seq=given(call.body.expected_seq),
        key=call.key,
    )
    return v.Done.of(outcome)


async def _actor(call: Call) -> str:
    agent: str | UnsetType = call.body.agent
    if isinstance(agent, UnsetType):
        return call.token.actor
    conversation = await call.desk.conversation(call.id, call.token.scope)  # first: an unknown one tells nothing else
    return f"agent:{(await _agent(call, agent, conversation, 'agent')).id}"


async def _who(call: Call) -> str:
    """The agent named, or the token itself."""
    agent: str | UnsetType = call.body.agent
    if isinstance(agent, UnsetType):
        return call.token.actor
    return f"agent:{(await _known(call, agent, 'agent')).id}"


async def _agent(call: Call, id: str, conversation: Conversation, field: str) -> Agent:
    """The agent *id*, if active and allowed to see *conversation*."""
    found = await _known(call, id, field)
    if not Scope.of_agent(found).reaches(conversation):
        raise Refused(f"agent {id!r} may not see this inbox; choose another or widen their inboxes", field=field)
    return found


async def _known(call: Call, id: str, field: str) -> Agent:
    """The active agent *id*; one the token may not know of does not exist."""
    found = await call.desk.agent(id)
    if found is None or not found.active or not visible_inboxes(call.token, found.inboxes):
        raise Refused(f"there is no active agent {id!r}; GET /api/v1/agents lists them", field=field)
    return found
