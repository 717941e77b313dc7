"""Assign to the least loaded available agent with capacity; otherwise keep it in the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carekit.facts.actions import Action, Assign, Enqueue, Unassign
from carekit.facts.events import (
    Candidate,
    CapacityFreed,
    Decision,
    Event,
    HandedOff,
    MessageReceived,
    Reopened,
    Unassigned,
    Woken,
)
from carekit.facts.nouns import Agent, Conversation, Presence, Status
from carekit.rules.context import Context
from carekit.seams.policy import Policy


class Route(Policy):
    """Choose among available agents with spare capacity the one with the largest share of it free.

    Ties go to whoever was assigned something longest ago, then by id. The decision record names every agent: the score,
    or why not. Nobody free: the conversation waits in order of arrival and is looked at again when capacity frees.
    """

    listens = frozenset({MessageReceived, HandedOff, Reopened, CapacityFreed, Unassigned, Woken})

    def decide(self, event: Event, conversation: Conversation, context: Context) -> Iterable[Action]:
        if conversation.status is not Status.OPEN or conversation.bot or conversation.first_message_at is None:
            return ()
        if conversation.assignee:
            owner = context.agents.get(conversation.assignee)
            if owner is not None and owner.active:
                return ()
            return (Unassign(reason=f"agent {conversation.assignee!r} is no longer active"),)
        if conversation.queued_at is not None and isinstance(event.fact, MessageReceived):
            return ()  # it has its place already; another message does not move it
        if isinstance(event.fact, Unassigned) and event.actor.startswith("agent:"):
            return ()  # a person put it back on purpose; routing would hand it straight back
        if context.queued.get(conversation.inbox) and not isinstance(event.fact, CapacityFreed):
            return (Enqueue(reason="others wait already, and the queue is served in order"),)
        decision = choose(context.agents, conversation.inbox)
        if decision.chosen:
            return (Assign(decision.chosen, decision, reason=_why(decision)),)
        return (Enqueue(decision, reason="no available agent has capacity"),)


def choose(agents: Mapping[str, Agent], inbox: str) -> Decision:
    """The routing decision for a conversation of *inbox*: all candidates in order of id, and the chosen one if any."""
    candidates = []
    best: list[Agent] = []
    top = 0.0
    for id in sorted(agents):
        agent = agents[id]
        excluded = _excluded(agent, inbox)
        if excluded:
            candidates.append(Candidate(id, excluded=excluded))
            continue
        score = (agent.capacity - agent.load) / agent.capacity
        candidates.append(Candidate(id, score))
        if score > top:
            best, top = [agent], score
        elif score == top:
            best.append(agent)
    if not best:
        return Decision(tuple(candidates))
    chosen = min(best, key=lambda a: (a.last_assigned_at is not None, a.last_assigned_at, a.id))
    tie = "assigned something longest ago" if len(best) > 1 else ""
    return Decision(tuple(candidates), chosen.id, tie)


def _excluded(agent: Agent, inbox: str) -> str:
    if not agent.active:
        return "deactivated"
    if agent.inboxes and inbox not in agent.inboxes:
        return f"not a member of inbox {inbox!r}"
    if agent.presence is not Presence.AVAILABLE:
        return agent.presence.value
    if agent.load >= agent.capacity:
        return f"full: {agent.load} of {agent.capacity}"
    return ""


def _why(decision: Decision) -> str:
    free = sum(1 for candidate in decision.candidates if not candidate.excluded)
    share = next(c.score for c in decision.candidates if c.agent == decision.chosen)
    reason = f"least loaded of {free} available: {share:.0%} free"
    return f"{reason}; tie: {decision.tie_break}" if decision.tie_break else reason
