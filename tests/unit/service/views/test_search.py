"""What is said is found as soon as it is said."""

from __future__ import annotations

from carekit.facts.actions import AddNote
from carekit.seams.scope import EVERYTHING, Scope
from carekit.testing import DeskKit
from carekit.testing.contracts.hosting import staff


def test_what_was_said_is_found_at_once(desk: DeskKit) -> None:
    """A message, an answer and a note, each with the part that matches."""
    staff(desk, "lena")
    id = desk.write("Where is my blue bicycle?").conversation
    desk.reply("lena", "It left our warehouse.")
    desk.act(AddNote("the courier lost a wheel"), "agent:lena")
    for words, said in (("bicycle", "bicycle"), ("warehouse", "warehouse"), ("courier whe", "courier")):
        [hit] = desk.run(desk.desk.search(words, EVERYTHING))
        assert hit.conversation == id
        assert said in [text for text, matches in hit.pieces if matches]


def test_nothing_is_found_outside_of_a_scope(desk: DeskKit) -> None:
    """The search goes through the same scope as every list."""
    desk.write("Where is my blue bicycle?")
    assert desk.run(desk.desk.search("bicycle", Scope(inboxes=frozenset({"elsewhere"})))) == []
