"""The one way in: nothing twice, everything in the right conversation, refusals alone, and races taken again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Address, DeliveryStatus, Inbound, Presence, Status
from carekit.ground.errors import Conflict, KeyReused, NotFound, Refused, Stale
from carekit.ground.ids import SequentialIds
from carekit.ground.values import replace
from carekit.rules.turn import Rulebook
from carekit.seams.bot import BotReply
from carekit.seams.query import Query
from carekit.seams.scope import EVERYTHING, Scope
from carekit.seams.store import Batch, Job, JobDone
from carekit.service.pipeline import commands as c
from carekit.service.pipeline.line import ATTEMPTS, Pipeline
from carekit.service.pipeline.world import Kept
from carekit.testing import DeskKit, FrozenClock
from carekit.testing.contracts.values import inbound, minute


class Line:
    """A pipeline over a store in memory, one command at a time."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.clock = FrozenClock()
        self.node = self.store.join(minute(0), minute(30))
        book = Rulebook.of([], ["loop", "mail"])
        self.pipeline = Pipeline(self.store, book, self.clock, SequentialIds(), node=lambda: self.node)

    def do(self, command: c.Command) -> Kept:
        (result,) = self.pipeline.handle([command])
        if isinstance(result, Exception):
            raise result
        return result

    def receive(self, sender: str = "ana", id: str = "m1", **fields: Any) -> Kept:
        return self.do(c.Receive.of(replace(inbound(sender, id), **fields)))

    def act(self, action: a.Action, conversation: str = "c_1", actor: str = "agent:ana", **more: Any) -> Kept:
        return self.do(c.Act(conversation, action, actor, **more))


@pytest.fixture
def line() -> Line:
    return Line()


# --- never twice


def test_a_message_delivered_again_is_known(line: Line) -> None:
    """The second delivery gives the first one's place and changes nothing."""
    first, second = line.receive(), line.receive()
    assert (second.repeated, second.stream, second.seq, second.contact) == (
        True,
        first.stream,
        first.seq,
        first.contact,
    )
    assert line.store.last_position() == 2


def test_a_message_twice_in_one_batch_is_kept_once(line: Line) -> None:
    """Both deliveries may even share a transaction."""
    one, two = line.pipeline.handle([c.Receive.of(inbound("ana", "m1")), c.Receive.of(inbound("ana", "m1"))])
    assert isinstance(one, Kept)
    assert isinstance(two, Kept)
    assert (one.repeated, two.repeated, two.seq) == (False, True, one.seq)


@pytest.mark.parametrize("other", [{"account": "second"}, {"channel": "mail"}, {"external_id": "m2"}])
def test_ids_are_unique_to_their_channel_and_account(line: Line, other: dict[str, str]) -> None:
    """The same id of another account or channel is another message."""
    line.receive()
    assert not line.receive(**other).repeated


def test_marks_are_kept_even_with_a_repeated_message(line: Line) -> None:
    """A channel's position moves on although the message was known."""
    line.receive()
    line.do(c.Receive.of(inbound("ana", "m1"), marks={"mail:uid": "9"}))
    assert line.store.marks(["mail:uid"]) == {"mail:uid": "9"}


def test_a_payload_set_aside_twice_is_one_event(line: Line) -> None:
    """The far side's second try of an unreadable payload is known."""
    for _ in range(2):
        line.do(c.SetAside("mail", "digest", "not a mail", "key"))
    line.do(c.SetAside("mail", "digest2", "not a mail", "key2"))
    assert [e.seq for e in line.store.events("channel:mail")] == [1, 2]


# --- the right conversation


def test_a_thread_key_finds_the_conversation(line: Line) -> None:
    """A message that names a key of an earlier one continues its conversation."""
    first = line.receive(thread=(), keys=("<1@x>",))
    assert line.receive(id="m2", thread=("<0@x>", "<1@x>"), keys=("<2@x>",)).stream == first.stream
    assert line.receive(id="m3", thread=("<2@x>",), keys=()).stream == first.stream


def test_keys_of_one_channel_mean_nothing_on_another(line: Line) -> None:
    """The same key on another channel leads nowhere."""
    first = line.receive()
    assert line.receive(id="m2", channel="mail").stream != first.stream


def test_a_stranger_neither_joins_nor_moves_the_thread(line: Line) -> None:
    """Who answers a message never sent to them begins their own conversation, and the key stays where it was."""
    mine = line.receive("ana", keys=("<1@x>",), thread=())
    theirs = line.receive("mallory", "m2", thread=("<1@x>",), keys=("<1@x>", "<2@x>"))
    assert theirs.stream != mine.stream
    assert line.store.find_key("loop|<1@x>") == mine.stream
    assert line.receive("ana", "m3", thread=("<1@x>",), keys=()).stream == mine.stream


