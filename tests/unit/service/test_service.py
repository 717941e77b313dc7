"""The desk's own secret: made once, kept, and never empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from carekit.ground.errors import ConfigError
from carekit.service.service import _kept_secret


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    """The second start finds the first one's secret, which nobody else may read, and no other file."""
    path = tmp_path / "data" / "secret"
    made = _kept_secret(path)
    assert (len(made), _kept_secret(path)) == (64, made)
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_an_empty_secret_is_made_anew(tmp_path: Path) -> None:
    """What a start that died half-way left behind signs nothing: anybody could have made such signatures."""
    path = tmp_path / "secret"
    path.write_text("\n")
    assert len(_kept_secret(path)) == 64


def test_a_file_of_something_else_is_explained(tmp_path: Path) -> None:
    """Bytes that are no text are refused with the place and the remedy."""
    path = tmp_path / "secret"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"cannot keep a secret in .*set \[service\] secret"):
        _kept_secret(path)
