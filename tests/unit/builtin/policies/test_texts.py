"""What policies write, and when: acknowledgement, hours, follow-up, survey, archive, and the bot that comes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest

from carekit.facts import actions as a
from carekit.facts import events as f
from carekit.facts.nouns import Address, Status
from carekit.seams.bot import Bot, BotReply, BotTurn
from carekit.seams.hookspecs import hookimpl
from carekit.seams.survey import SurveyProvider
from carekit.service.faults import FaultyFile
from carekit.testing import DeskKit, FrozenClock
from carekit.testing.contracts.hosting import BASE, LOOP, host, staff
from carekit.testing.contracts.values import minute

OFFICE = """
[calendars.office]
hours = { mon-fri = ["09:00-18:00"] }
"""


def _desk(tables: str, extra: Mapping[str, ModuleType] | None = None, at: float = 0) -> DeskKit:
    return DeskKit(BASE + LOOP + OFFICE + tables, extra=extra, discover=False, clock=FrozenClock(minute(at)))


def _purposes(kit: DeskKit, conversation: str = "") -> list[str]:
    return [sent.purpose for sent in kit.facts(f.MessageSent, conversation)]


# --- acknowledge

ACK = """
[policies.ack]
use = "acknowledge"
text = "Thank you{{ contact.first_name | default:'' }}"
closed_text = "We open on {{ hours.opens }}"
calendar = "office"
"""
ACK = ACK.replace("'", '\\"')


def test_a_first_message_is_acknowledged_once() -> None:
    """The first message of a conversation is acknowledged, the next ones are not."""
    with _desk(ACK) as kit:
        kit.write("hello", name="Ana")
        kit.write("hello?")
        assert [sent.text for sent in kit.facts(f.MessageSent)] == ["Thank youAna"]
        assert kit.conversation().status is Status.OPEN


def test_a_machine_is_never_acknowledged() -> None:
    """An automatic message is kept without an answer, so that two machines never write to each other."""
    with _desk(ACK) as kit:
        kit.write("out of office", automatic=True)
        assert _purposes(kit) == []


def test_outside_of_hours_the_other_text_is_sent() -> None:
    """While the calendar is closed the closed text says when it opens."""
    with _desk(ACK, at=-60) as kit:
        kit.write("hello")
        (sent,) = kit.facts(f.MessageSent)
        assert sent.text == "We open on Monday 09:00"
        assert "outside of business hours" in kit.events(f.MessageSent)[0].reason


def test_a_contact_is_acknowledged_once_a_day() -> None:
    """A second conversation of the same contact within a day is not acknowledged again, one after a day is."""
    with _desk(ACK) as kit:
        acknowledged = []
        for wait in ("1h", "22h", "2h"):
            kit.write("hello")
            acknowledged.append(len(_purposes(kit)))
            kit.act(a.Close(), "service")
            kit.advance(wait)
        assert acknowledged == [1, 0, 0]
        kit.write("hello")
        assert len(_purposes(kit)) == 1


@pytest.mark.parametrize(
    "name", ["http://evil.example", "Win a prize! Click www.evil.example now", "<b>Ana</b>", "{{ x }}"]
)
def test_a_name_cannot_carry_a_message(name: str) -> None:
    """A stranger's name that could be advertising is left out of what is sent to a stranger's address."""
    with _desk(ACK) as kit:
        kit.write("hello", address=Address("loopback", "ana", name))
        assert kit.facts(f.MessageSent)[0].text in ("Thank you", "Thank youWin")


def test_faults_of_a_text_are_found_before_the_start() -> None:
    """An unknown variable and a missing calendar are faults of the file."""
    broken = '[policies.ack]\nuse = "acknowledge"\ntext = "{{ contact.nmae }}"\nclosed_text = "closed"\n'
    with pytest.raises(FaultyFile) as caught:
        _desk(broken)
    messages = " ".join(fault.message for fault in caught.value.faults)
    assert "contact.nmae" in messages
    assert "needs calendar" in messages


# --- hours


def test_hours_speak_when_closed_once_in_a_while() -> None:
    """While it is closed the contact is told, once within the time; while it is open never."""
    hours = '[policies.hours]\nuse = "hours"\ncalendar = "office"\n'
    with _desk(hours, at=-120) as kit:
        kit.write("hello")
        kit.write("anybody?")
        (sent,) = kit.facts(f.MessageSent)
        assert (sent.purpose, "Monday 09:00" in sent.text) == ("hours", True)
        kit.advance("3h")
        kit.write("now?", sender="max")
        assert _purposes(kit) == []


def test_hours_leave_a_bot_alone_until_it_gives_up() -> None:
    """While a bot answers nothing is said of hours; at the hand-over it is."""

    class Helpful(Bot):
        async def respond(self, turn: BotTurn) -> BotReply:
            return BotReply("an answer", handoff="requested" if "person" in turn.text else "")

    tables = '\n[policies.bot]\nuse = "bot"\nbot = "faq"\n[policies.hours]\nuse = "hours"\ncalendar = "night"\n'
    night = '[calendars.night]\nhours = { mon = ["01:00-02:00"] }\n'
    with host(Helpful("faq", None), more=LOOP + night + tables) as kit:
        kit.write("hello")
        assert _purposes(kit) == ["answer"]
        kit.write("a person please")
        assert _purposes(kit) == ["answer", "answer", "hours"]


# --- the bot comes first


class Script(Bot):
    """Misses what it is told to miss."""

    async def respond(self, turn: BotTurn) -> BotReply:
        return BotReply("no idea" if "odd" in turn.text else "an answer", missed="odd" in turn.text)


@pytest.fixture
def answered() -> Iterator[DeskKit]:
    with host(Script("faq", None), more=LOOP + '\n[policies.bot]\nuse = "bot"\nbot = "faq"\nmisses = 2\n') as kit:
        yield kit


def _triggers(kit: DeskKit) -> list[str]:
    return [handed.trigger for handed in kit.facts(f.HandedOff)]


def test_two_misses_in_a_row_hand_over(answered: DeskKit) -> None:
    """Misses count in a row: an answer in between begins anew; then people have it, and the bot is silent."""
    for text in ("odd", "fine", "odd"):
        answered.write(text)
    assert _triggers(answered) == []
    answered.write("odd")
    answered.write("hello?")
    assert _triggers(answered) == ["misses"]
    assert len(answered.facts(f.BotAsked)) == 4


def test_a_contact_may_ask_for_a_person(answered: DeskKit) -> None:
    """The button that asks for a person hands over without asking the bot."""
    answered.write("hello", intent="handoff")
    assert (_triggers(answered), answered.facts(f.BotAsked)) == (["requested"], [])


def test_a_person_who_takes_it_silences_the_bot(answered: DeskKit) -> None:
    """Once an agent has it or has written, the bot is not asked."""
    answered.write("hello")
    answered.reply(staff(answered), "I am here")
    answered.write("thanks")
    assert len(answered.facts(f.BotAsked)) == 1


def test_a_resolved_conversation_begins_with_the_bot_again(answered: DeskKit) -> None:
    """After a resolution the bot may try again."""
    answered.write("hello", intent="handoff")
    answered.resolve(staff(answered))
    answered.write("another thing")
    assert len(answered.facts(f.BotAsked)) == 1


def test_the_bot_is_not_asked_about_machines(answered: DeskKit) -> None:
    """An automatic message gets no bot."""
    answered.write("out of office", automatic=True)
    assert answered.facts(f.BotAsked) == []


# --- after the resolution

AFTER = """
[policies.follow-up]
use = "follow-up"
after = "3d"

