"""The store's suite: timers and jobs, which are what must happen later."""

from __future__ import annotations

from datetime import datetime, timedelta

from carekit.facts.nouns import Conversation
from carekit.ground.values import replace
from carekit.seams.store import Batch, Job, JobBegun, JobDone, Store, Wanted
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.values import conversation, keep, minute, next_step, refused, write


class StoreJobs(StoreBase):
    """Jobs and timers."""

    def test_a_new_job_belongs_to_its_writer(self, opened: Store) -> None:
        """A job gets an id and a token, and nobody else gets it while the node that wrote it is alive."""
        mine, other = _node(opened, until=5), _node(opened)
        written = _add(opened, "c1:send", node=mine)
        assert written.id > 0
        assert written.token > 0
        assert opened.pending_jobs() == 1
        assert opened.lease(other, minute(4.99), 10) == []
        assert [job.id for job in opened.lease(other, minute(5), 10)] == [written.id]

    def test_a_job_written_without_a_node_is_free(self, opened: Store) -> None:
        """Written by nobody in particular, the first who asks gets the job, once it is due."""
        assert _add(opened, "c1:send", due=minute(3)).token == 0
        node = _node(opened)
        assert opened.lease(node, minute(2.99), 10) == []
        assert len(opened.lease(node, minute(3), 10)) == 1

    def test_a_job_behind_anothers_is_free(self, opened: Store) -> None:
        """A new job goes to its writer only if nothing in its lane belongs to anybody else: none may be overtaken."""
        mine, other = _node(opened), _node(opened)
        first = _add(opened, "lane", node=other)
        assert _add(opened, "lane", node=mine).token == 0
        assert _add(opened, "lane", node=other).token == 0, "the one before it is nobody's"
        write(opened, Batch(done=[JobDone(first.id, first.token)]))
        assert len(opened.lease(mine, minute(1), 10)) == 1

    def test_a_job_behind_its_writers_own_is_its_writers_too(self, opened: Store) -> None:
        """In a lane that is wholly the writer's, a new job is the writer's."""
        mine = _node(opened)
        assert all(_add(opened, "lane", node=mine).token for _ in range(3))
        both = [Job("two", "send", "c1", seq, minute(0), "channel:loop") for seq in (1, 2)]
        assert all(job.token for job in write(opened, Batch(jobs=both, node=mine)).jobs)

    def test_jobs_come_back_as_they_went(self, opened: Store) -> None:
        """A leased or loaded job has all the fields it was written with."""
        written = _add(opened, "c1:send", due=minute(1) + timedelta(microseconds=1), attempts=3)
        with opened.transaction() as unit:
            assert dict(unit.load(Wanted(jobs=[written.id, written.id + 1])).jobs) == {written.id: written}
        leased = opened.lease(_node(opened), minute(2), 10)[0]
        assert leased == replace(written, token=leased.token)
        assert leased.token > written.token

    def test_begun_jobs_say_so(self, opened: Store) -> None:
        """What was begun is known as such by whoever takes it next; a retry makes it unbegun again."""
        job = _add(opened, "c1:send", node=_node(opened, until=1))
        write(opened, Batch(begun=[JobBegun(job.id, job.token)]))
        taken = opened.lease(_node(opened), minute(2), 10)[0]
        assert taken.begun
        with refused(opened):
            write(opened, Batch(begun=[JobBegun(job.id, job.token)]))
        write(opened, Batch(done=[JobDone(taken.id, taken.token, retry_at=minute(3), attempts=1)]))
        assert not opened.lease(_node(opened), minute(3), 10)[0].begun

    def test_jobs_for_a_destination_to_skip_stay(self, opened: Store) -> None:
        """A job whose destination is to be left alone is not given."""
        job, node = _add(opened, "c1:send"), _node(opened)
        assert opened.lease(node, minute(1), 10, ["bot:faq", "channel:loop"]) == []
        assert [one.id for one in opened.lease(node, minute(1), 10, ["bot:faq"])] == [job.id]

    def test_one_job_of_a_lane_at_a_time_in_order(self, opened: Store) -> None:
        """While the first job of a lane is taken, put off or not due, none behind it in the lane is given."""
        first, second = _add(opened, "lane"), _add(opened, "lane")
        other = _add(opened, "another")
        node = _node(opened)
        taken = opened.lease(node, minute(0), 10)
        assert {job.id for job in taken} == {first.id, other.id}
        assert opened.lease(node, minute(1), 10) == []
        held = next(job for job in taken if job.id == first.id)
        write(opened, Batch(done=[JobDone(held.id, held.token, retry_at=minute(30), attempts=1)]))
        assert opened.lease(node, minute(2), 10) == []
        (held,) = opened.lease(node, minute(30), 10)
        assert held.id == first.id
        write(opened, Batch(done=[JobDone(held.id, held.token)]))
        assert [job.id for job in opened.lease(node, minute(31), 10)] == [second.id]

    def test_a_retry_frees_the_whole_lane(self, opened: Store) -> None:
        """What waits behind a job that is put off goes with it, so that nobody can run it first."""
        mine, other = _node(opened), _node(opened)
        first, second = _add(opened, "lane", node=mine), _add(opened, "lane", node=mine)
        write(opened, Batch(done=[JobDone(first.id, first.token, retry_at=minute(5), attempts=1)]))
        assert opened.lease(other, minute(4), 10) == []
        (taken,) = opened.lease(other, minute(5), 10)
        assert taken.id == first.id
        write(opened, Batch(done=[JobDone(taken.id, taken.token)]))
        assert [job.id for job in opened.lease(other, minute(5), 10)] == [second.id]

    def test_lanes_with_an_open_job_do_not_hide_others(self, opened: Store) -> None:
        """With many waiting lanes a limit still lets every lane come to its turn."""
        busy, node = _node(opened), _node(opened)
        for _ in range(6):
            _add(opened, "stuck", node=busy)
        free = [_add(opened, f"free{number}") for number in range(5)]
        seen: list[int] = []
        while jobs := opened.lease(node, minute(1), 2):
            assert len(jobs) <= 2
            seen += [job.id for job in jobs]
        assert sorted(seen) == [job.id for job in free]

    def test_a_node_that_fell_silent_is_fenced_off(self, opened: Store) -> None:
        """A silent node's job goes to another with a higher token, and the first can no longer end it."""
        mine = _add(opened, "c1:send", node=_node(opened, until=5))
        theirs = opened.lease(_node(opened), minute(6), 10)[0]
        assert (theirs.id, theirs.token > mine.token) == (mine.id, True)
        with refused(opened):
            write(opened, Batch(done=[JobDone(mine.id, mine.token)]))
        write(opened, Batch(done=[JobDone(theirs.id, theirs.token)]))
        assert opened.pending_jobs() == 0
        with refused(opened):
            write(opened, Batch(done=[JobDone(theirs.id, theirs.token)]))

    def test_a_job_put_off_is_due_again_with_its_attempts(self, opened: Store) -> None:
        """A retry releases the job until its instant, keeps the count of attempts, and the old token stays void."""
        node = _node(opened)
        mine = _add(opened, "c1:send", node=node)
        write(opened, Batch(done=[JobDone(mine.id, mine.token, retry_at=minute(2), attempts=4)]))
        assert opened.lease(node, minute(1.99), 10) == []
        again = opened.lease(node, minute(2), 10)
        assert [(job.id, job.attempts, job.due) for job in again] == [(mine.id, 4, minute(2))]
        assert again[0].token > mine.token

    # --- nodes

    def test_a_node_that_beats_stays_alive(self, opened: Store) -> None:
        """Each beat prolongs a node's life; what it has stays its own."""
        mine, other = _node(opened, until=5), _node(opened)
        _add(opened, "c1:send", node=mine)
        assert opened.beat(mine, minute(4), minute(9))
        assert opened.lease(other, minute(8), 10) == []
        assert opened.beat(mine, minute(8.9), minute(12))
        assert not opened.beat(mine, minute(12), minute(20)), "it was silent for too long"
        assert not opened.beat(mine + other + 1, minute(1), minute(2)), "there is no such node"

    def test_nodes_have_numbers_of_their_own(self, opened: Store) -> None:
        """No two nodes get the same number, one that left included."""
        first = _node(opened)
        opened.leave(first)
        opened.leave(first)
        assert len({first, _node(opened), _node(opened)}) == 3

    def test_what_a_node_leaves_is_free_at_once(self, opened: Store) -> None:
        """A node that goes lets go of its jobs and claims without anybody waiting."""
        mine, other = _node(opened), _node(opened)
        job = _add(opened, "c1:send", node=mine)
        assert opened.claim("mailbox", mine, minute(1))
        opened.leave(mine)
        assert [one.id for one in opened.lease(other, minute(1), 10)] == [job.id]
        assert opened.claim("mailbox", other, minute(1))

    def test_a_claim_is_one_nodes_at_a_time(self, opened: Store) -> None:
        """A name belongs to the node that claimed it for as long as that is alive, and then to the next who asks."""
        mine, other = _node(opened, until=5), _node(opened)
        assert opened.claim("mailbox", mine, minute(1))
        assert opened.claim("mailbox", mine, minute(2))
        assert opened.claim("another", other, minute(2))
        assert not opened.claim("mailbox", other, minute(4.99))
        assert opened.claim("mailbox", other, minute(5))
        assert not opened.claim("mailbox", mine, minute(5))

    def test_the_next_instant_is_a_timers_or_a_free_jobs(self, opened: Store) -> None:
        """What is taken, or due already, says nothing about when to look again."""
        node = _node(opened)
        _add(opened, "taken", due=minute(3), node=node)
        _add(opened, "due", due=minute(1))
        assert opened.next_due(minute(1)) is None
        _add(opened, "later", due=minute(7))
        assert opened.next_due(minute(1)) == minute(7)
        _timers(opened, conversation("c1", timers={"a": minute(5)}))
        assert opened.next_due(minute(1)) == minute(5)

    # --- timers

    def test_due_conversations_are_found(self, opened: Store) -> None:
        """A conversation is due from the instant of its earliest timer on, that instant included."""
        _timers(opened, conversation("c1", timers={"a": minute(10), "b": minute(5)}))
        _timers(opened, conversation("c2", timers={"a": minute(7)}))
        _timers(opened, conversation("c3"))
        just_before = minute(5) - timedelta(microseconds=1)
        assert opened.due(just_before, 10) == []
        assert opened.due(minute(5), 10) == ["c1"]
        assert sorted(opened.due(minute(7), 10)) == ["c1", "c2"]
        assert len(opened.due(minute(7), 1)) == 1
        assert opened.next_due(minute(0)) == minute(5)

    def test_due_asks_again_until_the_conversation_moves_on(self, opened: Store) -> None:
        """Reading what is due changes nothing: it stays due until a timer is gone or moved."""
        c = conversation("c1", timers={"a": minute(1)})
        _timers(opened, c)
        assert opened.due(minute(2), 10) == opened.due(minute(2), 10) == ["c1"]
        _timers(opened, c := next_step(c, timers={"a": minute(8)}))
        assert (opened.due(minute(2), 10), opened.next_due(minute(0))) == ([], minute(8))
        _timers(opened, c := next_step(c, timers={}))
        assert (opened.due(minute(99), 10), opened.next_due(minute(0))) == ([], None)
        _timers(opened, next_step(c, timers={"a": minute(1)}))
        assert (opened.due(minute(2), 10), opened.next_due(minute(0))) == (["c1"], minute(1))

    def test_a_timer_that_moves_to_and_fro_rings_once(self, opened: Store) -> None:
        """A conversation is named once, however often its timers were set."""
        c = conversation("c1", timers={"a": minute(1)})
        _timers(opened, c)
        for number in range(4):
            _timers(opened, c := next_step(c, timers={"a": minute(1 + number % 2)}))
        assert opened.due(minute(5), 10) == ["c1"]


def _add(store: Store, lane: str, *, due: datetime | None = None, node: int = 0, attempts: int = 0) -> Job:
    job = Job(lane, "send", "c1", 1, due or minute(0), "channel:loop", attempts=attempts)
    return write(store, Batch(jobs=[job], node=node)).jobs[0]


def _node(store: Store, until: float = 999) -> int:
    """A node that is alive until that minute."""
    return store.join(minute(0), minute(until))


def _timers(store: Store, c: Conversation) -> None:
    keep(store, c)
