"""The README's samples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from carekit.testing import DeskKit

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_python_sample_runs() -> None:
    """What it asserts is so."""
    (sample,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(sample, "README.md", "exec"), {})


def test_the_file_sample_is_a_sound_channel(tmp_path: Path) -> None:
    """A desk starts from it."""
    from carekit_email import plugin

    (sample,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    base = '[service]\nname = "x"\nsecret = "a secret for tests only"\n[store]\nuse = "memory"\n'
    passwords = {"IMAP_PASSWORD": "one", "SMTP_PASSWORD": "two"}
    kit = DeskKit(base + sample, folder=tmp_path, extra={"email": plugin}, environment=passwords, discover=False)
    with kit:
        assert list(kit.service.settings.channels) == ["support-mail"]


def test_every_key_is_in_the_table() -> None:
    """A setting that is not documented does not exist for an integrator."""
    attrs = pytest.importorskip("attrs")
    from carekit_email.settings import EmailSettings, MailboxSettings, SmtpSettings

    table = README.split("## Keys")[1].split("At least")[0]
    missing = [
        field.name
        for cls in (EmailSettings, MailboxSettings, SmtpSettings)
        for field in attrs.fields(cls)
        if f"`{field.name}" not in table and f".{field.name}`" not in table
    ]
    assert not missing