[policies.archive]
use = "archive"
after = "10d"
"""


def test_a_follow_up_asks_once_after_its_time() -> None:
    """Three days after a person resolved it the contact is asked, once, at that very instant."""
    with _desk(AFTER) as kit:
        kit.write("hello")
        kit.reply(agent := staff(kit), "done")
        kit.resolve(agent)
        kit.advance("9d")
        (event,) = [e for e in kit.events(f.MessageSent) if e.policy]
        assert (event.at, event.policy) == (minute(3 * 24 * 60), "follow-up")


def test_a_thank_you_does_not_lead_to_another_follow_up() -> None:
    """Who answers the follow-up, and is resolved again, is not asked for ever."""
    with _desk(AFTER) as kit:
        kit.write("hello")
        kit.reply(agent := staff(kit), "done")
        kit.resolve(agent)
        for _ in range(3):
            kit.advance("4d")
            kit.write("all is fine, thank you")
            kit.resolve(agent)
        kit.advance("4d")
        assert _purposes(kit).count("follow_up") == 1


def test_what_nobody_answered_is_not_followed_up() -> None:
    """A conversation resolved without a person's message is left in peace."""
    with _desk(AFTER) as kit:
        kit.write("spam")
        kit.resolve(staff(kit))
        kit.advance("5d")
        assert _purposes(kit) == []


