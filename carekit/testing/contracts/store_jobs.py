"""The store's suite: timers and jobs, which are what must happen later."""

from __future__ import annotations

from datetime import datetime, timedelta

from carekit.facts.nouns import Conversation
from carekit.seams.store import Batch, Job, JobDone, Store, Wanted
from carekit.testing.contracts.store_base import StoreBase
from carekit.testing.contracts.values import conversation, keep, minute, next_step, refused, write


class StoreJobs(StoreBase):
    """Jobs and timers."""

    def test_a_new_job_belongs_to_its_writer(self, opened: Store) -> None:
        """A job comes back with an id and a token, and nobody else gets it before the writer's lease ends."""
        written = _add(opened, "c1:send", until=minute(5))
        assert written.id > 0
        assert written.token > 0
        assert opened.pending_jobs() == 1
        assert opened.lease(minute(4.99), minute(9), 10) == []
        assert [job.id for job in opened.lease(minute(5), minute(9), 10)] == [written.id]

    def test_a_job_written_without_a_lease_is_free(self, opened: Store) -> None:
        """Without ``lease_until`` the first who asks gets the job, once it is due."""
        _add(opened, "c1:send", due=minute(3))
        assert opened.lease(minute(2.99), minute(9), 10) == []
        assert len(opened.lease(minute(3), minute(9), 10)) == 1

    def test_jobs_come_back_as_they_went(self, opened: Store) -> None:
        """A leased or loaded job has all the fields it was written with."""
        written = _add(opened, "c1:send", due=minute(1) + timedelta(microseconds=1), attempts=3)
        with opened.transaction() as unit:
            assert dict(unit.load(Wanted(jobs=[written.id, written.id + 1])).jobs) == {written.id: written}
        leased = opened.lease(minute(2), minute(9), 10)[0]
        assert (leased.lane, leased.kind, leased.stream, leased.seq, leased.due, leased.attempts) == (
            "c1:send",
            "send",
            "c1",
            1,
            minute(1) + timedelta(microseconds=1),
            3,
        )

    def test_one_job_of_a_lane_at_a_time_in_order(self, opened: Store) -> None:
        """While the first job of a lane is taken, put off or not due, none behind it in the lane is given."""
        first, second = _add(opened, "lane"), _add(opened, "lane")
        other = _add(opened, "another")
        taken = opened.lease(minute(0), minute(5), 10)
        assert {job.id for job in taken} == {first.id, other.id}
        assert opened.lease(minute(1), minute(6), 10) == []
        held = next(job for job in taken if job.id == first.id)
        write(opened, Batch(done=[JobDone(held.id, held.token, retry_at=minute(30), attempts=1)]))
        assert opened.lease(minute(2), minute(6), 10) == []
        again = opened.lease(minute(30), minute(40), 10)
        assert first.id in {job.id for job in again}
        held = next(job for job in again if job.id == first.id)
        write(opened, Batch(done=[JobDone(held.id, held.token)]))
        assert second.id in {job.id for job in opened.lease(minute(31), minute(41), 10)}

    def test_lanes_with_an_open_job_do_not_hide_others(self, opened: Store) -> None:
        """With many waiting lanes a limit still lets every lane come to its turn."""
        for _ in range(6):
            _add(opened, "stuck", until=minute(99))
        free = [_add(opened, f"free{number}") for number in range(5)]
        seen: list[int] = []
        while jobs := opened.lease(minute(1), minute(50), 2):
            assert len(jobs) <= 2
            seen += [job.id for job in jobs]
        assert sorted(seen) == [job.id for job in free]

    def test_a_lease_that_ran_out_fences_its_holder_off(self, opened: Store) -> None:
        """After a lease has run out the job goes to another with a higher token, and the first can no longer end it."""
        mine = _add(opened, "c1:send", until=minute(5))
        theirs = opened.lease(minute(6), minute(20), 10)[0]
        assert (theirs.id, theirs.token > mine.token) == (mine.id, True)
        with refused(opened):
            write(opened, Batch(done=[JobDone(mine.id, mine.token)]))
        write(opened, Batch(done=[JobDone(theirs.id, theirs.token)]))
        assert opened.pending_jobs() == 0
        with refused(opened):
            write(opened, Batch(done=[JobDone(theirs.id, theirs.token)]))

    def test_a_job_put_off_is_due_again_with_its_attempts(self, opened: Store) -> None:
        """A retry releases the job until its instant, keeps the count of attempts, and the old token stays void."""
        mine = _add(opened, "c1:send", until=minute(5))
        write(opened, Batch(done=[JobDone(mine.id, mine.token, retry_at=minute(2), attempts=4)]))
        assert opened.lease(minute(1.99), minute(9), 10) == []
        again = opened.lease(minute(2), minute(9), 10)
        assert [(job.id, job.attempts, job.due) for job in again] == [(mine.id, 4, minute(2))]
        assert again[0].token > mine.token

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
        assert opened.next_due() == minute(5)

    def test_due_asks_again_until_the_conversation_moves_on(self, opened: Store) -> None:
        """Reading what is due changes nothing: it stays due until a timer is gone or moved."""
        c = conversation("c1", timers={"a": minute(1)})
        _timers(opened, c)
        assert opened.due(minute(2), 10) == opened.due(minute(2), 10) == ["c1"]
        _timers(opened, c := next_step(c, timers={"a": minute(8)}))
        assert (opened.due(minute(2), 10), opened.next_due()) == ([], minute(8))
        _timers(opened, c := next_step(c, timers={}))
        assert (opened.due(minute(99), 10), opened.next_due()) == ([], None)
        _timers(opened, next_step(c, timers={"a": minute(1)}))
        assert (opened.due(minute(2), 10), opened.next_due()) == (["c1"], minute(1))

    def test_a_timer_that_moves_to_and_fro_rings_once(self, opened: Store) -> None:
        """A conversation is named once, however often its timers were set."""
        c = conversation("c1", timers={"a": minute(1)})
        _timers(opened, c)
        for number in range(4):
            _timers(opened, c := next_step(c, timers={"a": minute(1 + number % 2)}))
        assert opened.due(minute(5), 10) == ["c1"]


def _add(
    store: Store, lane: str, *, due: datetime | None = None, until: datetime | None = None, attempts: int = 0
) -> Job:
    job = Job(lane, "send", "c1", 1, due or minute(0), attempts=attempts)
    return write(store, Batch(jobs=[job], lease_until=until)).jobs[0]


def _timers(store: Store, c: Conversation) -> None:
    keep(store, c)
