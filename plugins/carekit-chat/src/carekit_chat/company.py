"""Who is really there: an agent whom a rule gave a conversation has not come until they do something themselves."""

from __future__ import annotations

from carekit import Assigned, Closed, Event, MessageSent, Resolved, Unassigned


class Company:
    """The agents who have come to each conversation, as the events tell it in their order.

    One comes by taking the conversation or by writing to the contact, and leaves when it is taken from them or is over.
    """

    def __init__(self) -> None:
        self._here: dict[str, set[str]] = {}

    def has(self, conversation: str, agent: str) -> bool:
        """Whether *agent* has come to *conversation*."""
        return agent in self._here.get(conversation, ())

    def changes(self, event: Event) -> bool:
        """Take the next event in; whether the agent it is about comes or leaves with it."""
        fact, here = event.fact, self._here.setdefault(event.stream, set())
        if isinstance(fact, Resolved | Closed):
            here.clear()
        agent = ""
        if isinstance(fact, Assigned) and event.actor == f"agent:{fact.agent}":
            agent = fact.agent
        elif isinstance(fact, MessageSent) and fact.author.startswith("agent:"):
            agent = fact.author.removeprefix("agent:")
        elif isinstance(fact, Unassigned) and fact.agent in here:
            here.remove(fact.agent)
            return True
        if not agent or agent in here:
            return False
        here.add(agent)
        return True
