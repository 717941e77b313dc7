"""What a desk with a database still knows after it was stopped, and after it was killed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from carekit import (
    BotAnswered,
    DeliveryChanged,
    MessageSent,
    Presence,
    Scope,
    Status,
    SurveyAnswered,
    SurveyOffered,
    TargetBreached,
    TargetMet,
)
from tests.integration._desks import desk, killed

PERSON = "I want to talk to a person, please"


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    """Conversation, contact, agents, events in their order and the report: the same before and after."""
    with desk(tmp_path) as kit:
        kit.add_agent("lena", capacity=2)
        kit.write("How do I return something?", name="Ana Soler")
        kit.write(PERSON)
        kit.note("lena", "Known for long returns.")
        kit.reply("lena", "Here I am.")
        kit.resolve("lena")
        now = kit.clock.now()
        conversation, events = kit.conversation(), kit.events()
        agents, report = kit.run(kit.desk.agents()), kit.run(kit.desk.report(Scope.everything()))
        contact = kit.run(kit.desk.contact(conversation.contact, Scope.everything()))
    with desk(tmp_path, now) as kit:
        assert kit.conversation() == conversation
        assert kit.events() == events
        assert kit.run(kit.desk.agents()) == agents
        assert kit.run(kit.desk.report(Scope.everything())) == report
        assert kit.run(kit.desk.contact(conversation.contact, Scope.everything())) == contact
        kit.settle()
        assert kit.events() == events


def test_the_conversation_goes_on_after_a_restart(tmp_path: Path) -> None:
    """The contact is recognised, the thread is the same, and a message delivered again is still known."""
    with desk(tmp_path) as kit:
        kit.add_agent("lena")
        kit.write(PERSON, id="far-1")
        kit.reply("lena", "Here I am.")
        first = kit.conversation().id
    with desk(tmp_path) as kit:
        again = kit.write(PERSON, id="far-1")
        assert again.conversation == first
        receipt = kit.write("Are you still there?", id="far-2")
        assert receipt.conversation == first
        texts = [text for author, text in kit.thread() if author == "contact"]
        assert texts == [PERSON, "Are you still there?"]
        assert kit.conversation().assignee == "lena"


def test_a_bot_remembers_after_a_restart(tmp_path: Path) -> None:
    """The number sent after the restart chooses among the titles offered before it."""
    with desk(tmp_path) as kit:
        kit.write("discount voucher student")
        [offer] = kit.facts(BotAnswered)
        assert offer.missed and offer.sources
    with desk(tmp_path) as kit:
        kit.write("1", id="second")
        answer = kit.facts(BotAnswered)[-1]
        assert not answer.missed
        assert answer.sources[0].title == offer.sources[0].title


def test_the_queue_keeps_its_order_over_a_restart(tmp_path: Path) -> None:
    """Whoever waited longest is served first by the agent who comes afterwards."""
    with desk(tmp_path) as kit:
        kit.add_agent("lena", capacity=1, presence=Presence.OFF)
        waiting = []
        for sender in ("ana", "ben"):
            waiting.append(kit.write(PERSON, sender=sender).conversation)
            kit.advance("1m")
        assert all(kit.conversation(id).queued_at for id in waiting)
    with desk(tmp_path, kit.clock.now()) as kit:
        kit.presence("lena", Presence.AVAILABLE)
        assert [kit.conversation(id).assignee for id in waiting] == ["lena", ""]
        kit.resolve("lena", waiting[0])
        assert kit.conversation(waiting[1]).assignee == "lena"


def test_what_fell_due_while_away_happens_at_its_own_instant(tmp_path: Path) -> None:
    """A target of four hours breached during a night without the service is dated to the four hours."""
    with desk(tmp_path) as kit:
        kit.add_agent("lena")
        kit.write(PERSON)
        began = kit.conversation().first_message_at
    assert began is not None
    with desk(tmp_path, began + timedelta(hours=12)) as kit:
        kit.settle()
        [breached] = kit.events(TargetBreached)
        assert breached.at == began + timedelta(hours=4)
        kit.reply("lena", "Good morning.")
        assert len(kit.events(TargetMet)) == 1


def test_a_survey_put_before_a_restart_is_answered_after_it(tmp_path: Path) -> None:
    """The question stands, and the answer counts in the report."""
    with desk(tmp_path) as kit:
        kit.add_agent("lena")
        kit.write(PERSON)
        kit.reply("lena", "Done.")
        kit.resolve("lena")
        [offered] = kit.facts(SurveyOffered)
    with desk(tmp_path, kit.clock.now()) as kit:
        kit.run(kit.desk.answer_survey(kit.conversation().id, offered.survey, 5, scope=Scope.everything()))
        assert [fact.score for fact in kit.facts(SurveyAnswered)] == [5]
        assert kit.run(kit.desk.report(Scope.everything()))["csat"]["n"] == 1  # type: ignore[index]


# --- killed


def test_a_job_of_a_killed_process_is_done_by_the_next(tmp_path: Path) -> None:
    """What was committed and not sent is sent after the restart, once."""
    killed(tmp_path, f'kit.add_agent("lena"); kit.write({PERSON!r}); kit.reply("lena", "On its way.", settle=False)')
    with desk(tmp_path) as kit:
        assert kit.sent == []
        kit.run(kit.service.start())
        kit.settle()
        assert kit.sent == ["On its way."]
        [reply] = [event for event in kit.events(MessageSent) if event.actor == "agent:lena"]
        [status] = [fact for fact in kit.facts(DeliveryChanged) if fact.message == reply.seq]
        assert status.status == "sent"
    with desk(tmp_path) as kit:
        kit.run(kit.service.start())
        kit.settle()
        assert kit.sent == []


def test_a_question_to_the_bot_survives_a_kill(tmp_path: Path) -> None:
    """The bot that was asked before the kill answers after it, once."""
    killed(tmp_path, 'kit.write("How do I return something?", settle=False)')
    with desk(tmp_path) as kit:
        assert kit.facts(BotAnswered) == []
        kit.run(kit.service.start())
        kit.settle()
        assert len(kit.facts(BotAnswered)) == 1
        assert len(kit.sent) == 1


def test_nothing_half_done_is_left_by_a_kill(tmp_path: Path) -> None:
    """The events of every conversation are numbered without gaps, and the conversation stands where they end."""
    killed(tmp_path, f'kit.add_agent("lena")\nfor n in range(20): kit.write({PERSON!r}, sender=str(n), settle=False)')
    with desk(tmp_path) as kit:
        page = kit.service.store.feed(0, 10_000, Scope.everything())
        streams = {event.stream for event in page if event.kind == "conversation_started"}
        assert len(streams) == 20
        for id in streams:
            assert [event.seq for event in kit.events(conversation=id)] == list(range(1, kit.conversation(id).seq + 1))
        kit.run(kit.service.start())
        kit.settle()
        assert {kit.conversation(id).status for id in streams} == {Status.OPEN}
        assert sum(bool(kit.conversation(id).assignee) for id in streams) == 5
