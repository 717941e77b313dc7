"""A transport that misbehaves, and a desk that does not mind."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.facts.events import MessageReceived
from carekit.facts.nouns import Inbound
from carekit.seams.desk import Receipt
from carekit.testing import DeskKit, FaultyTransport
from carekit.testing.contracts.values import inbound


def _messages(count: int) -> list[Inbound]:
    return [inbound("ana", f"m{number}", str(number)) for number in range(count)]


async def _nowhere(message: Inbound) -> Receipt:
    return Receipt("c", 1, "p")


@pytest.mark.parametrize("seed", range(8))
def test_a_desk_keeps_each_message_once_through_a_bad_network(desk: DeskKit, seed: int) -> None:
    """Through duplicates, delays, losses and changes of order a desk ends with each message once, without gaps."""
    transport = FaultyTransport(desk.desk.receive, Random(seed), duplicate=0.5, reorder=0.5, delay=0.3, drop=0.3)
    receipts = desk.run(transport.deliver(_messages(40)))
    received = [event.fact.external_id for event in desk.events() if isinstance(event.fact, MessageReceived)]
    assert sorted(received) == sorted(f"m{number}" for number in range(40))
    assert [event.seq for event in desk.events()] == list(range(1, 42))
    assert sum(not receipt.repeated for receipt in receipts) == 40
    assert transport.lost == []


@given(seed=st.integers(), count=st.integers(0, 30))
def test_with_resending_every_message_arrives(seed: int, count: int) -> None:
    """A far side that sends again delivers every message at least once, whatever chance does."""
    transport = FaultyTransport(_nowhere, Random(seed), drop=0.9)
    arrivals = Counter(message.external_id for message in transport.schedule(_messages(count)))
    assert set(arrivals) == {f"m{number}" for number in range(count)}


@given(seed=st.integers())
def test_without_resending_what_is_lost_is_named(seed: int) -> None:
    """A far side that sends once loses messages; each is either delivered or named as lost."""
    transport = FaultyTransport(_nowhere, Random(seed), drop=0.5, resend=False)
    messages = _messages(30)
    arrived = {message.external_id for message in transport.schedule(messages)}
    assert arrived.isdisjoint(message.external_id for message in transport.lost)
    assert len(arrived) + len(transport.lost) == len(messages)


def test_a_seed_repeats_a_bad_day() -> None:
    """The same seed gives the same deliveries, another seed others."""
    days = [FaultyTransport(_nowhere, Random(seed)).schedule(_messages(30)) for seed in (1, 1, 2)]
    assert days[0] == days[1]
    assert days[0] != days[2]


def test_each_fault_happens() -> None:
    """Over many messages there are doubles, changes of order, and losses."""
    messages = _messages(200)
    transport = FaultyTransport(_nowhere, Random(3), resend=False)
    arrivals = transport.schedule(messages)
    assert max(Counter(message.external_id for message in arrivals).values()) > 1
    assert transport.lost
    first_seen = list(dict.fromkeys(message.external_id for message in arrivals))
    assert first_seen != sorted(first_seen, key=lambda id: int(id[1:]))


def test_a_perfect_network_delivers_in_order_once() -> None:
    """With every probability at nothing the messages come as they were sent."""
    transport = FaultyTransport(_nowhere, Random(1), duplicate=0, reorder=0, delay=0, drop=0)
    assert transport.schedule(_messages(20)) == _messages(20)
    assert len(asyncio.run(transport.deliver(_messages(20)))) == 20