def test_a_reopened_conversation_is_neither_followed_up_nor_archived() -> None:
    """Reopening takes the timers away; the next resolution sets them anew."""
    with _desk(AFTER) as kit:
        kit.write("hello")
        kit.reply(agent := staff(kit), "done")
        kit.resolve(agent)
        kit.advance("2d")
        kit.write("not done")
        assert kit.conversation().timers == {}
        kit.advance("20d")
        assert kit.conversation().status is Status.OPEN
        kit.resolve(agent)
        kit.advance("11d")
        assert kit.conversation().status is Status.CLOSED


def test_a_message_after_the_archive_begins_a_new_conversation() -> None:
    """What is archived stays so; the contact's next message is a new matter."""
    with _desk(AFTER) as kit:
        first = kit.write("hello").conversation
        kit.resolve(staff(kit))
        kit.advance("11d")
        assert kit.conversation(first).status is Status.CLOSED
        assert kit.write("hello again").conversation != first


# --- surveys


class Stars(SurveyProvider):
    """Five stars."""

    @property
    def question(self) -> str:
        return "How many stars?"


def _stars() -> Mapping[str, ModuleType]:
    def carekit_surveys() -> Mapping[str, type[SurveyProvider]]:
        return {"stars": Stars}

    module = ModuleType("stars")
    module.carekit_surveys = hookimpl(carekit_surveys)  # type: ignore[attr-defined]
    return {"stars": module}


SURVEY = """
[surveys.stars]
use = "stars"

[policies.ask]
use = "survey"
survey = "stars"
"""


def _ask(kit: DeskKit, agent: str, reply: bool = True) -> None:
    kit.write("hello")
    if reply:
        kit.reply(agent, "done")
    kit.resolve(agent)


def test_a_survey_is_put_by_a_signed_link() -> None:
    """Where nobody sits and waits the question comes with a link that only this desk can have made."""
    with _desk(SURVEY, _stars()) as kit:
        _ask(kit, staff(kit))
        sent = kit.facts(f.MessageSent)[-1]
        assert (sent.purpose, sent.survey, "How many stars?" in sent.text) == ("survey", "stars", True)
        token = sent.text.split("/surveys/stars/")[1].split()[0]
        assert kit.desk.unseal("survey:stars", token) == kit.conversation().id


def test_a_contact_with_two_conversations_is_asked_once() -> None:
    """Both were resolved before either survey was due: when the second one is, the contact has just been asked."""
    with _desk(SURVEY + 'after = "1h"\n', _stars()) as kit:
        agent = staff(kit)
        _ask(kit, agent)
        first = kit.conversation().id
        kit.write("something else", thread=())
        second = kit.conversation().id
        assert first != second
        kit.reply(agent, "done")
        kit.resolve(agent)
        kit.advance("2h")
        assert [len(kit.facts(f.SurveyOffered, one)) for one in (first, second)] == [1, 0]
        assert [len(kit.facts(f.SurveyWithheld, one)) for one in (first, second)] == [0, 1]


def test_a_contact_is_asked_once_a_month() -> None:
    """The same contact is not asked again within the time; that it was not is in the log with its reason."""
    with _desk(SURVEY, _stars()) as kit:
        _ask(kit, agent := staff(kit))
        kit.act(a.Close(), "service")
        kit.advance("10d")
        _ask(kit, agent)
        assert kit.facts(f.SurveyOffered) == []
        (withheld,) = kit.events(f.SurveyWithheld)
        assert "less than 30 d ago" in withheld.reason


def test_what_no_person_answered_is_not_asked_about() -> None:
    """Without a person's message the survey is withheld, and the log says why."""
    with _desk(SURVEY, _stars()) as kit:
        _ask(kit, staff(kit), reply=False)
        assert (len(kit.facts(f.SurveyWithheld)), _purposes(kit)) == (1, [])
