"""The policy that answers HELP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sms_kit import FILE, Kit, desk

from carekit import Policy
from carekit.testing import PolicyContract
from carekit_sms.policy import AnswerHelp, HelpSettings


class TestContract(PolicyContract):
    @pytest.fixture
    def policy(self) -> Policy:
        return AnswerHelp("help", HelpSettings())


@pytest.fixture
def kit() -> Iterator[Kit]:
    with desk("twilio", languages=("en", "es")) as made:
        yield made


def said(kit: Kit) -> list[str]:
    return [asked.form["Body"] for asked in kit.far_side.asked]


def test_help_is_answered(kit: Kit) -> None:
    """In either language, with the service's name and how to stop; an agent's turn it is not."""
    kit.text("AYUDA")
    (answer,) = said(kit)
    assert answer.startswith("Northwind: ")
    assert "STOP" in answer
    assert kit.conversation().first_message_at is None


def test_a_cry_for_help_is_for_people(kit: Kit) -> None:
    """A sentence is no keyword."""
    kit.text("Please help me with my parcel")
    assert said(kit) == []
    assert kit.conversation().first_message_at is not None


def test_two_machines_do_not_help_each_other_all_day(kit: Kit) -> None:
    """Once in a while is enough for a contact; a machine on the other side gets no second answer at once."""
    kit.text("HELP")
    kit.text("HELP")
    assert len(said(kit)) == 1
    kit.advance("3m")
    kit.text("HELP")
    assert len(said(kit)) == 2


def test_who_said_stop_is_not_even_helped(kit: Kit) -> None:
    """A sender who opted out is never written to; START lets the answer out again."""
    kit.text("STOP")
    kit.text("HELP")
    assert said(kit) == []
    kit.text("START")
    kit.text("HELP")
    assert len(said(kit)) == 1


def test_a_text_that_cannot_be_filled_in_is_a_fault() -> None:
    """A variable that does not exist is found by the check, with those that do."""
    (fault,) = AnswerHelp("help", HelpSettings(text="Hello {{ contact.nmae }}")).check()
    assert "service.name" in fault


def test_the_file_may_word_it() -> None:
    """The text is the file's."""
    file = FILE.replace('use = "sms-help"', 'use = "sms-help"\ntext = "{{ service.name }} at your service"')
    with desk("twilio", file=file) as kit:
        kit.text("HELP")
        assert said(kit) == ["Northwind at your service"]