def test_a_stranger_does_not_join_by_naming_the_conversation(line: Line) -> None:
    """Even a conversation named outright is only its own contact's."""
    mine = line.receive("ana")
    assert line.receive("mallory", "m2", conversation=mine.stream, thread=(), keys=()).stream != mine.stream
    assert line.receive("ana", "m3", conversation=mine.stream, thread=(), keys=()).stream == mine.stream


def test_a_message_to_a_closed_conversation_begins_a_new_one(line: Line) -> None:
    """The archive stays closed, the contact is the same, and the key leads to the new conversation."""
    first = line.receive()
    line.act(a.Close())
    second = line.receive(id="m2")
    assert (second.stream != first.stream, second.contact) == (True, first.contact)
    assert line.receive(id="m3").stream == second.stream


def test_a_person_reopens_and_a_machine_does_not(line: Line) -> None:
    """A contact's message reopens what was resolved; an automatic one is kept without reopening it."""
    line.receive()
    line.act(a.Resolve())
    line.receive(id="auto", automatic=True)
    assert line.store.events("c_1")[-1].kind == "message_received"
    assert _status(line) is Status.RESOLVED
    line.receive(id="m2")
    assert [e.kind for e in line.store.events("c_1")][-2:] == ["reopened", "message_received"]
    assert _status(line) is Status.OPEN


def _status(line: Line) -> Status:
    found = line.store.conversation("c_1", EVERYTHING)
    assert found is not None
    return found.status


def test_a_contact_is_known_by_address(line: Line) -> None:
    """One address is one contact; a mail address is where mail may be sent."""
    line.receive()
    line.receive(id="m2", thread=(), keys=())
    line.do(c.Receive.of(Inbound("loop", "m3", Address("email", "ana@example.com", "Ana " * 99), "hello")))
    first, second = line.store.contacts("", 9, EVERYTHING)[0]
    assert (first.email, second.email) == ("", "ana@example.com")
    assert len(second.name) <= 200


# --- refusals and repetitions


def test_an_idempotency_key_executes_once(line: Line) -> None:
    """The same key and request gives the first result, another request is refused, another actor is another."""
    line.receive()
    first = line.act(a.Send("hi"), key="k", fingerprint="f")
    again = line.act(a.Send("hi"), key="k", fingerprint="f")
    assert (again.repeated, again.seq, again.last) == (True, first.events[0].seq, first.events[-1].seq)
    with pytest.raises(KeyReused):
        line.act(a.Send("other"), key="k", fingerprint="g")
    assert not line.act(a.Send("hi"), key="k", fingerprint="f", actor="agent:max").repeated


def test_a_refused_request_does_not_use_up_its_key(line: Line) -> None:
    """After a refusal the same key may carry the mended request."""
    line.receive()
    with pytest.raises(Refused):
        line.act(a.Send(""), key="k", fingerprint="f")
    assert not line.act(a.Send("hi"), key="k", fingerprint="g").repeated


def test_who_has_not_seen_the_newest_message_is_told(line: Line) -> None:
    """A reply written before the contact's newest message is refused with its step; notes do not count as new."""
    seen = line.receive().seq
    line.act(a.AddNote("looking"))
    line.act(a.AddNote("still"), expected_seq=seen)
    newest = line.receive(id="m2").seq
    with pytest.raises(Stale) as caught:
        line.act(a.Send("hi"), expected_seq=seen)
    assert caught.value.seq == newest
    line.act(a.Send("hi"), expected_seq=newest)


def test_out_of_scope_is_as_if_it_did_not_exist(line: Line) -> None:
    """A foreign conversation and none at all are refused in the same words."""
    line.receive()
    errors = []
    for id, scope in (("c_1", Scope(inboxes=frozenset({"other"}))), ("c_9", EVERYTHING)):
        with pytest.raises(NotFound) as caught:
            line.act(a.AddNote("x"), id, scope=scope)
        errors.append(str(caught.value).replace(id, "ID"))
    assert errors[0] == errors[1]


def test_only_active_agents_can_be_assigned(line: Line) -> None:
    """Nobody, and nobody who was deactivated, can be made responsible."""
    line.receive()
    line.do(c.Staff("max", f.AgentAdded("max", "Max", "max@desk.example"), "service"))
    line.act(a.Assign("max"))
    line.act(a.Unassign())
    line.do(c.Staff("max", f.AgentChanged(active=False), "service"))
    for agent in ("max", "ghost"):
        with pytest.raises(Refused, match="no active agent"):
            line.act(a.Assign(agent))


