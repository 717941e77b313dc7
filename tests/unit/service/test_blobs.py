"""Bytes by content, in memory, in a folder and behind a URL."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carekit.ground.errors import ConfigError, NotFound, Unavailable
from carekit.service.blobs import Blobs, FarBlobs, FolderBlobs, Keeper, MemoryBlobs, digest_of

LATER = 2_000_000_000.0
"""An instant after anything that is written here."""


@pytest.fixture(params=["memory", "folder", "url"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Each of the three."""
    if request.param == "memory":
        return MemoryBlobs()
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    pytest.importorskip("fsspec", reason="needs fsspec: pip install 'carekit[remote]'")
    return FarBlobs(f"file://{tmp_path}/blobs")


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_bytes_come_back(blobs: Blobs) -> None:
    """What was kept is given under its digest, however often it was kept, alone or with others."""
    contents = [b"", b"\x00\xff", b"x" * 1_000_000, b""]
    assert blobs.put(contents) == blobs.put(contents) == [digest_of(data) for data in contents]
    for data in contents:
        assert blobs.get(digest_of(data)) == data


def test_only_the_beginning_is_read_where_that_is_enough(blobs: Blobs) -> None:
    """As many bytes as are asked for, or all where there are fewer."""
    [digest] = blobs.put([b"0123456789" * 100_000])
    assert blobs.head(digest, 12) == b"012345678901"
    assert blobs.head(digest, 2_000_000) == blobs.get(digest)
    with pytest.raises(NotFound):
        blobs.head("0" * 64, 12)


@pytest.mark.parametrize("digest", ["", "0" * 64, "../../etc/passwd", "0" * 63 + "/", "A" * 64, "\x00"])
def test_other_names_are_not_found(blobs: Blobs, digest: str) -> None:
    """An unknown digest and what is none are not found, and lead out of no folder."""
    with pytest.raises(NotFound):
        blobs.get(digest)


def test_who_was_erased_is_noted(blobs: Blobs) -> None:
    """Once each, in order; nobody at first. It is none of the bytes."""
    assert blobs.erased() == []
    for contact in ("p_b", "p_a", "p_b"):
        blobs.note_erased(contact)
    assert blobs.erased() == ["p_a", "p_b"]
    blobs.put([b"bytes"])
    assert blobs.erased() == ["p_a", "p_b"]


def test_a_note_outlives_its_object(tmp_path: Path) -> None:
    """It is in the folder, beside the bytes, where tidying does not look."""
    FolderBlobs(tmp_path / "blobs").note_erased("p_a")
    again = FolderBlobs(tmp_path / "blobs")
    assert (again.erased(), again.prefixes()) == (["p_a"], [])


def test_a_note_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With the place and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"cannot note in .*file/erased who is to be erased: Not a directory"):
        FolderBlobs(tmp_path / "file").note_erased("p_a")


def test_a_folder_keeps_each_content_once(tmp_path: Path) -> None:
    """The same bytes are one file, and no half-written one is left beside it."""
    blobs = FolderBlobs(tmp_path)
    for _ in range(3):
        digests = blobs.put([b"the same", b"the same"])
    assert files(tmp_path) == digests[:1]


def test_a_folder_outlives_its_object(tmp_path: Path) -> None:
    """Another object over the same folder finds the bytes."""
    [digest] = FolderBlobs(tmp_path).put([b"kept"])
    assert FolderBlobs(tmp_path).get(digest) == b"kept"


def test_everything_is_on_disk_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is synchronised before it gets its name, and each folder after it; also for what was there already."""
    done: list[tuple[str, str]] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(handle: int) -> None:
        done.append(("sync", str(Path(f"/proc/self/fd/{handle}").readlink())))
        sync(handle)

    def note_replace(path: Path, target: Path) -> Path:
        done.append(("name", str(target)))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    blobs = FolderBlobs(tmp_path)
    [digest] = blobs.put([b"one"])
    folder = str(tmp_path / digest[:2])
    steps = [(what, Path(where).name.strip(".")[:64]) for what, where in done if where.startswith(f"{folder}/")]
    assert steps == [("sync", digest), ("name", digest)]
    assert {where for what, where in done[2:] if what == "sync"} == {folder, str(tmp_path), str(tmp_path.parent)}
    done.clear()
    blobs.put([b"one"])
    assert done == [("sync", folder)]


@pytest.mark.parametrize("call", range(1, 5))
def test_a_disk_that_fails_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Keeping fails, no piece of a file takes up room, and the next attempt is like a first one."""
    sync, calls = os.fsync, 0

    def fail_once(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.EIO, "Input/output error")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fail_once)
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(Unavailable, match="Input/output error"):
        blobs.put([b"kept"])
    assert not list(tmp_path.rglob(".*"))
    assert [blobs.get(digest) for digest in blobs.put([b"kept"])] == [b"kept"]


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """Where a file stands instead of the folder, keeping fails with the place."""
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(Unavailable, match="blobs"):
        FolderBlobs(tmp_path / "blobs").put([b"x"])


