"""Which job may run next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carekit.seams.store import Job
from carekit.service.outbox.lanes import WIDTH, Lane, Lanes
from carekit.testing.contracts.values import minute


def _job(id: int, lane: str = "a", destination: str = "channel:loop") -> Job:
    return Job(lane, "send", "c1", id, minute(0), destination, id, token=1)


def _add(lanes: Lanes, *jobs: Job) -> None:
    for job in jobs:
        lanes.add(job, None)


def _finish(lanes: Lanes, lane: Lane) -> None:
    lanes.end(lane.destination)
    lanes.done(lane)


def test_one_job_of_a_lane_at_a_time_in_order() -> None:
    """The second waits until the first is done, while other lanes go on."""
    lanes = Lanes()
    _add(lanes, _job(1), _job(2), _job(3, "b"))
    first, other = lanes.begin(), lanes.begin()
    assert first is not None
    assert other is not None
    assert [lane.jobs[0][0].id for lane in (first, other)] == [1, 3]
    assert lanes.begin() is None
    _finish(lanes, first)
    again = lanes.begin()
    assert again is first
    assert again.jobs[0][0].id == 2


def test_a_destination_gets_no_more_than_its_width() -> None:
    """One slow destination leaves room for the others."""
    lanes = Lanes()
    _add(lanes, *(_job(number, f"slow{number}", "channel:slow") for number in range(WIDTH + 3)))
    _add(lanes, _job(99, "quick", "channel:quick"))
    running = [lane for lane in iter(lanes.begin, None) if lane is not None]
    assert [lane.destination.name for lane in running].count("channel:slow") == WIDTH
    assert running[-1].name == "quick"
    lanes.end(running[0].destination)
    lanes.drop(running[0])
    following = lanes.begin()
    assert following is not None
    assert following.name == f"slow{WIDTH}"


def test_a_destination_says_how_much_it_takes() -> None:
    """What it cannot take waits here, without having been begun."""
    lanes = Lanes({"channel:mail": 2, "channel:quick": 9}.__getitem__)
    _add(lanes, *(_job(number, f"mail{number}", "channel:mail") for number in range(5)))
    _add(lanes, *(_job(number, f"quick{number}", "channel:quick") for number in range(5, 10)))
    running = [lane.destination.name for lane in iter(lanes.begin, None) if lane is not None]
    assert (running.count("channel:mail"), running.count("channel:quick")) == (2, 5)


def test_a_lane_that_is_dropped_is_the_stores_again() -> None:
    """Nothing of it is left here, and its next job begins a new lane."""
    lanes = Lanes()
    _add(lanes, _job(1), _job(2))
    lane = lanes.begin()
    assert lane is not None
    lanes.drop(lane)
    assert (len(lanes), lanes.jobs, lane.jobs) == (0, 0, lane.jobs)
    _add(lanes, _job(3))
    assert (len(lanes), lanes.jobs) == (1, 1)


def test_a_lane_that_was_forgotten_leaves_the_one_after_it_alone() -> None:
    """Jobs were another node's for a while and are here again: what still runs from before is given up by itself."""
    lanes = Lanes()
    _add(lanes, _job(1))
    before = lanes.begin()
    assert before is not None
    lanes.clear()
    _add(lanes, _job(1), _job(2))
    lanes.drop(before)
    lanes.end(before.destination)
    for id in (1, 2):
        lane = lanes.begin()
        assert lane is not None
        assert lane.jobs[0][0].id == id
        _finish(lanes, lane)
    assert (lanes.jobs, len(lanes)) == (0, 0)


def test_when_it_stops_only_what_runs_is_left() -> None:
    """Jobs that wait, in their own lane or for room, are let go."""
    lanes = Lanes()
    _add(lanes, _job(1), _job(2), _job(3, "b"))
    running = lanes.begin()
    assert running is not None
    lanes.drop_waiting()
    assert (len(lanes), lanes.jobs) == (1, 1)
    assert [job.id for job, _ in running.jobs] == [1]
    lanes.clear()
    assert (len(lanes), lanes.jobs) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_every_job_runs_once_in_the_order_of_its_lane(steps: list[tuple[int, bool]]) -> None:
    """However jobs come and end, each lane's run one after another in order, and none is left."""
    lanes, running, ran = Lanes(), list[Lane](), dict[str, list[int]]()

    def begin() -> None:
        while (lane := lanes.begin()) is not None:
            assert lane not in running
            running.append(lane)
            ran.setdefault(lane.name, []).append(lane.jobs[0][0].id)

    for id, (number, ends) in enumerate(steps, 1):
        _add(lanes, _job(id, f"lane{number}", f"channel:{number % 2}"))
        begin()
        if ends and running:
            _finish(lanes, running.pop(0))
            begin()
    while running:
        _finish(lanes, running.pop(0))
        begin()
    assert (len(lanes), lanes.jobs) == (0, 0)
    assert all(ids == sorted(ids) for ids in ran.values())
    assert sum(map(len, ran.values())) == len(steps)
