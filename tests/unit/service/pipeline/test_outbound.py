"""Attempts, outcomes and reports: forward only, each once, and dead letters that say what needs a person."""

from __future__ import annotations

from typing import Any

import pytest

from carekit.builtin.memory import MemoryStore
from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import DeliveryStatus as S
from carekit.ground.errors import NotFound, Refused
from carekit.ground.ids import SequentialIds
from carekit.rules.turn import Rulebook
from carekit.seams.store import Job, JobDone
from carekit.service.pipeline import commands as c
from carekit.service.pipeline.line import Pipeline
from carekit.service.pipeline.world import Kept
from carekit.testing import FrozenClock
from carekit.testing.contracts.values import inbound, minute


class Scene:
    """A conversation in which ana has answered: ``job`` is to send step 3."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.node = self.store.join(minute(0), minute(60))
        book = Rulebook.of([], ["loop"])
        self.line = Pipeline(self.store, book, FrozenClock(), SequentialIds(), node=lambda: self.node)
        self.do(c.Receive.of(inbound("ana", "m1")))
        self.job = self.do(c.Act("c_1", a.Send("hi"), "agent:ana")).jobs[0]

    def do(self, command: c.Command) -> Kept:
        (result,) = self.line.handle([command])
        if isinstance(result, Exception):
            raise result
        return result

    def sent(self, status: S, job: Job | None = None, **more: Any) -> Kept:
        job = job or self.job
        return self.do(c.Sent(job, JobDone(job.id, job.token), status, **more))

    def reported(self, status: S) -> Kept:
        return self.do(c.Delivered("c_1", 3, status))

    @property
    def changes(self) -> list[S]:
        return [e.fact.status for e in self.store.events("c_1") if isinstance(e.fact, f.DeliveryChanged)]

    @property
    def letters(self) -> list[tuple[str, str]]:
        return [(letter.id, letter.kind) for letter in self.store.letters("", 9)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_attempt_is_noted_before_it_begins(scene: Scene) -> None:
    """From then on whoever takes the job up knows that the far side may have seen it."""
    scene.do(c.Begun(scene.job))
    assert scene.changes == [S.SENDING]
    scene.store.leave(scene.node)
    (taken,) = scene.store.lease(scene.store.join(minute(0), minute(9)), minute(0), 9)
    assert taken.begun


def test_an_attempt_at_a_job_that_is_anothers_must_not_begin(scene: Scene) -> None:
    """A node that was too slow is refused before it sends."""
    scene.store.leave(scene.node)
    scene.store.lease(scene.store.join(minute(0), minute(9)), minute(0), 9)
    with pytest.raises(NotFound, match="no longer this node's"):
        scene.do(c.Begun(scene.job))
    assert scene.changes == []


def test_a_second_attempt_says_nothing_new(scene: Scene) -> None:
    """Each attempt marks the job, and the log has that it is being sent once."""
    scene.do(c.Begun(scene.job))
    scene.do(c.Sent(scene.job, JobDone(scene.job.id, scene.job.token, minute(1), 1), None))
    (again,) = scene.store.lease(scene.node, minute(1), 9)
    assert not again.begun
    scene.do(c.Begun(again))
    assert scene.changes == [S.SENDING]


def test_a_report_before_the_outcome_counts(scene: Scene) -> None:
    """A receipt that overtakes the submit's own answer is kept, and the answer then says nothing new."""
    scene.reported(S.DELIVERED)
    assert scene.sent(S.SENT).events == ()
    assert scene.changes == [S.DELIVERED]
    assert scene.store.pending_jobs() == 0


@pytest.mark.parametrize("late", [S.SENT, S.DELIVERED, S.FAILED, S.QUEUED])
def test_late_and_double_reports_are_passed_over(scene: Scene, late: S) -> None:
    """What a report says that is behind the message's status changes nothing."""
    scene.sent(S.SENT)
    scene.reported(S.DELIVERED)
    scene.reported(late)
    assert scene.changes == [S.SENT, S.DELIVERED]
    assert scene.store.deliveries("c_1") == {3: S.DELIVERED}


@pytest.mark.parametrize(("conversation", "message"), [("c_9", 3), ("c_1", 1), ("c_1", 99), ("c_1", -1)])
def test_a_report_of_something_unknown_is_refused(scene: Scene, conversation: str, message: int) -> None:
    """A conversation or step that does not exist is no message of ours."""
    with pytest.raises(NotFound):
        scene.do(c.Delivered(conversation, message, S.DELIVERED))


