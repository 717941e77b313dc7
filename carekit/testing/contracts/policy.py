"""The contract of a policy, as tests. Subclass `PolicyContract` and override ``policy``::

    class TestGreeting(PolicyContract):
        @pytest.fixture
        def policy(self):
            return Greeting("greeting", GreetingSettings(text="Hello"))

Override ``file`` with the tables of calendars, bots and surveys that the settings name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from carekit.facts import actions as a
from carekit.facts.codec import encode
from carekit.facts.events import FACTS, Event
from carekit.facts.nouns import Conversation, Status
from carekit.ground.errors import Refused
from carekit.rules.context import Context, SurveyOffer
from carekit.rules.decide import decide
from carekit.seams.policy import Policy
from carekit.seams.scope import EVERYTHING
from carekit.testing.contracts.hosting import LOOP, host, staff
from carekit.testing.desk import DeskKit
from carekit.testing.strategies import situations

thorough = settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

STEPS = ("write", "automatic", "reply", "note", "resolve", "reopen", "snooze", "close", "unassign", "minutes", "days")
Step = tuple[str, int]


class PolicyContract:
    """All that a policy promises. Only ``policy`` must be overridden."""

    @pytest.fixture
    def policy(self) -> Policy:
        """The policy under test, made as the file would make it."""
        raise NotImplementedError("override the fixture 'policy' with the policy to test")

    @pytest.fixture
    def file(self) -> str:
        """Further tables of the file: calendars, bots, surveys, other policies."""
        return ""

    @pytest.fixture
    def extra(self) -> Mapping[str, ModuleType]:
        """Plugin modules that the further tables need, by name."""
        return {}

    @pytest.fixture
    def kit(self, policy: Policy, file: str, extra: Mapping[str, ModuleType]) -> Iterator[DeskKit]:
        """A desk in memory with the policy in its file."""
        with host(policy, more=LOOP + file, extra=extra) as kit:
            yield kit

    @pytest.fixture
    def any_situation(self, policy: Policy, kit: DeskKit) -> st.SearchStrategy[tuple[Event, Conversation, Context]]:
        """Any event that it listens to, in any conversation, in any world of this file."""
        parts = kit.service.settings
        surveys = {
            name: SurveyOffer(name, part.component.kind, part.component.question, part.component.best, _link)
            for name, part in parts.surveys.items()
        }
        return situations(policy, calendars=parts.calendars, surveys=surveys)

    def test_it_says_what_it_listens_to(self, policy: Policy) -> None:
        """It names at least one kind of fact, and only kinds that exist."""
        assert policy.listens
        assert policy.listens <= set(FACTS.values())

    def test_it_decides_in_any_situation(
        self, policy: Policy, any_situation: st.SearchStrategy[tuple[Event, Conversation, Context]]
    ) -> None:
        """It never raises, and gives actions that say their reason, are its own, and can be done."""

        @thorough
        @given(situation=any_situation)
        def decides(situation: tuple[Event, Conversation, Context]) -> None:
            for place, action in enumerate(policy.decide(*situation)):
                assert isinstance(action, a.Action)
                assert action.reason.strip(), f"{type(action).__name__} must say its reason"
                if isinstance(action, a.SetTimer | a.CancelTimer | a.SetTarget):
                    own = action.name == policy.name or action.name.startswith(f"{policy.name}:")
                    assert own, f"{action.name!r} is not named with Policy.timer()"
                if place == 0:
                    _assert_possible(action, policy, situation[1])

        decides()

    def test_it_is_pure(
        self, policy: Policy, any_situation: st.SearchStrategy[tuple[Event, Conversation, Context]]
    ) -> None:
        """The same arguments give the same actions, whatever it was asked in between, and are not changed."""
        earlier: list[tuple[tuple[Event, Conversation, Context], list[a.Action]]] = []

        @thorough
        @given(situation=any_situation)
        def same(situation: tuple[Event, Conversation, Context]) -> None:
            before = _picture(situation)
            first = list(policy.decide(*situation))
            for other, actions in earlier[-3:]:
                assert list(policy.decide(*other)) == actions
            assert list(policy.decide(*situation)) == first
            assert _picture(situation) == before
            earlier.append((situation, first))

        same()

    def test_the_same_history_gives_the_same_decisions(
        self, policy: Policy, file: str, extra: Mapping[str, ModuleType]
    ) -> None:
        """What a whole desk did is byte for byte the same when everything happens again, and no policy failed."""

        @settings(
            max_examples=6,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        @given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2)), min_size=5, max_size=25))
        def again(steps: list[Step]) -> None:
            logs = []
            for _ in range(2):
                with host(policy, more=LOOP + file, extra=extra) as kit:
                    logs.append(_live_through(kit, steps))
            assert logs[0] == logs[1]
            assert b'"policy_failed"' not in logs[0], "the policy failed"

        again()


def _assert_possible(action: a.Action, policy: Policy, conversation: Conversation) -> None:
    """The desk would not refuse *action* (archived conversations aside, which refuse nearly everything)."""
    if conversation.status is not Status.CLOSED:
        try:
            decide(conversation, action, f"policy:{policy.name}")
        except Refused as error:
            pytest.fail(f"{type(action).__name__} in a {conversation.status.value} conversation: {error}")


def _link(conversation: str) -> str:
    return f"https://desk.example/surveys/{conversation}"


def _picture(situation: tuple[Event, Conversation, Context]) -> bytes:
    """Everything a policy could have changed, as bytes."""
    event, conversation, context = situation
    world = {"contact": context.contact, "agents": dict(context.agents), "now": context.now}
    return encode(event) + encode(conversation) + encode(world)


def _live_through(kit: DeskKit, steps: list[Step]) -> bytes:
    """The log of a desk that lived through *steps*."""
    agent = staff(kit, capacity=2)
    kit.write("hello", sender="peer0")
    for what, who in steps:
        _step(kit, what, who, agent)
    log = kit.service.store.feed(0, 1_000_000, EVERYTHING)
    return b"\n".join(event.kind.join('""').encode() + encode(event) for event in log)


def _step(kit: DeskKit, what: str, who: int, agent: str) -> None:
    if what in ("write", "automatic"):
        kit.write(f"hello {who}", sender=f"peer{who}", automatic=what == "automatic")
    elif what in ("minutes", "days"):
        kit.advance({"minutes": "47m", "days": "36h"}[what])
    else:
        wishes: dict[str, a.Action] = {
            "reply": a.Send("an answer"),
            "note": a.AddNote("a note"),
            "resolve": a.Resolve(),
            "reopen": a.Reopen(),
            "snooze": a.Snooze(kit.clock.now().replace(microsecond=1)),
            "close": a.Close(),
            "unassign": a.Unassign(),
        }
        try:
            kit.act(wishes[what], f"agent:{agent}")
        except Refused:
            return
