"""What the contract leaves to a store: its keys, its cursors, its leases and its indexes."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest

from carekit import (
    PUBLIC,
    Agent,
    Batch,
    Conflict,
    Contact,
    Conversation,
    Job,
    JobDone,
    Query,
    Refused,
    Scope,
    Status,
    StoreError,
    Wanted,
)
from carekit_sql.store import SqlStore

Opener = Callable[[str], SqlStore]


def test_what_was_written_comes_back_exactly(store: SqlStore, make: ModuleType) -> None:
    """Texts of every script, microseconds and empty fields survive the way to the disk and back."""
    text = "¿Dónde está mi pedido? 🦊 中文 \x00 \\ ' \" %s ? :x"
    written = make.conversation(subject=text, timers={"first": make.T + make.MINUTE}, waiting_since=make.T)
    make.add_conversations(store, written)
    event = make.received(seq=2, text=text)
    make.write(store, events=[event])
    assert store.conversation("c_1", Scope.everything()) == written
    assert store.events("c_1", after=1)[0].fact == event.fact
    assert store.events("c_1", after=1)[0].at == event.at


def test_reopening_keeps_everything(url: str, open_store: Opener, make: ModuleType) -> None:
    """A store that is closed and opened again holds what it held, and goes on counting where it was."""
    first = open_store(url)
    make.add_conversations(first, make.conversation())
    agent = Agent("a_1", "Ana", "ana@example.com")
    written = make.write(
        first,
        agents=[(agent, None)],
        keys={"chat|k": "c_1"},
        receipts={"r": "c_1\t1"},
        addresses={"email:a": "p_1"},
        marks={"m": "1"},
        credentials={"a_1": "hash"},
        jobs=[Job("l", "send", "c_1", 1, make.T)],
    )
    first.close()
    again = open_store(url)
    with again.transaction() as transaction:
        loaded = transaction.load(
            Wanted(keys=["chat|k"], receipts=["r"], addresses=["email:a"], streams=["c_1"], jobs=[1])
        )
    assert loaded.keys == {"chat|k": "c_1"}
    assert list(loaded.conversations) == ["c_1"]
    assert list(loaded.contacts) == ["p_1"]
    assert loaded.receipts == {"r": "c_1\t1"}
    assert loaded.agents == {"a_1": agent}
    assert loaded.heads == {"c_1": 1}
    assert loaded.jobs == {written.jobs[0].id: written.jobs[0]}
    assert (again.marks(["m", "n"]), again.credential("a_1"), again.find_key("chat|k")) == ({"m": "1"}, "hash", "c_1")
    assert make.write(again, events=[make.received(seq=2)]).events[0].position == 2


def test_closing_twice_is_harmless_and_using_a_closed_store_is_explained(store: SqlStore) -> None:
    """After close, every use says that the store is not open."""
    store.close()
    store.close()
    with pytest.raises(StoreError, match="not open"):
        store.last_position()
    with pytest.raises(StoreError, match="not open"), store.transaction():
        pass


def test_failed_write_is_not_committed_even_if_the_caller_got_over_it(store: SqlStore, make: ModuleType) -> None:
    """A conflict that is swallowed inside the transaction comes again at its end, and nothing of the batch is kept."""
    make.write(store, receipts={"r": "1"})
    again = Batch(contacts=[Contact("p_9", make.T)], receipts={"r": "2"})
    with pytest.raises(Conflict), store.transaction() as transaction, suppress(Conflict):
        transaction.write(again)
    assert store.contact("p_9", Scope.everything()) is None


def test_exception_in_the_body_rolls_back(store: SqlStore, make: ModuleType) -> None:
    """Whatever the caller raises passes through unchanged, and the transaction leaves no trace."""
    with pytest.raises(ZeroDivisionError), store.transaction() as transaction:  # noqa: PT012 - a body that fails
        transaction.write(Batch(events=[make.started()]))
        raise ZeroDivisionError
    assert store.last_position() == 0
    assert make.write(store, events=[make.started()]).events[0].seq == 1


@pytest.mark.parametrize(
    ("seq", "said"), [(1, "wrote the same thing first"), (3, "step 3 of c_1 does not follow step 1")]
)
def test_step_that_does_not_follow_is_a_conflict(store: SqlStore, make: ModuleType, seq: int, said: str) -> None:
    """Neither a step that exists nor one beyond a gap is kept."""
    make.add_conversations(store, make.conversation())
    with pytest.raises(Conflict, match=said):
        make.write(store, events=[make.received(seq=seq)])


def test_agent_that_changed_meanwhile_is_a_conflict(store: SqlStore, make: ModuleType) -> None:
    """An agent is replaced only if it still is as the writer saw it."""
    before = Agent("a_1", "Ana", "ana@example.com")
    make.write(store, agents=[(before, None)])
    after = Agent("a_1", "Ana", "ana@example.com", load=1)
    make.write(store, agents=[(after, before)])
    for stale in (before, None):
        with pytest.raises(Conflict):
            make.write(store, agents=[(Agent("a_1", "Ana", "ana@example.com", load=9), stale)])
    assert store.agents() == [after]


def test_keys_of_any_length_and_content_are_told_apart(store: SqlStore, make: ModuleType) -> None:
    """Thread keys, addresses and receipts beyond what an index holds, or with NUL in them, come back as they went."""
    noise = random.Random(7).randbytes(4000).hex()
    keys = [noise, noise + "x", noise[:300], "\x00", "a\x00", "a", "\ufdd0", "\ufdd1", "\ufdd0\ufdd1"]
    values = {key: f"v{number}" for number, key in enumerate(keys)}
    make.write(store, keys=values, addresses=values, receipts=values)
    with store.transaction() as transaction:
        loaded = transaction.load(Wanted(keys=keys, addresses=[*keys, "b"], receipts=[*keys, noise[:-1]]))
    assert loaded.keys == loaded.addresses == loaded.receipts == values
    assert [store.find_key(key) for key in keys] == list(values.values())
    for again in ({"receipts": {noise: ""}}, {"addresses": {noise: ""}}):
        with pytest.raises(Conflict):
            make.write(store, **again)


def test_names_that_nothing_can_have_are_not_found(store: SqlStore) -> None:
    """Whatever text or number an asker makes up, reads answer that there is nothing."""
    for made_up in ("", "\x00", "'; drop table event; --", "%", "é" * 5000):
        assert store.conversation(made_up, Scope.everything()) is None
        assert store.contact(made_up, Scope.of_contact("p_1", made_up)) is None
        assert store.events(made_up) == []
        assert store.find_key(made_up) is None
        assert store.conversations(Query(assignee=made_up or None, inbox=made_up), Scope.everything()).items == []
    assert store.feed(2**80, 2**80, Scope.everything()) == []
    assert store.events("c_1", 2**80, 2**80) == []
    assert store.feed(0, -1, Scope.everything()) == []


def test_conversation_given_twice_ends_as_the_last(store: SqlStore, make: ModuleType) -> None:
    """A batch may name one conversation twice; the later one counts."""
    make.write(
        store,
        contacts=[Contact("p_1", make.T), Contact("p_1", make.T, name="Ana")],
        conversations=[make.conversation(subject="old"), make.conversation(subject="new")],
    )
    found = store.conversation("c_1", Scope.everything())
    assert found is not None
    assert found.subject == "new"


def test_more_keys_than_one_statement_takes(store: SqlStore, make: ModuleType) -> None:
    """A load of more keys than one list may hold is asked for in parts."""
    make.add_conversations(store, *(make.conversation(f"c_{number:05d}") for number in range(9000)))
    with store.transaction() as transaction:
        loaded = transaction.load(Wanted(conversations=[f"c_{number:05d}" for number in range(9000)]))
    assert len(loaded.conversations) == 9000


# --- lists


@pytest.mark.parametrize("order", ["updated", "waiting", "queued"])
def test_pages_neither_skip_nor_repeat_where_instants_are_equal(store: SqlStore, make: ModuleType, order: str) -> None:
    """Going from page to page gives every conversation once, in the order of one long page."""
    conversations = [
        make.conversation(f"c_{n:02d}", updated_at=at, waiting_since=at, queued_at=at)
        for n in range(11)
        for at in [make.T + (n // 4) * make.MINUTE]
    ]
    make.add_conversations(store, *conversations)
    everything = store.conversations(Query(order=order), Scope.everything())
    paged: list[Conversation] = []
    cursor = ""
    while True:
        page = store.conversations(Query(order=order, cursor=cursor, limit=3), Scope.everything())
        paged += page.items
        if not (cursor := page.cursor):
            break
    assert everything.cursor == ""
    assert paged == list(everything.items)
    assert len(paged) == 11
    newest_first = [c.updated_at for c in paged] == sorted((c.updated_at for c in paged), reverse=True)
    assert newest_first is (order == "updated")


def test_filters_combine_and_count_as_they_list(store: SqlStore, make: ModuleType) -> None:
    """Each filter narrows the list, an empty assignee means nobody, no status at all means nothing."""
    make.add_conversations(
        store,
        make.conversation("c_1", assignee="a_1"),
        make.conversation("c_2", status=Status.SNOOZED, inbox="help", bot="guide"),
        make.conversation("c_3", channel="mail", contact="p_2", queued_at=make.T),
    )
    for query, expected in [
        (Query(), {"c_1", "c_2", "c_3"}),
        (Query(assignee="a_1"), {"c_1"}),
        (Query(assignee=""), {"c_2", "c_3"}),
        (Query(status=[Status.SNOOZED, Status.OPEN], assignee=""), {"c_2", "c_3"}),
        (Query(status=[Status.SNOOZED]), {"c_2"}),
        (Query(status=[]), set()),
        (Query(inbox="sales", channel="mail"), {"c_3"}),
        (Query(contact="p_2"), {"c_3"}),
        (Query(bot=True), {"c_2"}),
        (Query(bot=False, assignee=""), {"c_3"}),
        (Query(bot=False, order="queued"), {"c_3"}),
        (Query(order="queued"), {"c_3"}),
        (Query(order="waiting"), set()),
    ]:
        assert {c.id for c in store.conversations(query, Scope.everything()).items} == expected, query
        assert store.count(query, Scope.everything()) == len(expected), query


@pytest.mark.parametrize("cursor", ["nonsense", "~", "1", "x~c_1", "99999999999999999999~c_1", "\x00~c"])
def test_foreign_cursor_is_refused(store: SqlStore, cursor: str) -> None:
    """A cursor that we did not give is the asker's mistake, and says which field."""
    with pytest.raises(Refused) as caught:
        store.conversations(Query(cursor=cursor), Scope.everything())
    assert caught.value.field == "cursor"


