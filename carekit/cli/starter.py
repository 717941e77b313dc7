"""The file that ``carekit init`` writes: what is installed, composed into one desk. Pure text, no I/O.

Core names no plugin here. Each component says by its ``starter`` which tables are a useful beginning with it, and
by its ``starter_files`` which files those tables need.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence

import attrs

from carekit.seams.component import Component
from carekit.service.plugins import Plugins

KINDS = ("channels", "bots", "surveys", "apps")
"""The kinds of which every starter is written, in the order of the file."""


@attrs.frozen(eq=False)
class Starter:
    """The beginning that one offered component suggests. ``tables`` are the names of its tables, by section."""

    plugin: str
    kind: str
    cls: type[Component]
    text: str
    tables: Mapping[str, tuple[str, ...]]

    @property
    def places(self) -> frozenset[str]:
        """Its tables as faults name them: ``channels.website``, ``store``."""
        names = {f"{section}.{name}" for section, found in self.tables.items() for name in found}
        return frozenset(names | ({"store"} if "store" in self.tables else set()))

    @property
    def files(self) -> Mapping[str, str]:
        """The files its tables need, by path from the folder of the file."""
        return self.cls.starter_files


def gather(installed: Plugins) -> tuple[list[Starter], list[str]]:
    """The starters of everything installed but stores, and of one store; and what had to be left out, with why."""
    found: list[Starter] = []
    left: list[str] = []
    for kind in (*KINDS, "stores"):
        for name, offer in sorted(installed.offers[kind].items()):
            if not offer.cls.starter:
                continue
            starter = _read(offer.plugin, kind, offer.cls)
            if isinstance(starter, str):
                left.append(f"{name}: {starter}")
            elif taken := {place for other in found for place in other.places} & starter.places:
                left.append(f"{name}: [{min(taken)}] is written already")
            else:
                found.append(starter)
    return found, left


def _read(plugin: str, kind: str, cls: type[Component]) -> Starter | str:
    try:
        tables = tomllib.loads(cls.starter)
    except tomllib.TOMLDecodeError as error:
        return f"its starter is not valid TOML: {error}"
    names = {section: tuple(table) for section, table in tables.items() if isinstance(table, dict)}
    return Starter(plugin, kind, cls, cls.starter.strip() + "\n", names)


def compose(name: str, zone: str, starters: Sequence[Starter]) -> str:
    """The text of the file for a service called *name* in the time zone *zone* (empty if it is not known)."""
    channels = _named(starters, "channels")
    blocks = [_service(name, zone)]
    blocks += [s.text for s in starters if s.kind == "stores"] or [_MEMORY]
    if not channels:
        channels = {"loopback": False}
        blocks.append(_LOOPBACK)
    blocks += [s.text for kind in KINDS for s in starters if s.kind == kind]
    blocks.append(_CALENDAR)
    blocks += _policies(channels, list(_named(starters, "bots")), list(_named(starters, "surveys")))
    return "\n".join(blocks)


def _named(starters: Iterable[Starter], kind: str) -> dict[str, bool]:
    """The names of the tables of *kind*, each with whether it is a channel on which both sides are present."""
    return {
        name: bool(getattr(getattr(s.cls, "capabilities", None), "live", False))
        for s in starters
        if s.kind == kind
        for name in s.tables.get(kind, ())
    }


def _policies(channels: Mapping[str, bool], bots: Sequence[str], surveys: Sequence[str]) -> list[str]:
    """The built-in policies, in the order in which they decide. A bot takes the live channels, or all if none is."""
    live = [name for name, is_live in channels.items() if is_live] or list(channels)
    asked = live if bots else []
    quiet = [name for name in channels if name not in asked]
    blocks = []
    if bots:
        blocks.append(_BOT.format(bot=_text(bots[0]), channels=_only(asked, channels)))
    if quiet:
        blocks.append(_ACKNOWLEDGE.format(channels=_only(quiet, channels)))
    blocks.append(_ROUTE)
    if quiet:
        blocks.append(_SLA.format(channels=_only(quiet, channels)))
    if asked:
        blocks.append(_SLA_AFTER_BOT.format(channels=_only(asked, channels)))
    blocks.append(_FOLLOW_UP)
    if surveys:
        blocks.append(_SURVEY.format(survey=_text(surveys[0])))
    return blocks


def _only(some: Sequence[str], channels: Mapping[str, bool]) -> str:
    if len(some) == len(channels):
        return ""
    return f"channels = [{', '.join(map(_text, some))}]\n"


def _text(value: str) -> str:
    """*value* as a TOML text."""
    return json.dumps("".join(ch for ch in value if ch.isprintable()), ensure_ascii=False)


def _service(name: str, zone: str) -> str:
    known = _text(zone or "UTC")
    why = "of reports and business hours" if zone else "could not be detected; of reports and business hours"
    return _SERVICE.format(name=_text(name), zone=known, why=why)


_SERVICE = """\
# This file is the desk. `carekit check` finds all that is wrong with it, `carekit serve` runs it.
# "use" names what is installed (`carekit plugins` shows all of it); the name of a table is yours to choose.

