"""A TOML file as tables, or one sentence that says why it is none."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from carekit.ground.errors import ConfigError

LARGEST = 4_000_000
"""Bytes of the largest file that is read: whatever is larger was not written by hand."""


def read_toml(path: Path, *, absent: str = "`carekit init` writes a working one") -> dict[str, Any]:
    """The tables of the file at *path*; raises `ConfigError`, with *absent* as the remedy where there is none."""
    try:
        return tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; {absent}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; name the file in it") from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}; give this account the right to, or name another file"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is not valid TOML: tables in tables without end; take some out") from None
    except ValueError as error:  # a number of thousands of digits
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ConfigError(f"{path}: has more than {LARGEST:,} bytes, so it is hardly a file of settings; name another")
    return content