def test_unknown_order_is_refused(store: SqlStore) -> None:
    """An order that does not exist is the asker's mistake."""
    with pytest.raises(Refused, match="updated, waiting, queued"):
        store.count(Query(order="random"), Scope.everything())


# --- scopes


def reached(store: SqlStore, scope: Scope) -> dict[str, Any]:
    """What every scoped read gives."""
    ids = ["c_1", "c_2", "c_3"]
    people, _ = store.contacts("", 10, scope)
    return {
        "one": [id for id in ids if store.conversation(id, scope)],
        "list": sorted(c.id for c in store.conversations(Query(), scope).items),
        "count": store.count(Query(), scope),
        "feed": [event.stream for event in store.feed(0, 100, scope)],
        "contacts": [contact.id for contact in people],
        "contact": [id for id in ("p_1", "p_2") if store.contact(id, scope)],
    }


@pytest.mark.parametrize(
    ("scope", "ids", "people", "others"),
    [
        (Scope.everything(), ["c_1", "c_2", "c_3"], ["p_1", "p_2"], ["agent:a_1", "channel:chat"]),
        (Scope(inboxes=frozenset({"sales"})), ["c_1", "c_3"], ["p_1", "p_2"], ["agent:a_1"]),
        (Scope(inboxes=frozenset({"sales", "help"})), ["c_1", "c_2", "c_3"], ["p_1", "p_2"], ["agent:a_1"]),
        (Scope(inboxes=frozenset({"other"})), [], [], ["agent:a_1"]),
        (Scope(inboxes=frozenset()), [], [], []),
        (Scope(channel="mail"), ["c_3"], ["p_2"], []),
        (Scope.of_contact("p_1", "chat"), ["c_1", "c_2"], ["p_1"], []),
        (Scope.of_contact("p_1", "mail"), [], [], []),
        (Scope.of_contact("", "chat"), [], [], []),
    ],
)
def test_every_read_keeps_to_the_scope(
    store: SqlStore, make: ModuleType, scope: Scope, ids: list[str], people: list[str], others: list[str]
) -> None:
    """Reads by id, lists, counts, the feed and contacts all show the same part of the desk."""
    make.add_conversations(
        store,
        make.conversation("c_1"),
        make.conversation("c_2", inbox="help"),
        make.conversation("c_3", channel="mail", contact="p_2"),
    )
    make.write(store, events=[make.note("agent:a_1"), make.note("channel:chat")])
    assert reached(store, scope) == {
        "one": ids,
        "list": ids,
        "count": len(ids),
        "feed": ids + others,
        "contacts": people,
        "contact": people,
    }


