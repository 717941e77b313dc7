"""Bytes by content, in memory and in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.ground.errors import NotFound, Unavailable
from carekit.service.blobs import Blobs, FolderBlobs, MemoryBlobs, digest_of


@pytest.fixture(params=["memory", "folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return MemoryBlobs() if request.param == "memory" else FolderBlobs(tmp_path / "blobs")


def test_bytes_come_back(blobs: Blobs) -> None:
    """What was kept is given under its digest, however often it was kept."""
    for data in (b"", b"\x00\xff", b"x" * 1_000_000):
        assert blobs.put(data) == blobs.put(data) == digest_of(data)
        assert blobs.get(digest_of(data)) == data


@pytest.mark.parametrize("digest", ["", "0" * 64, "../../etc/passwd", "0" * 63 + "/", "A" * 64, "\x00"])
def test_other_names_are_not_found(blobs: Blobs, digest: str) -> None:
    """An unknown digest and what is none are not found, and lead out of no folder."""
    with pytest.raises(NotFound):
        blobs.get(digest)


def test_a_folder_keeps_each_content_once(tmp_path: Path) -> None:
    """The same bytes are one file, and no half-written one is left beside it."""
    blobs = FolderBlobs(tmp_path)
    for _ in range(3):
        digest = blobs.put(b"the same")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]


def test_a_folder_outlives_its_object(tmp_path: Path) -> None:
    """Another object over the same folder finds the bytes."""
    digest = FolderBlobs(tmp_path).put(b"kept")
    assert FolderBlobs(tmp_path).get(digest) == b"kept"


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """Where a file stands instead of the folder, keeping fails with the place."""
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(Unavailable, match="blobs"):
        FolderBlobs(tmp_path / "blobs").put(b"x")


@settings(max_examples=30)
@given(one=st.binary(max_size=50), two=st.binary(max_size=50))
def test_digests_tell_contents_apart(one: bytes, two: bytes) -> None:
    """Two contents have one digest only when they are the same."""
    assert (digest_of(one) == digest_of(two)) == (one == two)
