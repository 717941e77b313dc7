"""What a contact may see of the log: the one place where events become frames.

Reasons, policies, decisions, delivery details, raw ids of agents and the words of notes never leave it; an agent is a
display name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from carekit import (
    Assigned,
    Closed,
    Conversation,
    Event,
    HandedOff,
    MessageReceived,
    MessageSent,
    Reopened,
    Resolved,
    SurveyAnswered,
    SurveyOffered,
    Unassigned,
    Waiting,
)
from carekit_chat.session import message_id

View: TypeAlias = dict[str, Any]

_STATUS = {Resolved: "resolved", Reopened: "open", Closed: "closed"}


def agents_in(event: Event) -> tuple[str, ...]:
    """The ids of agents whose display names `frame` will need."""
    fact = event.fact
    if isinstance(fact, Assigned | Unassigned):
        return (fact.agent,)
    if isinstance(fact, MessageSent) and fact.author.startswith("agent:"):
        return (fact.author.removeprefix("agent:"),)
    return ()


def frame(event: Event, names: Mapping[str, str], moves: bool) -> View | None:
    """*event* as its contact may see it, None if there is nothing to show. *names*: agent id to display name; *moves*:
    whether the agent it is about comes or leaves with it (`Company.changes`)."""
    body = _body(event, names, moves)
    if body is None:
        return None
    return {**body, "conversation": event.stream, "seq": event.seq, "at": _instant(event.at)}


def _body(event: Event, names: Mapping[str, str], moves: bool) -> View | None:
    fact = event.fact
    if isinstance(fact, MessageReceived):
        return {"type": "message", "from": "contact", "text": fact.text, "id": message_id(fact.external_id)}
    if isinstance(fact, MessageSent):
        return _sent(fact, names, moves)
    if isinstance(fact, Assigned | Unassigned):
        step = "joined" if isinstance(fact, Assigned) else "left"
        return {"type": "agent", "event": step, "name": names.get(fact.agent, "")} if moves else None
    if isinstance(fact, HandedOff):
        return {"type": "agent", "event": "handoff", "name": ""}
    if isinstance(fact, SurveyOffered):
        return {"type": "survey", "survey": fact.survey, "question": fact.question, "best": fact.best}
    if isinstance(fact, SurveyAnswered):
        return {"type": "survey", "survey": fact.survey, "score": fact.score, "best": fact.best}
    status = _STATUS.get(type(fact))
    return {"type": "status", "status": status} if status else None


def _sent(fact: MessageSent, names: Mapping[str, str], joins: bool) -> View | None:
    if fact.survey:
        return None  # the rating control itself stands in the log; a link to the same question would ask twice
    kind, _, agent = fact.author.partition(":")
    return {
        "type": "message",
        "from": kind if kind in {"agent", "bot"} else "service",
        "name": names.get(agent, "") if kind == "agent" else "",
        "joins": joins,
        "text": fact.text,
        "sources": [{"title": source.title, "url": source.url} for source in fact.sources],
    }


def now(conversation: Conversation, name: str, here: bool) -> View:
    """How the conversation stands: whose turn, who handles it (*name* is the assignee's, who is *here* or has yet to
    come), whether a bot is thinking."""
    handler = "nobody"
    if conversation.bot:
        handler = "bot"
    elif conversation.assignee and here:
        handler = "agent"
    elif conversation.assignee and conversation.waiting_since is not None:
        handler = "team"
    return {
        "type": "now",
        "conversation": conversation.id,
        "status": conversation.status.value,
        "handler": handler,
        "name": name if handler == "agent" else "",
        "typing": handler == "bot" and conversation.last_author == "contact",
        "queued": is_waiting(conversation),
    }


def is_waiting(conversation: Conversation | None) -> bool:
    """Whether the contact waits for a person and nobody has taken it."""
    if conversation is None or conversation.bot or conversation.assignee:
        return False
    return conversation.queued_at is not None or conversation.waiting_since is not None


def waiting(wait: Waiting) -> View:
    """What a contact may be told about the wait; times of day are left to the browser, which knows the zone."""
    return {
        "type": "waiting",
        "open": wait.open,
        "opens_at": _instant(wait.opens_at) if wait.opens_at else None,
        "ahead": wait.ahead,
        "agents": wait.agents > 0,
        "low": _seconds(wait.low),
        "high": _seconds(wait.high),
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())
