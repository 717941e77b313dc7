"""The promise of a first response: kept, broken at the exact instant, or cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import BASE, LOOP, host, staff
from carekit.testing.contracts.values import minute

SLA = """
[calendars.office]
hours = { mon-fri = ["09:00-18:00"] }

[policies.fast]
use = "sla"
first_response = "1h"

[policies.office]
use = "sla"
first_response = "10h"
calendar = "office"
"""


@pytest.fixture
def kit() -> Iterator[DeskKit]:
    with DeskKit(BASE + LOOP + SLA, discover=False) as kit:
        yield kit


def _states(kit: DeskKit) -> dict[str, str]:
    return {name: target.state for name, target in kit.conversation().targets.items()}


def test_the_clock_starts_at_the_first_message(kit: DeskKit) -> None:
    """Both targets begin with the message, each due by its own calendar; later messages change nothing."""
    kit.write("hello")
    kit.advance("5m")
    kit.write("hello?")
    due = {name: target.due for name, target in kit.conversation().targets.items()}
    assert due == {"fast": minute(60), "office": minute(25 * 60)}


def test_a_persons_answer_meets_it(kit: DeskKit) -> None:
    """A person's first message in time fulfils every running target, with the instant."""
    kit.write("hello")
    kit.advance("30m")
    kit.reply(staff(kit), "hi")
    assert _states(kit) == {"fast": "met", "office": "met"}
    assert kit.conversation().targets["fast"].ended_at == minute(30)
    kit.advance("3d")
    assert kit.facts(f.TargetBreached) == []


def test_a_breach_is_at_the_due_instant_however_late_it_is_noticed(kit: DeskKit) -> None:
    """The log says when the promise was broken, not when somebody looked; the late answer is then late."""
    kit.write("hello")
    kit.clock.advance(timedelta(hours=5))
    kit.reply(staff(kit), "sorry")
    (breach,) = kit.events(f.TargetBreached)
    (reply,) = kit.events(f.MessageSent)
    assert (breach.at, breach.seq < reply.seq) == (minute(60), True)
    assert _states(kit) == {"fast": "late", "office": "met"}


def test_an_answer_at_the_very_instant_is_in_time(kit: DeskKit) -> None:
    """Breached means strictly after the due instant."""
    kit.write("hello")
    kit.clock.set(minute(60))
    kit.act(a.Send("hi"), "agent:ana", settle=False)
    assert _states(kit)["fast"] == "met"


def test_notes_and_automatic_texts_do_not_stop_the_clock(kit: DeskKit) -> None:
    """Only a public message of a person answers."""
    kit.write("hello")
    kit.note("ana", "looking")
    kit.act(a.Send("we have it", "acknowledgement"), "policy:ack")
    kit.advance("61m")
    assert _states(kit)["fast"] == "breached"


@pytest.mark.parametrize("end", [a.Resolve(), a.Close()])
def test_an_end_without_an_answer_cancels_it(kit: DeskKit, end: a.Action) -> None:
    """Spam that is resolved or closed neither met nor missed anything."""
    kit.write("spam")
    kit.act(end, "agent:ana")
    kit.advance("3d")
    assert _states(kit) == {}
    assert (kit.facts(f.TargetBreached), len(kit.facts(f.TargetCancelled))) == ([], 2)


def test_a_conversation_that_an_agent_began_has_no_target(kit: DeskKit) -> None:
    """After a reply there is no first response to promise any more."""
    kit.write("out of office", automatic=True)
    assert _states(kit) == {}


def test_the_clock_may_start_at_the_hand_over() -> None:
    """With starts = handoff people's time runs from when the bot gave up, not from the message."""

    class Slow(Bot):
        async def respond(self, turn: BotTurn) -> BotReply:
            return BotReply("", handoff="bot" if "person" in turn.text else "")

    tables = '\n[policies.bot]\nuse = "bot"\nbot = "faq"\n'
    tables += '[policies.sla]\nuse = "sla"\nfirst_response = "10m"\nstarts = "handoff"\n'
    with host(Slow("faq", None), more=LOOP + tables) as kit:
        kit.write("hello")
        kit.advance("30m")
        assert _states(kit) == {}
        kit.write("a person")
        assert kit.conversation().targets["sla"].due == minute(40)
