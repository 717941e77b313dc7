"""The table of endpoints: what is not here is not there."""

from __future__ import annotations

from carekit.facts.nouns import Contact, Conversation
from carekit.seams.desk import Erased
from carekit.web.api import reads as r
from carekit.web.api import requests as q
from carekit.web.api import views as v
from carekit.web.api import writes as w
from carekit.web.api.endpoint import Endpoint

_ONE = "/v1/conversations/{id}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "list_conversations", "GET", "/v1/conversations", "List conversations",
        r.list_conversations, v.ConversationPage, q.ConversationQuery,
    ),
    Endpoint(
        "begin", "POST", "/v1/conversations/begin", "Write to somebody first", w.begin, v.Done, body=q.BeginBody,
        sample='{"channel": "sms", "to": {"kind": "phone", "value": "+34600000001"}, "text": "Your order has left."}',
    ),
    Endpoint("get_conversation", "GET", _ONE, "Read one conversation", r.get_conversation, Conversation),
    Endpoint(
        "list_conversation_events", "GET", f"{_ONE}/events", "Read the events of a conversation",
        r.list_steps, v.StepPage, q.StepQuery,
    ),
    Endpoint(
        "reply", "POST", f"{_ONE}/reply", "Write to the contact as an agent", w.reply, v.Done, body=q.ReplyBody,
        sample='{"agent": "lena", "text": "Your parcel left today."}',
    ),
    Endpoint(
        "note", "POST", f"{_ONE}/note", "Add a note that only agents see", w.note, v.Done, body=q.NoteBody,
        sample='{"agent": "lena", "text": "Asked the warehouse."}',
    ),
    Endpoint(
        "assign", "POST", f"{_ONE}/assign", "Assign it to an agent", w.assign, v.Done, body=q.AssignBody,
        sample='{"assignee": "lena"}',
    ),
    Endpoint("unassign", "POST", f"{_ONE}/unassign", "Take it from its agent", w.unassign, v.Done, body=q.StepBody),
    Endpoint("resolve", "POST", f"{_ONE}/resolve", "Resolve it", w.resolve, v.Done, body=q.StepBody),
    Endpoint("reopen", "POST", f"{_ONE}/reopen", "Open it again", w.reopen, v.Done, body=q.StepBody),
    Endpoint(
        "snooze", "POST", f"{_ONE}/snooze", "Let it rest until an instant or a message", w.snooze, v.Done,
        body=q.SnoozeBody, sample='{"until": "2030-01-07T09:00:00Z"}',
    ),
    Endpoint(
        "resend", "POST", f"{_ONE}/resend", "Send a message again that may not have arrived",
        w.resend, v.Done, body=q.ResendBody, sample='{"message": 3}',
    ),
    Endpoint("list_contacts", "GET", "/v1/contacts", "List contacts", r.list_contacts, v.ContactPage, q.ContactQuery),
    Endpoint("get_contact", "GET", "/v1/contacts/{id}", "Read one contact", r.get_contact, Contact),
    Endpoint(
        "erase_contact", "POST", "/v1/contacts/{id}/erase", "Erase a contact with everything said, for good",
        w.erase, Erased, body=q.EraseBody, right="erase",
    ),
    Endpoint(
        "list_events", "GET", "/v1/events", "Follow everything that happens", r.list_events, v.EventPage, q.FeedQuery
    ),
    Endpoint("list_agents", "GET", "/v1/agents", "List agents", r.list_agents, v.AgentList),
    Endpoint("list_channels", "GET", "/v1/channels", "List channels", r.list_channels, v.ChannelList),
    Endpoint(
        "get_report", "GET", "/v1/reports", "Read the report over a period", r.get_report, v.Report, q.ReportQuery,
    ),
    Endpoint(
        "list_dead_letters", "GET", "/v1/dead-letters", "List what could not be read or sent",
        r.list_letters, v.LetterPage, q.LetterQuery,
    ),
    Endpoint(
        "retry_dead_letter", "POST", "/v1/dead-letters/{id}/retry", "Read or send a dead letter again",
        w.retry, v.Handled, body=q.LetterBody,
    ),
    Endpoint(
        "drop_dead_letter", "POST", "/v1/dead-letters/{id}/drop", "Let go of a dead letter",
        w.drop, v.Handled, body=q.LetterBody,
    ),
    Endpoint("search", "GET", "/v1/search", "Find what was said", r.search, v.Hits, q.SearchQuery),
)  # fmt: skip
"""Paths are below ``/api``. One path has one method."""
