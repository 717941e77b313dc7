"""What one transaction sees and changes: loaded once, changed by every command in turn, written once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from carekit.facts.events import Event
from carekit.facts.nouns import Agent, Contact, Conversation
from carekit.seams.store import Batch, Job, JobDone, Loaded


class World:
    """The working set of a batch. Commands read from it and put their results into it."""

    def __init__(self, loaded: Loaded) -> None:
        self.conversations = loaded.conversations
        self.contacts = loaded.contacts
        self.addresses = loaded.addresses
        self.keys = loaded.keys
        self.receipts = loaded.receipts
        self.agents: Mapping[str, Agent] = loaded.agents
        self.heads = loaded.heads
        self.jobs = loaded.jobs
        self.queued: Mapping[str, int] = loaded.queued
        self._agents_before = loaded.agents
        self.events: list[Event] = []
        self._changed: dict[str, None] = {}
        self._changed_contacts: dict[str, None] = {}
        self._new_addresses: dict[str, str] = {}
        self._new_keys: dict[str, str] = {}
        self._new_receipts: dict[str, str] = {}
        self.new_jobs: list[Job] = []
        self.done: list[JobDone] = []
        self.marks: dict[str, str] = {}
        self.credentials: dict[str, str] = {}

    def put(self, conversation: Conversation, events: list[Event]) -> None:
        """The conversation after *events*."""
        before = self.conversations.get(conversation.id)
        if change := conversation.queued - (before is not None and before.queued):
            self.queued = {**self.queued, conversation.inbox: self.queued.get(conversation.inbox, 0) + change}
        self.conversations[conversation.id] = conversation
        self._changed[conversation.id] = None
        self.events.extend(events)

    def put_contact(self, contact: Contact) -> None:
        if self.contacts.get(contact.id) is not contact:
            self.contacts[contact.id] = contact
            self._changed_contacts[contact.id] = None

    def put_address(self, key: str, contact: str) -> None:
        self.addresses[key] = self._new_addresses[key] = contact

    def put_key(self, key: str, conversation: str) -> None:
        if self.keys.get(key) != conversation:
            self.keys[key] = self._new_keys[key] = conversation

    def put_receipt(self, key: str, value: str) -> None:
        self.receipts[key] = self._new_receipts[key] = value

    def batch(self, lease_until: datetime) -> Batch:
        """Everything to write."""
        before = self._agents_before
        agents = []
        if self.agents is not before:
            agents = [(agent, before.get(id)) for id, agent in self.agents.items() if before.get(id) is not agent]
        return Batch(
            events=self.events,
            conversations=[self.conversations[id] for id in self._changed],
            contacts=[self.contacts[id] for id in self._changed_contacts],
            addresses=self._new_addresses,
            agents=agents,
            keys=self._new_keys,
            receipts=self._new_receipts,
            jobs=self.new_jobs,
            lease_until=lease_until,
            done=self.done,
            marks=self.marks,
            credentials=self.credentials,
        )
