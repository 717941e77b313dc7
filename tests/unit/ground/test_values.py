"""Copies of frozen values, whichever library made their class."""

from __future__ import annotations

import gc

import attrs
import pytest
from hypothesis import given, settings

from carekit.facts.codec import to_builtins
from carekit.facts.nouns import Contact, Conversation
from carekit.ground.values import replace
from carekit.testing.clock import START
from carekit.testing.strategies import conversations


@attrs.frozen
class Setting:
    """A value made once."""

    name: str
    size: int = 1


@settings(max_examples=25)
@given(value=conversations())
def test_replace_changes_what_is_named_and_leaves_the_original_alone(value: Conversation) -> None:
    """The copy differs in the named fields only, and the original in none."""
    before = to_builtins(value)
    after = replace(value, subject="new", seq=0)
    assert (after.subject, after.seq) == ("new", 0)
    assert replace(after, subject=value.subject, seq=value.seq) == value
    assert to_builtins(value) == before


def test_replace_gives_a_copy_of_its_own() -> None:
    """A copy without changes is equal and another object."""
    contact = Contact("p1", START)
    assert replace(contact) == contact
    assert replace(contact) is not contact


def test_replace_copies_attrs_classes_too() -> None:
    """What is made once is copied by the same name."""
    assert replace(Setting("a"), size=2) == Setting("a", 2)


@pytest.mark.parametrize("value", [Contact("p1", START), Setting("a")])
def test_replace_refuses_a_field_that_is_none(value: object) -> None:
    """A misspelt field is an error, not a silent no-op."""
    with pytest.raises(TypeError):
        replace(value, colour="red")


def test_values_are_no_work_for_the_garbage_collector() -> None:
    """A value without containers is not tracked, however many there are."""
    assert not gc.is_tracked(Contact("p1", START))
