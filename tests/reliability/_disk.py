"""A disk of its own for a test: an ext4 image that is mounted, filled up, and cut off as a power failure does.

A process that is killed loses nothing the kernel already has. A cut does: what was not synchronised is gone, and every
later read or write fails. Needs root, because it mounts.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests._servers import require
from tests.acceptance._shop import until

_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN of <linux/ext4.h> (ext4, xfs and f2fs share it)."""
_NO_FLUSH = 2
"""Not even the file system's own journal gets to the disk."""
_REMEDY = "apt-get install e2fsprogs mount"


class Disk:
    """A disk of *size* at the folder *place*."""

    def __init__(self, folder: Path, size: str = "1G") -> None:
        if os.geteuid() != 0:
            pytest.skip(
                "mounting a disk image needs root: run the tests of reliability as root, in a machine of their own"
            )
        self._image, self.place = folder / "disk.img", folder / "disk"
        self._run(require("truncate", "apt-get install coreutils"), "-s", size, self._image)
        self._run(require("mkfs.ext4", _REMEDY), "-q", "-F", "-m", "0", self._image)
        self.place.mkdir()
        try:
            self.plug()
        except subprocess.CalledProcessError:
            pytest.skip("this machine lets nobody mount a disk image (needs loop devices and CAP_SYS_ADMIN)")

    def cut(self) -> None:
        """The power fails."""
        handle = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
        finally:
            os.close(handle)

    def plug(self) -> None:
        """The machine starts again: the journal is replayed, as after any crash."""
        self._run(require("mount", _REMEDY), "-o", "loop", self._image, self.place)

    def unplug(self) -> None:
        """Unmount it, once nobody uses it any more."""
        umount = str(require("umount", _REMEDY))
        line = [umount, str(self.place)]
        until(lambda: not subprocess.run(line, check=False, stderr=subprocess.DEVNULL).returncode, "the disk to rest")

    def settle(self) -> None:
        """Have everything on it that was written so far."""
        self._run(require("sync", "apt-get install coreutils"), "-f", self.place)

    def fill(self) -> None:
        """Leave no room."""
        with (self.place / "full").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        """Give the room back."""
        (self.place / "full").unlink()

    @staticmethod
    def _run(program: Path, *arguments: str | Path) -> None:
        subprocess.run([str(program), *map(str, arguments)], check=True)
