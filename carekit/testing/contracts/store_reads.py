"""The store's suite: lists, pages, feeds, and that nobody sees what their scope does not reach."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carekit.facts.events import AgentAdded, Event, InboundQuarantined, MessageReceived, NoteAdded
from carekit.facts.nouns import Agent, Contact, Conversation, Status
from carekit.ground.errors import CarekitError, Refused
from carekit.ground.values import replace
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Batch, Store, Text
from carekit.testing.clock import START
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.store_writes import generated
from carekit.testing.contracts.values import conversation, event, keep, minute, started, write

ORDERS = ("updated", "waiting", "queued")

_SOME_MINUTES = st.none() | st.integers(0, 3)
listed = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(list(Status)),
            "assignee": st.sampled_from(["", "ana", "max"]),
            "channel": st.sampled_from(["loop", "mail"]),
            "contact": st.sampled_from(["p1", "p2"]),
            "bot": st.sampled_from(["", "guide"]),
            "updated": st.integers(0, 2),
            "waiting": _SOME_MINUTES,
            "queued": _SOME_MINUTES,
        }
    ),
    max_size=9,
)
"""Conversations with so few values that ties are the rule."""

asked = st.fixed_dictionaries(
    {
        "status": st.none() | st.sets(st.sampled_from(list(Status))).map(tuple),
        "assignee": st.sampled_from([None, "", "ana", "nobody"]),
        "channel": st.sampled_from([None, "loop", "mail"]),
        "contact": st.sampled_from([None, "p1"]),
        "bot": st.sampled_from([None, False, True]),
        "order": st.sampled_from(ORDERS),
    }
)


class StoreReads(StoreBase):
    """Reads."""

    def test_lists_have_what_matches_in_order(self, opened: Store) -> None:
        """Any conversations, any query: every filter and order, pages of any size, ties whole, nothing twice."""
        number = [0]

        @generated
        @given(rows=listed, asks=asked, size=st.integers(1, 4))
        def listing(rows: list[dict[str, Any]], asks: dict[str, Any], size: int) -> None:
            number[0] += 1
            inbox = f"inbox{number[0]}"
            kept = [_listed(f"{inbox}-{place}", inbox, row) for place, row in enumerate(rows)]
            keep(opened, *kept)
            query = Query(inbox=inbox, limit=size, **asks)
            wanted = _expected(kept, query)
            assert _all_pages(opened, query) == wanted
            assert opened.count(query, EVERYTHING) == len(wanted)
            assert list(opened.conversations(replace(query, limit=99), EVERYTHING).items) == wanted

        listing()

    def test_a_page_says_whether_there_is_more(self, opened: Store) -> None:
        """The cursor is empty exactly when the page ends the list, also when the list ends with the page."""
        keep(opened, *(conversation(f"c{number}") for number in range(4)))
        first = opened.conversations(Query(limit=2), EVERYTHING)
        assert first.cursor
        second = opened.conversations(Query(limit=2, cursor=first.cursor), EVERYTHING)
        assert (len(second.items), second.cursor) == (2, "")
        assert opened.conversations(Query(limit=4), EVERYTHING).cursor == ""

    def test_no_room_means_nothing(self, opened: Store) -> None:
        """A limit of 0 gives nothing, from every read that has one."""
        keep(opened, conversation(timers={"t": minute(0)}))
        assert list(opened.conversations(Query(limit=0), EVERYTHING).items) == []
        assert opened.events("c1", 0, 0) == opened.events("c1", 0, 0, last=True) == []
        assert opened.feed(0, 0, EVERYTHING) == []
        assert opened.contacts("", 0, EVERYTHING)[0] == []
        assert opened.due(minute(1), 0) == []
        assert opened.lease(opened.join(minute(0), minute(9)), minute(1), 0) == []

    @pytest.mark.parametrize("cursor", ["x", "~", "1~", "9" * 40 + "~c", "0' OR 1=1", "\x00", "é~é", "1~\x00"])
    def test_what_is_no_cursor_is_refused(self, opened: Store, cursor: str) -> None:
        """A list never takes nonsense for its end: whoever asks is told which part to mend."""
        with pytest.raises(Refused) as refused:
            opened.conversations(Query(cursor=cursor), EVERYTHING)
        assert refused.value.field == "cursor"

    @pytest.mark.parametrize("cursor", ["x", "~", "-1~c1", "9" * 18 + "~c", "0' OR 1=1", "\x00"])
    def test_a_foreign_cursor_is_no_way_in(self, opened: Store, cursor: str) -> None:
        """A cursor that somebody made up gives a page within the scope or a refusal, never a fault."""
        keep(opened, conversation("c1", inbox="secret"))
        scope = Scope(inboxes=frozenset({"main"}))
        with suppress(CarekitError):
            assert list(opened.conversations(Query(cursor=cursor), scope).items) == []
        with suppress(CarekitError):
            opened.contacts(cursor, 5, EVERYTHING)
        assert opened.conversation("c1", EVERYTHING) is not None

    def test_events_come_by_step(self, opened: Store) -> None:
        """A stream is read from after a step on, the first or the last of what is left, always oldest first."""
        c = conversation()
        events = [started(c), *(event("c1", seq) for seq in range(2, 7))]
        write(opened, Batch(events=events, conversations=[replace(c, seq=6)], contacts=[Contact("p1", minute(0))]))

        def steps(*asks: Any, **more: Any) -> list[int]:
            return [e.seq for e in opened.events("c1", *asks, **more)]

        assert steps() == [1, 2, 3, 4, 5, 6]
        assert steps(4) == [5, 6]
        assert steps(1, 2) == [2, 3]
        assert steps(1, 2, last=True) == [5, 6]
        assert steps(5, 9, last=True) == [6]
        assert steps(6) == steps(99) == []
        assert opened.events("nobody") == []

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 99])
    def test_pages_of_the_feed_are_the_whole(self, opened: Store, size: int) -> None:
        """Reading the feed page by page from the last position seen gives every event once, in order."""
        for number in range(5):
            keep(opened, conversation(f"a{number}"), conversation(f"b{number}"))
        assert _whole_feed(opened, EVERYTHING, size) == opened.feed(0, 1000, EVERYTHING)
        assert len(opened.feed(0, 1000, EVERYTHING)) == 10
        assert opened.feed(opened.last_position(), 9, EVERYTHING) == []

    def test_contacts_come_by_id_in_pages(self, opened: Store) -> None:
        """All contacts are listed in order of id, whatever the page, and the cursor ends."""
        keep(opened, *(conversation(f"c{number}", contact=f"p{number}") for number in range(5)))
        for size in (1, 2, 5, 9):
            found, cursor = opened.contacts("", size, EVERYTHING)
            while cursor:
                more, cursor = opened.contacts(cursor, size, EVERYTHING)
                found = found + more
            assert [contact.id for contact in found] == ["p0", "p1", "p2", "p3", "p4"]

    def test_an_empty_store_has_nothing(self, opened: Store) -> None:
        """Every read of an empty store gives its kind of nothing."""
        assert opened.conversation("c1", EVERYTHING) is None
        assert opened.contact("p1", EVERYTHING) is None
        assert (list(opened.conversations(Query(), EVERYTHING).items), opened.count(Query(), EVERYTHING)) == ([], 0)
        assert (opened.feed(0, 9, EVERYTHING), opened.last_position(), opened.events("c1")) == ([], 0, [])
        assert (opened.contacts("", 9, EVERYTHING), opened.agents()) == (([], ""), [])
        assert (opened.due(minute(9), 9), opened.next_due(minute(0)), opened.pending_jobs()) == ([], None, 0)

    # --- search

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("parcel", ["c3", "c1"]),
            ("PARCEL late", ["c1"]),
            ("late parcel", ["c1"]),
            ("par", ["c3", "c1"]),
            ("par late", []),
            ("late par", ["c1"]),
            ("cafe", ["c2"]),
            ("Café's", ["c2"]),
            ("łódź", ["c2"]),
            ("12-34", ["c3"]),
            ("", []),
            ("!!", []),
            ("\x00", []),
            ('" OR *', []),
            ("nothing", []),
            ("包裹", ["c4"]),
        ],
    )
    def test_search_finds_whole_words(self, opened: Store, words: str, found: list[str]) -> None:
        """All words, whatever their case, accents and order, the last perhaps unfinished; newest first."""
        for id, text in {
            "c1": "My parcel is late!",
            "c2": "The Café's table in Łódź",
            "c3": "parcels: no 12-34",
            "c4": "包裹 在哪里",
        }.items():
            _say(opened, id, text)
        assert [hit.conversation for hit in opened.search(words, 9, EVERYTHING)] == found
        assert opened.search(words, 0, EVERYTHING) == []

    def test_a_hit_shows_its_place(self, opened: Store) -> None:
        """A hit tells the message and its part that matches."""
        _say(opened, "c1", "Hello, where is my parcel?")
        (hit,) = opened.search("parcel is", 9, EVERYTHING)
        assert (hit.conversation, hit.seq, hit.at) == ("c1", 2, START)
        assert "".join(part for part, _ in hit.pieces) == "Hello, where is my parcel?"
        assert [part for part, match in hit.pieces if match] == ["is", "parcel"]

    # --- scopes

    def test_every_read_keeps_within_every_scope(self, opened: Store) -> None:
        """For every combination of inboxes, contact and channel each read shows exactly what `Scope` says."""
        everyone = _town(opened)
        log = opened.feed(0, 10_000, EVERYTHING)
        assert len(log) == 3 * len(everyone) + 2
        for scope in _scopes():
            _check_scope(opened, scope, everyone, log)


def _say(store: Store, id: str, text: str, **fields: Any) -> None:
    """A conversation in which the contact said *text*, ready to be found."""
    c = conversation(id, seq=2, **fields)
    events = [started(c), event(id, 2, MessageReceived(text, f"x-{id}"))]
    write(store, Batch(events=events, conversations=[c], contacts=[Contact(c.contact, minute(0))]))
    write(store, Batch(texts=[Text(events[1].position, id, text)]))


def _listed(id: str, inbox: str, row: dict[str, Any]) -> Conversation:
    return conversation(
        id,
        inbox=inbox,
        status=row["status"],
        assignee=row["assignee"],
        channel=row["channel"],
        contact=row["contact"],
        bot=row["bot"],
        updated_at=minute(row["updated"]),
        waiting_since=None if row["waiting"] is None else minute(row["waiting"]),
        queued_at=None if row["queued"] is None else minute(row["queued"]),
    )


def _expected(kept: list[Conversation], query: Query) -> list[Conversation]:
    """The definition of a list, in the plainest words."""
    found = [c for c in kept if query.status is None or c.status in query.status]
    for name in ("assignee", "channel", "contact"):
        if (value := getattr(query, name)) is not None:
            found = [c for c in found if getattr(c, name) == value]
    if query.bot is not None:
        found = [c for c in found if bool(c.bot) == query.bot]
    found.sort(key=lambda c: c.id)
    if query.order == "updated":
        return sorted(found, key=lambda c: c.updated_at, reverse=True)
    since = {"waiting": "waiting_since", "queued": "queued_at"}[query.order]
    return sorted((c for c in found if getattr(c, since) is not None), key=lambda c: getattr(c, since))


def _all_pages(store: Store, query: Query) -> list[Conversation]:
    found: list[Conversation] = []
    while True:
        page = store.conversations(query, EVERYTHING)
        assert len(page.items) <= query.limit
        found += page.items
        if not page.cursor:
            return found
        assert page.items, "an empty page must be the last"
        query = replace(query, cursor=page.cursor)


def _whole_feed(store: Store, scope: Scope, size: int) -> list[Event]:
    found: list[Event] = []
    after = 0
    while page := store.feed(after, size, scope):
        assert len(page) <= size
        found += page
        after = page[-1].position
    return found


def _town(store: Store) -> list[Conversation]:
    """Conversations of every channel, inbox and contact with public and private steps; an agent; a quarantine."""
    places = product(("loop", "mail"), ("main", "sales"), ("p1", "p2", "p3"))
    everyone = []
    for number, (channel, inbox, contact) in enumerate(places):
        if contact == "p3" and inbox == "sales":
            continue
        c = conversation(f"c{number}", channel=channel, inbox=inbox, contact=contact, seq=3)
        everyone.append(c)
        public, private = MessageReceived("hello", f"x{number}"), NoteAdded("agent:ana", "for us alone")
        events = [started(c), event(c.id, 2, public), event(c.id, 3, private)]
        write(store, Batch(events=events, conversations=[c], contacts=[Contact(contact, minute(0))]))
        write(store, Batch(texts=[Text(events[1].position, c.id, public.text)]))
    write(store, Batch(contacts=[Contact("p9", minute(0), "never wrote")], receipts={"p9": ""}))
    ana = Agent("ana", "Ana", "ana@desk.example", seq=1)
    added = event(ana.stream, 1, AgentAdded("ana", "Ana", "ana@desk.example"))
    write(store, Batch(events=[added], agents=[(ana, None)]))
    write(store, Batch(events=[event("channel:mail", 1, InboundQuarantined("mail", "digest", "unreadable"))]))
    return everyone


def _scopes() -> list[Scope]:
    names = ("main", "sales", "none")
    inboxes = [None, *(frozenset(some) for size in range(3) for some in combinations(names, size))]
    return [Scope(*limits) for limits in product(inboxes, ("", "p1", "p3", "p7"), ("", "loop", "sms"))]


def _check_scope(store: Store, scope: Scope, everyone: list[Conversation], log: list[Event]) -> None:
    inside = [c for c in everyone if scope.reaches(c)]
    reached = {c.id: c for c in inside}
    for c in everyone:
        assert store.conversation(c.id, scope) == reached.get(c.id), scope
    for order, query in product(
        ORDERS[:1], (Query(limit=3), Query(inbox="main"), Query(contact="p2"), Query(channel="loop"))
    ):
        query = replace(query, order=order)
        matching = [
            c.id
            for c in inside
            if all(
                v is None or getattr(c, n) == v for n in ("inbox", "contact", "channel") for v in [getattr(query, n)]
            )
        ]
        assert store.count(query, scope) == len(matching), scope
        page = store.conversations(query, scope)
        assert [c.id for c in page.items] == sorted(matching)[: query.limit], scope
    feed = [e for e in log if _shown(e, scope, reached)]
    assert store.feed(0, 10_000, scope) == feed, scope
    assert _whole_feed(store, scope, 4) == feed, scope
    assert [hit.conversation for hit in store.search("hello", 99, scope)] == [c.id for c in reversed(inside)], scope
    people = {c.contact for c in inside} if scope != EVERYTHING else {"p1", "p2", "p3", "p9"}
    assert [contact.id for contact in store.contacts("", 99, scope)[0]] == sorted(people), scope
    for id in ("p1", "p2", "p3", "p9", "p0"):
        assert (store.contact(id, scope) is not None) == (id in people), scope


def _shown(e: Event, scope: Scope, reached: dict[str, Conversation]) -> bool:
    if e.stream.startswith(("agent:", "channel:")):
        return scope.shows_stream(e.stream)
    return e.stream in reached and scope.shows(e)