[service]
name = {name:<27} # what contacts and agents read
timezone = {zone:<23} # {why}
listen = "127.0.0.1:8000"          # where it listens; "0.0.0.0:8000" for all addresses of this machine
url = "http://127.0.0.1:8000"      # the address under which contacts reach it; links in messages begin with it
data = "data"                      # folder for attachments and the generated secret; keep both safe
"""

_MEMORY = """\
# In memory: everything is gone when the service stops. Install a plugin with a durable store before it matters.
[store]
use = "memory"
"""

_LOOPBACK = """\
# A channel to try things with: POST {"id": "1", "sender": "ana", "text": "hello"} to /channels/loopback/inbound.
# Anyone who reaches the address may do so: install a plugin with a real channel and take this out.
[channels.loopback]
use = "loopback"
"""

_CALENDAR = """\
# Business hours: targets run and contacts are told by them.
[calendars.office]
hours = { mon-fri = ["09:00-17:00"] }
# holidays = { country = "ES", subdivision = "MD" }    # or a list of dates: [2026-12-25, 2027-01-01]
"""

_BOT = """\
# The bot answers first; people take over when the contact asks for one, or after so many turns without an answer.
[policies.bot-first]
use = "bot"
bot = {bot}
misses = 2
{channels}"""

_ACKNOWLEDGE = """\
# Writes back at once, at most once a day to the same contact, and never to a machine.
[policies.acknowledge]
use = "acknowledge"
text = 'Hello {{{{ contact.first_name | default:"there" }}}}, we have your message and will answer it soon.'
closed_text = 'We have your message, and are back on {{{{ hours.opens }}}}.'
calendar = "office"                # closed_text is for when it is closed
{channels}"""

_ROUTE = """\
# Gives each conversation to the least loaded agent who is available; otherwise it waits in order of arrival.
[policies.routing]
use = "route"
"""

_SLA = """\
# A person answers within this much of the business hours, or the breach is noted.
[policies.first-reply]
use = "sla"
first_response = "4h"
calendar = "office"
{channels}"""

_SLA_AFTER_BOT = """\
# Where a bot answers first, the clock starts when it hands over to people.
[policies.first-reply-after-bot]
use = "sla"
first_response = "15m"
starts = "handoff"
calendar = "office"
{channels}"""

_FOLLOW_UP = """\
# Asks, once, some days after a person resolved it whether everything is still as it should be.
[policies.follow-up]
use = "follow-up"
after = "3d"
"""

_SURVEY = """\
# Puts the survey after a person resolved the conversation.
[policies.how-was-it]
use = "survey"
survey = {survey}
per_contact = "30d"                # at most once to the same contact in this time
"""
