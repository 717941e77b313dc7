"""What the API accepts: one Struct per set of query parameters and per body. No other field exists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from carekit.facts.nouns import Status

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader holds exactly."""

_NAME = r"^[^\x00-\x1f\x7f]*$"
_PROSE = r"^[^\x00]*$"

Name = Annotated[str, Meta(max_length=200, pattern=_NAME)]
Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NAME)]
Cursor = Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9._:~=+/|-]*$", description="from the page before")]
Limit = Annotated[int, Meta(ge=1, le=200, description="how many at most")]
Step = Annotated[int, Meta(ge=0, le=LARGEST)]
Text = Annotated[str, Meta(min_length=1, max_length=100_000, pattern=_PROSE)]
Reason = Annotated[str, Meta(max_length=1_000, pattern=_PROSE, description="why, for the log")]
Instant = Annotated[datetime, Meta(tz=True)]
ActingAgent = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=_NAME, description="the id of the agent who does it")
]
Seen = Annotated[
    int,
    Meta(ge=0, le=LARGEST, description="the newest message you have seen; refused with 409 if a newer one has come"),
]


class Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of all that comes in: an unknown field is refused."""


# --- query parameters


class Nothing(Request):
    """No parameters."""


class ConversationQuery(Request):
    """Which conversations to list."""

    status: list[Status] | UnsetType = UNSET
    assignee: (
        Annotated[str, Meta(max_length=200, pattern=_NAME, description="an agent's id; empty for nobody")] | UnsetType
    ) = UNSET
    inbox: Name | UnsetType = UNSET
    channel: Name | UnsetType = UNSET
    contact: Name | UnsetType = UNSET
    bot: Annotated[bool, Meta(description="whether a bot handles it now: false for what is people's")] | UnsetType = (
        UNSET
    )
    order: Literal["updated", "waiting", "queued"] = "updated"
    cursor: Cursor = ""
    limit: Limit = 50


class StepQuery(Request):
    """Which events of a conversation."""

    after: Annotated[int, Meta(ge=0, le=LARGEST, description="only events with a larger `seq`")] = 0
    limit: Limit = 200


class ContactQuery(Request):
    """Which contacts."""

    cursor: Cursor = ""
    limit: Limit = 50


class FeedQuery(Request):
    """Which events of all."""

    after: Annotated[int, Meta(ge=0, le=LARGEST, description="the cursor of the page before, 0 for the beginning")] = 0
    limit: Limit = 200
    wait: Annotated[int, Meta(ge=0, le=25, description="seconds to wait if there is nothing yet")] = 0


class LetterQuery(Request):
    """Which dead letters."""

    cursor: Cursor = ""
    limit: Limit = 50


class SearchQuery(Request):
    """What to find."""

    q: Annotated[str, Meta(min_length=1, max_length=200, description="all of these words; the last may be unfinished")]
    limit: Annotated[int, Meta(ge=1, le=100, description="how many at most")] = 20


class ReportQuery(Request):
    """Which period: conversations that began in it."""

    since: Instant | UnsetType = UNSET
    until: Instant | UnsetType = UNSET


# --- bodies


class ReplyBody(Request):
    """A message to the contact, written by an agent."""

    agent: ActingAgent
    text: Text
    subject: Annotated[str, Meta(max_length=500, pattern=_NAME)] = ""
    expected_seq: Seen | UnsetType = UNSET


class AddressBody(Request):
    """Where somebody can be reached."""

    kind: Annotated[str, Meta(min_length=1, max_length=40, pattern=_NAME, description="email, phone …")]
    value: Annotated[str, Meta(min_length=1, max_length=320, pattern=_NAME)]
    name: Name = ""


class BeginBody(Request):
    """A message with which we write first."""

    channel: Annotated[str, Meta(min_length=1, max_length=200, pattern=_NAME, description="one that may begin")]
    to: AddressBody
    text: Text
    subject: Annotated[str, Meta(max_length=500, pattern=_NAME)] = ""
    agent: ActingAgent | UnsetType = UNSET


class NoteBody(Request):
    """A note that only agents see, written by an agent."""

    agent: ActingAgent
    text: Text
    expected_seq: Seen | UnsetType = UNSET


class AssignBody(Request):
    """Who is to handle it."""

    assignee: Annotated[str, Meta(min_length=1, max_length=200, pattern=_NAME, description="the id of an active agent")]
    agent: ActingAgent | UnsetType = UNSET
    reason: Reason = ""
    expected_seq: Seen | UnsetType = UNSET


class StepBody(Request):
    """A step that needs nothing said."""

    agent: ActingAgent | UnsetType = UNSET
    reason: Reason = ""
    expected_seq: Seen | UnsetType = UNSET


class ResendBody(Request):
    """Which message to send again."""

    message: Annotated[int, Meta(ge=1, le=LARGEST, description="its `seq`")]
    agent: ActingAgent | UnsetType = UNSET
    expected_seq: Seen | UnsetType = UNSET


class LetterBody(Request):
    """Who handles a dead letter."""

    agent: ActingAgent | UnsetType = UNSET


class EraseBody(Request):
    """Who erases a contact."""

    agent: ActingAgent | UnsetType = UNSET


class SnoozeBody(Request):
    """Until when it is nobody's turn."""

    until: Instant
    agent: ActingAgent | UnsetType = UNSET
    reason: Reason = ""
    expected_seq: Seen | UnsetType = UNSET
