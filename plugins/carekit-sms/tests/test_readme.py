"""The README's samples run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from carekit.testing import DeskKit
from carekit_sms import plugin
from carekit_sms.settings import known

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
SAMPLES = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
SECRETS: Mapping[str, str] = dict.fromkeys(re.findall(r'env = "(\w+)"', README), "a secret for tests only")


def test_the_provider_of_the_readme_reads_a_text() -> None:
    """The class that it shows is whole."""
    (sample,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(sample, "README.md", "exec"), {})


@pytest.mark.parametrize("sample", SAMPLES, ids=["twilio", "generic"])
def test_the_tables_of_the_readme_have_no_faults(sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk takes them as they are."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    base = '[service]\nname = "Northwind"\nurl = "https://care.example"\n[store]\nuse = "memory"\n'
    with DeskKit(base + sample, extra={"sms": plugin}, discover=False) as kit:
        assert list(kit.desk.channels) == ["texts"]


def test_every_provider_is_in_the_table() -> None:
    """And no other."""
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set(known().providers)
