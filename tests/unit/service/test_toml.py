"""A file that is no TOML is told in one sentence with its path and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from carekit.ground.errors import ConfigError
from carekit.service.toml import LARGEST, read_toml


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = 1\n[b\n", "is not valid TOML: .*line 2, column 3"),
        (b"a = 1\na = 2\n", "is not valid TOML: .*line 2"),
        (b"\x7fELF\x02\x01\x00\x00\xff", "is not UTF-8 text .byte 8"),
        (b"\x00\x01", "is not valid TOML"),
        ("[service]".encode("utf-16"), "is not UTF-8 text .byte 0.; save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "is not valid TOML: tables in tables without end"),
        (b"a = " + b"9" * 100_000, "is not valid TOML: "),
        (b"#" * (LARGEST + 1), "has more than 4,000,000 bytes"),
    ],
    ids=["syntax", "twice", "binary", "nul", "utf-16", "nested", "digits", "huge"],
)
def test_what_is_no_toml_is_explained(tmp_path: Path, content: bytes, words: str) -> None:
    """Whatever the bytes are, there is one sentence and no traceback."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_toml(tmp_path / "file")
    assert str(caught.value).startswith(f"{tmp_path / 'file'}: ")


def test_a_folder_and_nothing_are_explained(tmp_path: Path) -> None:
    """The second with the remedy of whoever asks."""
    with pytest.raises(ConfigError, match="is a folder; name the file in it"):
        read_toml(tmp_path)
    with pytest.raises(ConfigError, match="there is no such file; make one"):
        read_toml(tmp_path / "none", absent="make one")


def test_a_mark_at_the_beginning_is_passed_over(tmp_path: Path) -> None:
    """Some editors write a byte order mark that nobody sees."""
    (tmp_path / "file").write_text("\ufeffa = 1", "utf-8")
    assert read_toml(tmp_path / "file") == {"a": 1}
