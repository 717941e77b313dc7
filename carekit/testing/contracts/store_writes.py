"""The store's suite: what is written is there, exactly, all of it or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carekit.facts.events import FACTS, Event, Fact, MessageReceived
from carekit.facts.nouns import Agent, Attachment, Contact, Conversation, DeliveryStatus, Letter, Presence
from carekit.ground.errors import Conflict
from carekit.ground.values import replace
from carekit.seams.scope import EVERYTHING
from carekit.seams.store import Batch, Job, JobBegun, JobDone, Store, Text, Wanted
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.values import (
    conversation,
    event,
    keep,
    minute,
    next_step,
    refused,
    started,
    write,
)
from carekit.testing.strategies import agents, contacts, conversations, facts, values_of

generated = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Few examples; each uses names of its own, so that the store may stay the same."""

LONG = "k" * 4000
"""As long as the far side's own ids get, by accident or on purpose."""


class StoreWrites(StoreBase):
    """Transactions."""

    # --- exactly

    @pytest.mark.parametrize("kind", sorted(FACTS))
    def test_every_kind_of_fact_comes_back_as_it_went(self, opened: Store, kind: str) -> None:
        """A generated fact of each kind is read back equal, falsy values included, with the whole of its envelope."""
        keep(opened, conversation("c1"))
        last = [1]

        @generated
        @given(fact=facts(FACTS[kind]), cause=st.none() | st.integers(0, 9), reason=values_of(str))
        def there_and_back(fact: Fact, cause: int | None, reason: str) -> None:
            last[0] += 1
            sent = Event("c1", last[0], minute(0.000001), "service", fact, cause, reason[:5], reason, "cfg")
            written = write(opened, Batch(events=[sent], conversations=[conversation("c1", seq=last[0])]))
            read = opened.events("c1", last[0] - 1)
            assert read == list(written.events)
            assert replace(read[0], position=0) == sent
            assert type(read[0].fact) is FACTS[kind]

        there_and_back()

    def test_conversations_come_back_as_they_went(self, opened: Store) -> None:
        """A conversation with any values in its fields is read and loaded equal."""
        number = [0]

        @generated
        @given(value=conversations())
        def there_and_back(value: Conversation) -> None:
            number[0] += 1
            sent = replace(value, id=f"c{number[0]}", contact="p1")
            keep(opened, sent)
            assert opened.conversation(sent.id, EVERYTHING) == sent
            with opened.transaction() as unit:
                assert unit.load(Wanted(conversations=[sent.id])).conversations == {sent.id: sent}

        there_and_back()

    def test_contacts_come_back_as_they_went(self, opened: Store) -> None:
        """A contact with any values in its fields is read equal."""
        number = [0]

        @generated
        @given(value=contacts())
        def there_and_back(value: Contact) -> None:
            number[0] += 1
            sent = replace(value, id=f"p{number[0]}")
            write(opened, Batch(events=[event("channel:loop", number[0])], contacts=[sent]))
            assert opened.contact(sent.id, EVERYTHING) == sent

        there_and_back()

    def test_agents_come_back_as_they_went(self, opened: Store) -> None:
        """An agent with any values in its fields is read and loaded equal."""
        number = [0]

        @generated
        @given(value=agents())
        def there_and_back(value: Agent) -> None:
            number[0] += 1
            sent = replace(value, id=f"a{number[0]:03d}", seq=1)
            write(opened, Batch(events=[event(sent.stream, 1)], agents=[(sent, None)]))
            assert opened.agents()[-1] == sent
            with opened.transaction() as unit:
                assert unit.load(Wanted()).agents[sent.id] == sent

        there_and_back()

    def test_a_conversation_is_replaced_by_its_newer_self(self, opened: Store) -> None:
        """Writing a conversation again replaces it, fields that became empty included."""
        first = conversation(assignee="ana", subject="x", timers={"t": minute(5)}, queued_at=minute(1))
        keep(opened, first)
        keep(opened, second := next_step(first, assignee="", subject="", timers={}, queued_at=None))
        assert opened.conversation("c1", EVERYTHING) == second

    def test_a_load_brings_what_was_asked_for_and_nothing_else(self, opened: Store) -> None:
        """A load has the conversations named or found by key, their contacts and addresses, all agents, and heads."""
        one, two, other = conversation("c1"), conversation("c2", contact="p2"), conversation("c3", contact="p3")
        keep(opened, one, two, other, keys={"loop|k": "c2"}, addresses={"loopback:x": "p3"}, receipts={"r": "1"})
        write(opened, Batch(events=[event("channel:loop", 1), event("channel:loop", 2)]))
        wanted = Wanted(
            ["c1", "c9"], ["loop|k", "loop|no"], ["r", "no"], ["loopback:x", "no"], ["channel:loop", "channel:no"]
        )
        with opened.transaction() as unit:
            loaded = unit.load(wanted)
        assert dict(loaded.conversations) == {"c1": one, "c2": two}
        assert (dict(loaded.keys), dict(loaded.receipts)) == ({"loop|k": "c2"}, {"r": "1"})
        assert (dict(loaded.addresses), set(loaded.contacts)) == ({"loopback:x": "p3"}, {"p1", "p2", "p3"})
        assert dict(loaded.heads) == {"channel:loop": 2, "channel:no": 0}
        assert not loaded.agents and not loaded.jobs

    # --- the log

    def test_positions_grow_strictly(self, opened: Store) -> None:
        """Each event has a position above all before it, within and across transactions."""
        written = [e for n in range(4) for e in keep(opened, conversation(f"a{n}"), conversation(f"b{n}")).events]
        positions = [e.position for e in written]
        assert positions == sorted(set(positions))
        assert positions[0] > 0
        assert opened.last_position() == positions[-1]

    @pytest.mark.parametrize("seq", [0, 1, 2, 4, 5])
    def test_a_wrong_step_is_a_conflict(self, opened: Store, seq: int) -> None:
        """A step that does not follow the last one of its stream is refused: no gap, no double, no past."""
        keep(opened, c := conversation())
        keep(opened, next_step(c))
        with refused(opened):
            write(opened, Batch(events=[event("c1", seq)], conversations=[conversation(seq=seq)]))

    def test_a_batch_may_take_several_steps_of_several_streams(self, opened: Store) -> None:
        """Steps of different streams may be interleaved in a batch and keep their order."""
        a, b = conversation("a"), conversation("b")
        events = [started(a), started(b), event("a", 2), event("channel:loop", 1), event("b", 2), event("a", 3)]
        people = [Contact("p1", minute(0))]
        written = write(
            opened, Batch(events=events, conversations=[replace(a, seq=3), replace(b, seq=2)], contacts=people)
        )
        assert [replace(e, position=0) for e in written.events] == events
        assert opened.feed(0, 99, EVERYTHING) == list(written.events)
        assert [e.seq for e in opened.events("a")] == [1, 2, 3]

    # --- all or nothing

    def test_an_exception_in_the_block_leaves_no_trace(self, opened: Store) -> None:
        """What was written in a transaction that ends with an exception is not there."""

        def crash() -> None:
            with opened.transaction() as unit:
                unit.load(Wanted(conversations=["c1"]))
                unit.write(_everything("c1"))
                raise RuntimeError("crash")

        with pytest.raises(RuntimeError, match="crash"):
            crash()
        _assert_nothing(opened, "c1")
        write(opened, _everything("c1"))

    @pytest.mark.parametrize("fault", ["step", "receipt", "address", "agent", "new agent", "job", "token", "begun"])
    def test_a_conflict_leaves_nothing_of_its_batch(self, opened: Store, fault: str) -> None:
        """Whatever makes a batch lose a race, nothing else of that batch is kept, and the next one is."""
        job = Job("old:send", "send", "old", 1, minute(0))
        ana = Agent("ana", "Ana", "ana@desk.example", seq=1)
        held = keep(
            opened,
            conversation("old"),
            receipts={"taken": "x"},
            addresses={"loopback:taken": "p1"},
            agents=[(ana, None)],
            jobs=[job],
            node=opened.join(minute(0), minute(9)),
        ).jobs[0]
        faults: dict[str, dict[str, Any]] = {
            "step": {"events": [started(conversation("c1")), event("old", 7)]},
            "receipt": {"receipts": {"taken": "y"}},
            "address": {"addresses": {"loopback:taken": "p9"}},
            "agent": {"agents": [(replace(ana, load=2), replace(ana, load=1))]},
            "new agent": {"agents": [(replace(ana, name="Another"), None)]},
            "job": {"done": [JobDone(held.id + 1000, 1)]},
            "token": {"done": [JobDone(held.id, held.token + 1)]},
            "begun": {"begun": [JobBegun(held.id, held.token + 1)]},
        }
        with refused(opened):
            write(opened, _everything("c1", **faults[fault]))
        _assert_nothing(opened, "c1")
        write(opened, _everything("c1"))
        assert opened.conversation("c1", EVERYTHING) is not None

    # --- unique things and things that move

    def test_receipts_are_given_once(self, opened: Store) -> None:
        """A receipt that exists is a conflict and keeps its first value."""
        keep(opened, conversation("c1"), receipts={"in|loop||1": "c1\t2\tp1", "empty": ""})
        with refused(opened):
            keep(opened, conversation("c2"), receipts={"in|loop||1": "c2\t2\tp1"})
        with opened.transaction() as unit:
            receipts = unit.load(Wanted(receipts=["in|loop||1", "empty"])).receipts
        assert dict(receipts) == {"in|loop||1": "c1\t2\tp1", "empty": ""}

    def test_thread_keys_move(self, opened: Store) -> None:
        """A thread key that is written again leads to the newer conversation."""
        keep(opened, conversation("c1"), keys={"loop|k": "c1", "loop|other": "c1"})
        keep(opened, conversation("c2"), keys={"loop|k": "c2"})
        assert (opened.find_key("loop|k"), opened.find_key("loop|other")) == ("c2", "c1")
        assert opened.find_key("loop|none") is None

    def test_long_and_odd_keys_are_kept(self, opened: Store) -> None:
        """Keys are the far side's own words: thousands of characters, quotes and any script, told apart exactly."""
        odd = [LONG, LONG + "x", "Ä|ä", "ä|ä", "' OR 1=1 --", "%", "_", "👩‍👩‍👧", " k", "k"]
        c = conversation()
        keep(
            opened,
            c,
            keys={f"loop|{key}": "c1" for key in odd[::2]},
            receipts={key: key[:3] for key in odd},
            addresses={f"x:{key}": "p1" for key in odd},
            marks={key: key[-3:] for key in odd},
        )
        assert [opened.find_key(f"loop|{key}") for key in odd] == ["c1", None] * 5
        assert opened.marks(odd) == {key: key[-3:] for key in odd}
        with opened.transaction() as unit:
            loaded = unit.load(Wanted(receipts=odd, addresses=[f"x:{key}" for key in odd]))
        assert dict(loaded.receipts) == {key: key[:3] for key in odd}
        assert len(loaded.addresses) == len(odd)

    def test_agents_are_compared_before_they_are_changed(self, opened: Store) -> None:
        """An agent is written only over the very value that was read."""
        ana = Agent("ana", "Ana", "ana@desk.example", seq=1)
        write(opened, Batch(events=[event(ana.stream, 1)], agents=[(ana, None)]))
        busy = replace(ana, load=1, presence=Presence.AVAILABLE, seq=2)
        write(opened, Batch(events=[event(ana.stream, 2)], agents=[(busy, ana)]))
        with pytest.raises(Conflict):
            write(opened, Batch(events=[event(ana.stream, 3)], agents=[(replace(ana, load=2), ana)]))
        assert opened.agents() == [busy]

    def test_agents_come_by_id(self, opened: Store) -> None:
        """All agents are listed in order of id."""
        for id in ("zoe", "ana", "max"):
            agent = Agent(id, id.title(), f"{id}@desk.example", seq=1)
            write(opened, Batch(events=[event(agent.stream, 1)], agents=[(agent, None)]))
        assert [agent.id for agent in opened.agents()] == ["ana", "max", "zoe"]

    def test_marks_are_kept_with_their_batch_and_move(self, opened: Store) -> None:
        """Marks are written with the batch, also alone, replace older ones, an empty one is kept, and None removes."""
        keep(opened, conversation(), marks={"mail:uid": "7", "mail:empty": ""})
        write(opened, Batch(marks={"mail:uid": "8"}))
        assert opened.marks(["mail:uid", "mail:empty", "mail:none"]) == {"mail:uid": "8", "mail:empty": ""}
        assert opened.marks([]) == {}
        with refused(opened):
            keep(opened, conversation(), marks={"mail:uid": "9"})
        assert opened.marks(["mail:uid"]) == {"mail:uid": "8"}
        write(opened, Batch(marks={"mail:uid": None, "mail:none": None}))
        assert opened.marks(["mail:uid", "mail:empty"]) == {"mail:empty": ""}

    def test_credentials_are_kept_and_replaced(self, opened: Store) -> None:
        """The newest password hash of an agent is given, none for an unknown one."""
        write(opened, Batch(credentials={"ana": "one"}))
        write(opened, Batch(credentials={"ana": "two"}))
        assert (opened.credential("ana"), opened.credential("max")) == ("two", None)

    # --- deliveries, letters, views

    def test_deliveries_are_kept_by_message(self, opened: Store) -> None:
        """The newest status of each message is read and loaded; one that nothing was noted for is not there."""
        keep(opened, conversation("c1"), deliveries={("c1", 2): DeliveryStatus.SENDING, ("c1", 4): DeliveryStatus.SENT})
        write(opened, Batch(deliveries={("c1", 2): DeliveryStatus.FAILED}))
        assert opened.deliveries("c1") == {2: DeliveryStatus.FAILED, 4: DeliveryStatus.SENT}
        assert opened.deliveries("c9") == {}
        with opened.transaction() as unit:
            loaded = unit.load(Wanted(deliveries=[("c1", 2), ("c1", 3), ("c2", 2)]))
        assert loaded.deliveries == {("c1", 2): DeliveryStatus.FAILED}

    def test_letters_are_kept_until_they_are_removed(self, opened: Store) -> None:
        """Dead letters are listed by id and counted by channel; writing one again replaces it, None removes it."""
        one = Letter("channel:mail:1", "inbound", "mail", minute(1), "unreadable", raw="d" * 64, key="k")
        two = Letter("c1:7", "failed", "loop", minute(2), "given up", "c1", 7)
        three = Letter("c2:3", "unsure", "loop", minute(3), "cut off", "c2", 3)
        write(opened, Batch(letters={letter.id: letter for letter in (one, two, three)}))
        assert opened.letters("", 9) == [two, three, one]
        assert opened.letters("c1:7", 1) == [three]
        assert (opened.letter(two.id), opened.letter("c9:1")) == (two, None)
        assert opened.count_letters() == {"mail": 1, "loop": 2}
        write(opened, Batch(letters={two.id: replace(two, error="again"), one.id: None, "none": None}))
        with opened.transaction() as unit:
            loaded = unit.load(Wanted(letters=[one.id, two.id]))
        assert loaded.letters == {two.id: replace(two, error="again")}
        assert opened.count_letters() == {"loop": 2}

    def test_views_are_rows_in_order_of_key(self, opened: Store) -> None:
        """A view's rows are read by range of key, loaded by key, replaced, and removed by an empty text."""
        rows = {("report", f"2026-01-0{day}"): str(day) for day in (1, 2, 3)} | {("other", "2026-01-02"): "x"}
        write(opened, Batch(views=rows))
        write(opened, Batch(views={("report", "2026-01-02"): "two", ("report", "2026-01-03"): ""}))
        assert opened.view("report", "2026-01-01", "2026-12-31") == [("2026-01-01", "1"), ("2026-01-02", "two")]
        assert opened.view("report", "2026-01-02", "2026-01-02") == [("2026-01-02", "two")]
        assert opened.view("none", "", "z") == []
        assert opened.rows("report", ["2026-01-02", "2026-01-03", "x"]) == {"2026-01-02": "two"}
        assert opened.rows("report", []) == {}
        with opened.transaction() as unit:
            loaded = unit.load(Wanted(views=[("report", "2026-01-03"), ("other", "2026-01-02")]))
        assert loaded.views == {("other", "2026-01-02"): "x"}

    # --- erasure

    def test_an_erased_contact_leaves_no_trace_but_the_receipts(self, opened: Store) -> None:
        """Contact, conversations, events, keys, addresses, jobs, letters and texts go; others' things stay.

        What says that a message was received stays, so that it does not come back.
        """
        for id in ("c1", "c2"):
            c = conversation(id, contact=f"p-{id}", timers={"t": minute(1)}, queued_at=minute(0))
            heard = MessageReceived(f"hello from {id}", "m1", attachments=(Attachment("a", "t", 1, id * 32),))
            events = [started(c), event(id, 2, heard)]
            batch = _everything(id, events=events, conversations=[replace(c, seq=2)])
            write(opened, batch)
            write(opened, Batch(texts=[Text(events[1].position, id, heard.text)]))
        with opened.transaction() as unit:
            digests = unit.erase("p-c1")
        assert list(digests) == ["c1" * 32]
        assert (opened.conversation("c1", EVERYTHING), opened.contact("p-c1", EVERYTHING)) == (None, None)
        assert (opened.events("c1"), opened.deliveries("c1"), opened.find_key("loop|c1")) == ([], {}, None)
        assert [hit.conversation for hit in opened.search("hello", 9, EVERYTHING)] == ["c2"]
        assert [letter.conversation for letter in opened.letters("", 9)] == ["c2"]
        assert {e.stream for e in opened.feed(0, 99, EVERYTHING)} == {"c2"}
        assert (opened.pending_jobs(), opened.due(minute(9), 9), opened.digests("", 9)) == (1, ["c2"], ["c2" * 32])
        with opened.transaction() as unit:
            loaded = unit.load(Wanted(receipts=["in|c1"], addresses=["loopback:c1"]))
        assert (loaded.receipts, loaded.addresses, loaded.queued) == ({"in|c1": "c1"}, {}, {"main": 1})
        position = opened.last_position()
        assert keep(opened, conversation("c3")).events[0].position > position

    def test_an_erasure_can_be_taken_back(self, opened: Store) -> None:
        """An exception in the transaction undoes it."""
        write(opened, _everything("c1"))

        def crash() -> None:
            with opened.transaction() as unit:
                unit.erase("p-c1")
                raise RuntimeError("crash")

        with pytest.raises(RuntimeError, match="crash"):
            crash()
        assert opened.conversation("c1", EVERYTHING) is not None
        assert len(opened.events("c1")) == 1

    def test_bytes_that_others_need_outlive_an_erasure(self, opened: Store) -> None:
        """A file that came from two people is still needed when one of them is erased; each digest is listed once."""
        for id in ("c1", "c2"):
            c = conversation(id, contact=f"p-{id}", seq=2)
            same = MessageReceived("look", "m1", attachments=(Attachment("a", "t", 1, "a" * 64),), raw=id * 32)
            write(opened, _everything(id, events=[started(c), event(id, 2, same)], conversations=[c]))
        assert opened.digests("", 9) == ["a" * 64, "c1" * 32, "c2" * 32]
        assert opened.digests("a" * 64, 1) == ["c1" * 32]
        with opened.transaction() as unit:
            assert list(unit.erase("p-c2")) == ["c2" * 32]
        assert opened.digests("", 9) == ["a" * 64, "c1" * 32]

    # --- life

    def test_opening_and_closing_twice_does_no_harm(self, opened: Store) -> None:
        """A second open and a second close change nothing."""
        keep(opened, conversation())
        opened.open()
        assert opened.conversation("c1", EVERYTHING) is not None
        opened.close()
        opened.close()

    def test_what_was_kept_outlives_the_store(self, opened: Store) -> None:
        """After close and open everything is there, and the log goes on where it ended."""
        if opened.inline:
            pytest.skip("an inline store lives in memory and promises nothing beyond its process")
        before = write(opened, _everything("c1"))
        opened.close()
        opened.open()
        assert opened.feed(0, 99, EVERYTHING) == list(before.events)
        assert opened.find_key("loop|c1") == "c1"
        assert keep(opened, conversation("c2")).events[0].position > before.events[-1].position


