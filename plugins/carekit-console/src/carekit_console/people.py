"""Names for the actors of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from carekit import Agent, Contact


@attrs.frozen
class People:
    """Who is who on one page: agents by id, the contact's name, the service's name, and channel titles."""

    agents: Mapping[str, str]
    contact: str
    service: str
    channels: Mapping[str, str]

    @classmethod
    def of(cls, agents: Iterable[Agent], contact: str, service: str, channels: Mapping[str, str]) -> People:
        """From the agents themselves."""
        return cls({agent.id: agent.name or agent.id for agent in agents}, contact, service, channels)

    def agent(self, id: str) -> str:
        """The name of an agent; the id of one that is no longer known."""
        return self.agents.get(id, id)

    def name(self, actor: str) -> str:
        """The name of an actor of the log."""
        kind, _, rest = actor.partition(":")
        if kind == "agent":
            return self.agent(rest)
        if kind == "contact":
            return self.contact
        if kind == "bot":
            return rest
        if kind in ("policy", "channel"):
            return f"{kind} {rest}"
        return self.service


def contact_name(contact: Contact | None) -> str:
    """What to call a contact: the name, an address, or a word that says there is none."""
    if contact is None:
        return "Unknown contact"
    if contact.name:
        return contact.name
    if contact.email:
        return contact.email
    for address in contact.addresses:
        kind, _, value = address.partition(":")
        if kind in ("email", "phone"):
            return value
    return "Visitor"