def test_what_is_dropped_is_gone_unless_somebody_keeps_it(tmp_path: Path) -> None:
    """Bytes that were kept again meanwhile stay."""
    blobs = FolderBlobs(tmp_path)
    [digest] = blobs.put([b"once"])
    os.utime(tmp_path / digest[:2] / digest, (1, 1))
    blobs.put([b"once"])
    assert blobs.drop(digest, before=1_000_000_000) is None
    assert blobs.get(digest) == b"once"
    assert blobs.drop(digest, LATER) == 4
    assert files(tmp_path) == []


def test_what_a_dead_process_left_is_mended(tmp_path: Path) -> None:
    """A half-written file is removed; one that was being dropped gets its name back, to be looked at again."""
    blobs = FolderBlobs(tmp_path)
    [digest] = blobs.put([b"once"])
    folder = tmp_path / digest[:2]
    (folder / digest).rename(folder / f".{digest}.dropped")
    (folder / f".{digest}.99.1").write_bytes(b"on")
    assert list(blobs.old(digest[:2], LATER)) == []
    assert files(tmp_path) == [digest]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("bucket", "folders go into"),
        ("nowhere://bucket", "nowhere"),
        ("s3://bucket", 'pip install "carekit\\[remote\\]"'),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(url: str, told: str) -> None:
    """No URL, an unknown protocol, and one whose package is absent."""
    if url.startswith("s3") and _installed("s3fs"):
        pytest.skip("s3fs is installed here")
    with pytest.raises(ConfigError, match=told):
        FarBlobs(url)


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


class Counting(MemoryBlobs):
    """Notes how many come at once, and can be ill."""

    ill = False

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def put(self, contents: Sequence[bytes]) -> list[str]:
        self.batches.append(len(contents))
        if self.ill:
            raise Unavailable("no room")
        return super().put(contents)


def test_who_comes_meanwhile_shares_the_next_time() -> None:
    """Ten at once are written in two goes at most, and each gets its own digest."""
    blobs = Counting()
    contents = [str(number).encode() for number in range(10)]

    async def scenario() -> list[str]:
        keeper = Keeper(blobs)
        return list(await asyncio.gather(*(keeper.keep(data) for data in contents)))

    assert asyncio.run(scenario()) == [digest_of(data) for data in contents]
    assert len(blobs.batches) <= 2


def test_a_fault_is_told_to_all_and_ends() -> None:
    """While there is no room everybody hears it; afterwards it goes on."""
    blobs = Counting()

    async def scenario() -> None:
        keeper = Keeper(blobs)
        blobs.ill = True
        told = await asyncio.gather(keeper.keep(b"1"), keeper.keep(b"2"), return_exceptions=True)
        assert [type(error) for error in told] == [Unavailable, Unavailable]
        blobs.ill = False
        assert await keeper.keep(b"3") == digest_of(b"3")

    asyncio.run(scenario())


@settings(max_examples=30)
@given(one=st.binary(max_size=50), two=st.binary(max_size=50))
def test_digests_tell_contents_apart(one: bytes, two: bytes) -> None:
    """Two contents have one digest only when they are the same."""
    assert (digest_of(one) == digest_of(two)) == (one == two)


def test_too_many_waiting_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit an asker is told at once to come back, so that memory does not fill up."""
    monkeypatch.setattr("carekit.service.blobs.WAITING", 3)

    async def scenario() -> list[object]:
        keeper = Keeper(MemoryBlobs())
        return list(await asyncio.gather(*(keeper.keep(b"x") for _ in range(5)), return_exceptions=True))

    told = asyncio.run(scenario())
    assert [type(one) for one in told] == [str, str, str, Unavailable, Unavailable]


def test_nobody_else_may_look(tmp_path: Path) -> None:
    """What people sent is for the account of the service alone."""
    FolderBlobs(tmp_path / "blobs").put([b"private"])
    assert (tmp_path / "blobs").stat().st_mode & 0o077 == 0


def test_whatever_goes_wrong_nobody_is_left_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that nobody thought of reaches the asker, and the next one is served."""
    blobs = MemoryBlobs()

    async def scenario() -> None:
        keeper = Keeper(blobs)
        with monkeypatch.context() as broken:
            broken.setattr(blobs, "put", lambda contents: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(keeper.keep(b"1"), 5)
        assert await asyncio.wait_for(keeper.keep(b"2"), 5) == digest_of(b"2")

    asyncio.run(scenario())


def test_a_place_that_is_gone_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some protocols call a bucket that is not there a file that is not found."""
    pytest.importorskip("fsspec", reason="needs fsspec: pip install 'carekit[remote]'")
    blobs = FarBlobs(f"file://{tmp_path}/blobs")

    def gone(path: str, data: bytes) -> None:
        raise FileNotFoundError("no such bucket")

    monkeypatch.setattr(blobs._files, "pipe_file", gone)
    with pytest.raises(Unavailable, match="no such bucket"):
        blobs.put([b"x"])