def _everything(id: str, **changes: Any) -> Batch:
    """A batch that writes one of everything, all named after *id*."""
    c = conversation(id, contact=f"p-{id}", timers={"t": minute(1)})
    plain: dict[str, Any] = {
        "events": [started(c)],
        "conversations": [c],
        "contacts": [Contact(c.contact, minute(0))],
        "addresses": {f"loopback:{id}": c.contact},
        "keys": {f"loop|{id}": id},
        "receipts": {f"in|{id}": id},
        "jobs": [Job(f"{id}:send", "send", id, 1, minute(0))],
        "marks": {f"mark:{id}": id},
        "credentials": {id: "hash"},
        "deliveries": {(id, 1): DeliveryStatus.SENT},
        "letters": {f"{id}:1": Letter(f"{id}:1", "failed", "loop", minute(0), "no", id, 1)},
        "views": {("v", id): "row"},
    }
    for name, value in changes.items():
        plain[name] = {**plain[name], **value} if isinstance(value, dict) else value
    return Batch(**plain)


def _assert_nothing(store: Store, id: str) -> None:
    """Nothing of `_everything` is there."""
    assert store.conversation(id, EVERYTHING) is None
    assert store.contact(f"p-{id}", EVERYTHING) is None
    assert store.events(id) == []
    assert [e for e in store.feed(0, 999, EVERYTHING) if e.stream == id] == []
    assert store.find_key(f"loop|{id}") is None
    assert store.marks([f"mark:{id}"]) == {}
    assert store.credential(id) is None
    assert id not in store.due(minute(99), 99)
    assert [job for job in store.lease(store.join(minute(0), minute(9)), minute(1), 99) if job.stream == id] == []
    assert (store.deliveries(id), store.view("v", id, id)) == ({}, [])
    assert id not in {letter.conversation for letter in store.letters("", 999)}
    with store.transaction() as unit:
        loaded = unit.load(Wanted(receipts=[f"in|{id}"], addresses=[f"loopback:{id}"], streams=[id]))
    assert not loaded.receipts and not loaded.addresses
    assert loaded.heads[id] == 0
