"""Thousands of broken mails: an answer for each, in time."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.mark.parametrize("seed", [1, 2])
def test_broken_mail_gives_an_answer_in_time(mutations: ModuleType, seed: int) -> None:
    """No exception, no line end in a header value, no surrogate; `python tests/mutations.py SEED SECONDS` is longer."""
    assert mutations.fuzz(seed, 2.0) > 20
