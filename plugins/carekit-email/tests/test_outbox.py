"""Mails as files: whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from carekit_email.transport.outbox import write


def test_a_mail_becomes_one_file(tmp_path: Path) -> None:
    """The folder is made, the bytes are what was given, nothing temporary stays."""
    path = write(tmp_path / "out", "c_1.5", b"Subject: x\r\n\r\ny")
    assert path.read_bytes() == b"Subject: x\r\n\r\ny"
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["c_1.5.eml"]


def test_a_second_attempt_replaces_the_first(tmp_path: Path) -> None:
    """The same message is never there twice."""
    write(tmp_path, "c_1.5", b"one")
    write(tmp_path, "c_1.5", b"two")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"two"]


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "..", "a\x00b", ""])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    """Separators and dots in front are taken out."""
    assert write(tmp_path, name, b"x").parent == tmp_path


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """If the file cannot be put in place, its temporary one goes."""
    (tmp_path / "taken.eml").mkdir()
    with pytest.raises(OSError, match="taken"):
        write(tmp_path, "taken", b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["taken.eml"]