def test_a_refused_command_leaves_its_batch_alone(line: Line) -> None:
    """In one transaction the others are kept, in order, and only the asker of the bad one gets the error."""
    line.receive()
    results = line.pipeline.handle(
        [
            c.Act("c_1", a.AddNote("one"), "agent:ana"),
            c.Act("c_1", a.AddNote(""), "agent:ana"),
            c.Act("c_9", a.AddNote("x"), "agent:ana"),
            c.Act("c_1", a.AddNote("two"), "agent:ana"),
        ]
    )
    assert [type(result).__name__ for result in results] == ["Kept", "Refused", "NotFound", "Kept"]
    assert [e.fact.text for e in line.store.events("c_1") if isinstance(e.fact, f.NoteAdded)] == ["one", "two"]


def test_results_carry_the_events_as_they_were_kept(line: Line) -> None:
    """Each command gets its own events with positions, and its own jobs with ids."""
    line.receive()
    one, two = line.pipeline.handle([c.Act("c_1", a.Send(text), "agent:ana") for text in ("1", "2")])
    assert isinstance(one, Kept)
    assert isinstance(two, Kept)
    assert [e.position for e in (*one.events, *two.events)] == [3, 4]
    assert [job.id > 0 for job in (*one.jobs, *two.jobs)] == [True, True]


# --- races


class _Racing(MemoryStore):
    """Loses as many races as it is told to."""

    losses = 0

    def _place(self, batch: Batch) -> None:
        if self.losses:
            self.losses -= 1
            raise Conflict("somebody was first")
        super()._place(batch)


def test_a_lost_race_is_taken_again() -> None:
    """The transaction that lost is decided anew, and leaves each message once."""
    store = _Racing()
    store.losses = ATTEMPTS - 1
    kept = Line(store).receive()
    assert [e.seq for e in store.events(kept.stream)] == [1, 2]


def test_after_too_many_lost_races_the_asker_is_told() -> None:
    """A transaction that loses every race raises, and nothing was written."""
    store = _Racing()
    store.losses = ATTEMPTS
    with pytest.raises(Conflict):
        Line(store).receive()
    assert store.last_position() == 0


# --- jobs' results


def _asked(line: Line) -> Job:
    line.receive()
    return line.act(a.AskBot("faq", 2), actor="policy:bot").jobs[0]


def test_a_bots_reply_is_said_and_its_job_ends(line: Line) -> None:
    """The answer, its memory and the end of the job are one transaction."""
    line.do(c.BotDone(_asked(line), "faq", 2, BotReply("hello", memory={"n": 0})))
    assert [e.kind for e in line.store.events("c_1")][-2:] == ["bot_answered", "message_sent"]
    found = line.store.conversation("c_1", EVERYTHING)
    assert found is not None
    assert found.memory == '{"n":0}'


def test_a_bot_that_finishes_after_a_person_took_over_is_silent(line: Line) -> None:
    """What a bot says after an agent took the conversation is dropped, and its job ends."""
    job = _asked(line)
    line.do(c.Staff("ana", f.AgentAdded("ana", "Ana", "ana@desk.example"), "service"))
    line.act(a.Assign("ana"))
    assert line.do(c.BotDone(job, "faq", 2, BotReply("late"))).events == ()
    assert line.store.pending_jobs() == 0


def _taken_by_another(line: Line) -> Job:
    """The job of a node that fell silent, as another one has it."""
    (taken,) = line.store.lease(line.store.join(minute(60), minute(90)), minute(60), 9)
    return taken


def test_a_node_that_lost_its_job_changes_nothing(line: Line) -> None:
    """Two nodes end the same job: only the one who holds it now is heard."""
    job = _asked(line)
    taken = _taken_by_another(line)
    line.do(c.BotDone(job, "faq", 2, BotReply("from the first")))
    line.do(c.BotDone(taken, "faq", 2, BotReply("from the second")))
    line.do(c.BotDone(taken, "faq", 2, BotReply("once more")))
    texts = [e.fact.text for e in line.store.events("c_1") if isinstance(e.fact, f.MessageSent)]
    assert texts == ["from the second"]


@pytest.mark.parametrize(
    ("reply", "kinds"),
    [
        (BotReply("x" * 200_000), ["handed_off", "note_added"]),
        (BotReply("\ud800"), ["handed_off"]),
        (BotReply("ok", memory={"x": object()}), ["handed_off", "note_added"]),
    ],
)
def test_a_reply_that_cannot_be_kept_is_a_failed_turn(line: Line, reply: BotReply, kinds: list[str]) -> None:
    """Nothing of such a reply is said; people take over, with a note of its words as far as they can be kept."""
    line.do(c.BotDone(_asked(line), "faq", 2, reply))
    tail = line.store.events("c_1")[3:]
    assert [e.kind for e in tail] == kinds
    assert line.store.pending_jobs() in (0, 1)