@pytest.mark.parametrize("status", [S.FAILED, S.UNSURE])
def test_what_needs_a_person_is_a_dead_letter(scene: Scene, status: S) -> None:
    """A message that was given up, or that may not have arrived, is listed with its reason."""
    scene.sent(status, detail="no such address")
    (letter,) = scene.store.letters("", 9)
    assert (letter.id, letter.kind, letter.error) == ("c_1:3", status.value, "no such address")
    assert (letter.conversation, letter.seq, letter.channel) == ("c_1", 3, "loop")


def test_a_letter_goes_when_the_truth_turns_out_well(scene: Scene) -> None:
    """A receipt for a message that seemed lost ends the worry."""
    scene.sent(S.UNSURE)
    scene.reported(S.DELIVERED)
    assert scene.letters == []


def test_a_failed_message_can_be_sent_again(scene: Scene) -> None:
    """Its delivery begins anew, with a job of its own, and its letter is gone."""
    scene.sent(S.FAILED)
    kept = scene.do(c.Act("c_1", a.Resend(3), "agent:ana"))
    assert (scene.changes, scene.letters) == ([S.FAILED, S.QUEUED], [])
    scene.sent(S.SENT, kept.jobs[0])
    assert scene.changes == [S.FAILED, S.QUEUED, S.SENT]
    assert scene.store.deliveries("c_1") == {3: S.SENT}


@pytest.mark.parametrize("status", [S.SENT, S.DELIVERED, S.READ])
def test_what_arrived_is_not_sent_again(scene: Scene, status: S) -> None:
    """Nor what nobody knows as a message of ours."""
    scene.sent(status)
    with pytest.raises(Refused, match=f"the message at step 3 is {status.value}; only what failed or is unsure"):
        scene.do(c.Act("c_1", a.Resend(3), "agent:ana"))
    with pytest.raises(Refused, match="the message at step 2 is not known as one of ours"):
        scene.do(c.Act("c_1", a.Resend(2), "agent:ana"))


def test_a_letter_can_be_dropped_once(scene: Scene) -> None:
    """Somebody decides that nothing more is needed; that is in the log, and the message stays failed."""
    scene.sent(S.FAILED)
    scene.do(c.CloseLetter("c_1:3", "c_1", "service"))
    assert (scene.letters, scene.store.deliveries("c_1")) == ([], {3: S.FAILED})
    assert scene.store.events("c_1")[-1].fact == f.LetterDropped(3)
    with pytest.raises(NotFound, match="somebody may have handled it already"):
        scene.do(c.CloseLetter("c_1:3", "c_1", "service"))


# --- inbound


def test_what_cannot_be_read_is_a_dead_letter_once(scene: Scene) -> None:
    """Set aside twice, it is one letter; it knows its bytes and the channel's key."""
    aside = c.SetAside("loop", "d" * 64, "unreadable", "payload:1", {"mail:uid": "7"})
    scene.do(aside)
    assert scene.do(aside).repeated
    (letter,) = scene.store.letters("", 9)
    assert (letter.id, letter.kind, letter.raw, letter.key) == ("channel:loop:1", "inbound", "d" * 64, "payload:1")
    assert scene.store.marks(["mail:uid"]) == {"mail:uid": "7"}


def test_a_letter_that_was_read_after_all_is_gone(scene: Scene) -> None:
    """The message and the end of its letter are one transaction; a second try finds nothing."""
    scene.do(c.SetAside("loop", "d" * 64, "unreadable", "k"))
    scene.do(c.Receive.of(inbound("max", "m2"), letter="channel:loop:1"))
    assert scene.letters == []
    assert scene.store.events("channel:loop")[-1].fact == f.InboundReleased(1)
    with pytest.raises(NotFound):
        scene.do(c.Receive.of(inbound("max", "m3"), letter="channel:loop:1"))
    assert len(scene.store.events("c_2")) == 2


def test_an_unreadable_letter_can_be_dropped(scene: Scene) -> None:
    """The decision is in the channel's own stream."""
    scene.do(c.SetAside("loop", "d" * 64, "unreadable", "k"))
    scene.do(c.CloseLetter("channel:loop:1", "channel:loop", "agent:ana"))
    assert (scene.letters, scene.store.events("channel:loop")[-1].actor) == ([], "agent:ana")
