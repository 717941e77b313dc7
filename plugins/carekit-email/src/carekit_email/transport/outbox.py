"""Write mails as files, for another program to send or for a person to look at."""

from __future__ import annotations

import os
import re
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def write(folder: Path, name: str, raw: bytes) -> Path:
    """Write *raw* as `<name>.eml` into *folder*, which is made if need be; give the path.

    The file appears whole and durable or not at all. The same name replaces the file, so an attempt that is repeated
    leaves one. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_UNSAFE.sub('_', name).lstrip('.') or 'mail'}.eml"
    temporary = folder / f".{path.name}.part"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return path