def test_a_retry_keeps_the_job_and_the_outcome_ends_it(line: Line) -> None:
    """A put-off attempt writes no event; the final one says how far it got and stores the far side's keys."""
    line.receive()
    job = line.act(a.Send("hi")).jobs[0]
    line.do(c.Sent(job, JobDone(job.id, job.token, minute(1), 1), None))
    assert [e.kind for e in line.store.events("c_1")][-1] == "message_sent"
    (again,) = line.store.lease(line.node, minute(1), 9)
    line.do(c.Sent(again, JobDone(again.id, again.token), DeliveryStatus.SENT, "far-1", keys=("<far@x>",)))
    last = line.store.events("c_1")[-1]
    assert last.fact == f.DeliveryChanged(3, DeliveryStatus.SENT, "far-1", "")
    assert (last.cause, line.store.find_key("loop|<far@x>"), line.store.pending_jobs()) == (3, "c_1", 0)


# --- agents


def test_agents_are_unique_by_id_and_address(line: Line) -> None:
    """A second agent of the same id or address, whatever its case, is refused, naming the field."""
    line.do(c.Staff("ana", f.AgentAdded("ana", "Ana", "ana@desk.example"), "service"))
    for id, email, field in (("ana", "other@desk.example", "id"), ("max", "ANA@desk.example", "email")):
        with pytest.raises(Refused) as caught:
            line.do(c.Staff(id, f.AgentAdded(id, "X", email), "service"))
        assert caught.value.field == field
    with pytest.raises(NotFound):
        line.do(c.Staff("ghost", f.PresenceChanged(Presence.AWAY), "service"))


def test_more_capacity_is_told(line: Line) -> None:
    """Becoming available frees capacity, becoming away does not, resolving does."""
    line.do(c.Staff("ana", f.AgentAdded("ana", "Ana", "ana@desk.example"), "service"))
    assert line.do(c.Staff("ana", f.PresenceChanged(Presence.AVAILABLE), "agent:ana")).freed == {"ana"}
    line.receive()
    assert line.act(a.Assign("ana")).freed == frozenset()
    assert line.act(a.Resolve()).freed == {"ana"}
    assert line.do(c.Staff("ana", f.PresenceChanged(Presence.AWAY), "agent:ana")).freed == frozenset()


# --- on a desk


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    with DeskKit(discover=False) as kit:
        yield kit


def test_a_repeated_request_gets_the_first_answer(kit: DeskKit) -> None:
    """The desk gives the events of the first time, also after more has happened."""
    kit.write("hello")
    first = kit.act(a.Send("hi"), "agent:ana", key="k")
    kit.write("thanks")
    again = kit.act(a.Send("hi"), "agent:ana", key="k")
    assert (again.repeated, list(again.events)) == (True, list(first.events))


def test_an_unknown_channel_is_refused(kit: DeskKit) -> None:
    """A message for a channel that the file does not have is refused by name."""
    message = Inbound("fax", "1", Address("fax", "1"), "hello")
    with pytest.raises(Refused, match="'fax'"):
        kit.run(kit.desk.receive(message))
    assert kit.run(kit.desk.count(Query(), EVERYTHING)) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"meta": {"id": 1}},
        {"subject": None},
        {"thread": "abc"},
        {"attachments": ("a.pdf",)},
        {"automatic": 1},
        {"sent_at": "yesterday"},
        {"sender": Address("fax", 5)},  # type: ignore[arg-type]
    ],
)
def test_a_message_that_could_not_be_read_again_is_refused(kit: DeskKit, wrong: dict[str, Any]) -> None:
    """A channel's mistake in a type is told to the channel; one unreadable row would spoil every read of the log."""
    message = replace(Inbound("loop", "1", Address("fax", "1"), "hello"), **wrong)
    with pytest.raises(Refused, match="it cannot be kept: Inbound does not hold what it should"):
        kit.run(kit.desk.receive(message))
    assert kit.run(kit.desk.count(Query(), EVERYTHING)) == 0


def test_an_action_that_could_not_be_read_again_is_refused(kit: DeskKit) -> None:
    """So is an action whose field is of another type."""
    kit.write("hello")
    with pytest.raises(Refused, match="it cannot be kept: Send does not hold what it should"):
        kit.act(a.Send("hi", subject=None), "agent:ana")  # type: ignore[arg-type]
    assert [author for author, _ in kit.thread()] == ["contact"]
