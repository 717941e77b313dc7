"""What core itself offers, through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Mapping

from carekit.builtin.loopback import Loopback
from carekit.builtin.memory import MemoryStore
from carekit.builtin.pages import Pages
from carekit.builtin.policies.acknowledge import Acknowledge
from carekit.builtin.policies.after import Archive, AskSurvey, FollowUp
from carekit.builtin.policies.ask_bot import AskBotFirst
from carekit.builtin.policies.hours import Hours
from carekit.builtin.policies.route import Route
from carekit.builtin.policies.sla import Sla
from carekit.seams.app import App
from carekit.seams.channel import Channel
from carekit.seams.hookspecs import hookimpl
from carekit.seams.policy import Policy
from carekit.seams.store import Store


@hookimpl
def carekit_channels() -> Mapping[str, type[Channel]]:
    return {"loopback": Loopback}


@hookimpl
def carekit_policies() -> Mapping[str, type[Policy]]:
    return {
        "acknowledge": Acknowledge,
        "hours": Hours,
        "bot": AskBotFirst,
        "route": Route,
        "sla": Sla,
        "follow-up": FollowUp,
        "survey": AskSurvey,
        "archive": Archive,
    }


@hookimpl
def carekit_stores() -> Mapping[str, type[Store]]:
    return {"memory": MemoryStore}


@hookimpl
def carekit_apps() -> Mapping[str, type[App]]:
    return {"pages": Pages}