def test_contact_never_sees_what_is_not_public(store: SqlStore, make: ModuleType) -> None:
    """The feed of a contact leaves out notes and everything else that is not listed as public."""
    make.add_conversations(store, make.conversation())
    make.write(store, events=[make.note(seq=2), make.received(seq=3)])
    seen = store.feed(0, 10, Scope.of_contact("p_1", "chat"))
    assert [event.seq for event in seen] == [1, 3]
    assert all(type(event.fact) in PUBLIC for event in seen)


# --- jobs


def test_stale_token_cannot_end_a_job(store: SqlStore, make: ModuleType) -> None:
    """A worker that lost its lease is told so, and nothing else of its batch is kept."""
    first, second = (store.join(make.T, make.T + minutes * make.MINUTE) for minutes in (1, 9))
    make.write(store, jobs=[Job("a", "send", "c_1", 1, make.T)], node=first)
    assert [job.id for job in store.lease(second, make.T + make.MINUTE, 1)] == [1]
    for token in (1, 3):
        with pytest.raises(Conflict, match="no longer ours"):
            make.write(store, marks={"m": "1"}, done=[JobDone(1, token)])
    make.write(store, done=[JobDone(1, 2)])
    assert (store.marks(["m"]), store.pending_jobs()) == ({}, 0)


def test_timers_are_due_in_order(store: SqlStore, make: ModuleType) -> None:
    """Conversations come in the order in which their first timers fall due."""
    make.add_conversations(
        store,
        make.conversation("c_1", timers={"x": make.T + 2 * make.MINUTE, "y": make.T + 9 * make.MINUTE}),
        make.conversation("c_2", timers={"x": make.T + make.MINUTE}),
        make.conversation("c_3"),
    )
    assert store.next_due(make.T) == make.T + make.MINUTE
    assert store.due(make.T, 10) == []
    assert store.due(make.T + 2 * make.MINUTE, 10) == ["c_2", "c_1"]
    assert store.due(make.T + 2 * make.MINUTE, 1) == ["c_2"]
