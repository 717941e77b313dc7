"""carekit: a plugin-based customer-care framework.

Everything a plugin may use is listed here, and nothing else is promised. Names load on first use, so that
``import carekit`` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "carekit.ground.errors": (
        "CarekitError", "ConfigError", "TemplateError", "PluginError", "StoreError", "Conflict", "Unavailable", "Refused",
        "NotFound", "NotAllowed", "IllegalMove", "Stale", "KeyReused", "InboundError", "NotOurs", "Ignored", "Malformed",
        "DeliveryError", "Temporary", "Permanent", "Unsure",
    ),
    "carekit.ground.clock": ("Clock", "SystemClock"),
    "carekit.ground.calendars": ("Calendar",),
    "carekit.ground.durations": ("parse_duration", "format_duration"),
    "carekit.facts.nouns": (
        "Status", "DeliveryStatus", "Presence", "Address", "Attachment", "Source", "Inbound", "Contact", "Agent", "Target",
        "Survey", "Conversation",
    ),
    "carekit.facts.events": (
        "Event", "Fact", "FACTS", "Candidate", "Decision", "ConversationStarted", "MessageReceived", "MessageSent",
        "DeliveryChanged", "NoteAdded", "ContactIdentified", "Assigned", "Unassigned", "QueueEntered", "CapacityFreed",
        "BotAsked", "BotAnswered", "HandedOff", "TargetSet", "TargetMet", "TargetBreached", "TimerSet", "TimerCancelled",
        "TimerFired", "Snoozed", "Woken", "Resolved", "Reopened", "Closed", "SurveyOffered", "SurveyWithheld",
        "SurveyAnswered", "PolicyFailed", "InboundQuarantined", "AgentAdded", "AgentChanged", "PresenceChanged",
        "SessionsEnded",
    ),
    "carekit.facts.actions": (
        "Action", "Send", "AddNote", "Assign", "Unassign", "Enqueue", "AskBot", "HandOff", "SetTarget", "MeetTarget",
        "BreachTarget", "SetTimer", "CancelTimer", "Snooze", "Wake", "Resolve", "Reopen", "Close", "OfferSurvey",
        "WithholdSurvey", "AnswerSurvey", "Identify",
    ),
    "carekit.facts.codec": (
        "encode", "decode_fact", "decode_conversation", "decode_contact", "decode_agent", "event_to_dict", "to_builtins",
    ),
    "carekit.rules.context": ("Context", "SurveyOffer"),
    "carekit.rules.templates": ("Template",),
    "carekit.seams.settings": ("Secret", "setting", "NoSettings"),
    "carekit.seams.capabilities": ("Capabilities",),
    "carekit.seams.component": ("Component", "Health"),
    "carekit.seams.channel": ("Channel", "Payload", "Outbound", "Delivery"),
    "carekit.seams.bot": ("Bot", "BotTurn", "BotReply"),
    "carekit.seams.policy": ("Policy",),
    "carekit.seams.survey": ("SurveyProvider",),
    "carekit.seams.app": ("App",),
    "carekit.seams.query": ("Query", "Page"),
    "carekit.seams.scope": ("Scope", "PUBLIC"),
    "carekit.seams.store": (
        "Store", "Transaction", "Wanted", "Loaded", "Batch", "Written", "Job", "JobDone",
    ),
    "carekit.seams.desk": ("Desk", "Receipt", "Outcome", "Live", "ChannelInfo", "SurveyInfo", "Waiting"),
    "carekit.seams.hookspecs": ("hookimpl", "Sample"),
}  # fmt: skip
_MODULE = {name: module for module, names in _WHERE.items() for name in names}

__all__ = ["__version__", *_MODULE]


def __getattr__(name: str) -> Any:
    try:
        module = _MODULE[name]
    except KeyError:
        raise AttributeError(f"module 'carekit' has no public name {name!r}") from None
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
