"""From a TOML table to an attrs class, with every fault of it at once, each at its key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

from carekit.ground.durations import parse_duration
from carekit.ground.suggest import did_you_mean
from carekit.seams.settings import Secret

Problem = tuple[tuple[str, ...], str]
"""The keys that lead to a fault, and what is wrong there."""


class Structurer:
    """Reads tables of one file; *folder* is where its relative paths begin, *environment* where secrets may lie."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = os.environ if environment is None else environment
        converter = self._converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
        for kind, words in ((str, "a text"), (int, "a whole number"), (bool, "true or false")):
            converter.register_structure_hook(kind, _strictly(kind, words))
        converter.register_structure_hook(float, _number)
        converter.register_structure_hook(timedelta, _duration)
        converter.register_structure_hook(Path, self._path)
        converter.register_structure_hook(Secret, self._secret)
        converter.register_structure_hook_func(_is_sequence, self._sequence)

    def read(self, cls: type, table: Any) -> tuple[Any, list[Problem]]:
        """An instance of *cls* from *table*, or None and what is wrong."""
        if not isinstance(table, dict):
            return None, [((), "must be a table")]
        try:
            return self._converter.structure(table, cls), []
        except Exception as error:  # noqa: BLE001 - cattrs gathers whatever the hooks raise into groups
            return None, list(_explain(error, (), cls))

    def _path(self, value: object, _: type) -> Path:
        if not isinstance(value, str) or not value:
            raise ValueError(f"must be a path, not {value!r}")
        return (self._folder / Path(value).expanduser()).resolve()

    def _secret(self, value: object, _: type) -> Secret:
        if isinstance(value, str):
            return Secret(value)
        if isinstance(value, Mapping) and len(value) == 1:
            ((source, name),) = value.items()
            if source == "env" and isinstance(name, str):
                if not (text := self._environment.get(name, "")):
                    raise ValueError(f"environment variable {name} is not set; set it before starting")
                return Secret(text)
            if source == "file" and isinstance(name, str):
                return self._secret_file(self._folder / name)
        raise ValueError('must be a text, { env = "NAME" } or { file = "path" }')

    def _secret_file(self, path: Path) -> Secret:
        try:
            text = path.read_text("utf-8").strip()
        except OSError as error:
            raise ValueError(f"file {path} cannot be read: {error.strerror}") from None
        if not text:
            raise ValueError(f"file {path} is empty; put the secret into it")
        return Secret(text)

    def _sequence(self, value: object, kind: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {value!r}")
        item = get_args(kind)[0]
        items = [self._converter.structure(entry, item) for entry in value]
        return tuple(items) if get_origin(kind) is tuple else items


def _is_sequence(kind: Any) -> bool:
    return get_origin(kind) in (tuple, list)


def _strictly(kind: type, words: str) -> Any:
    def read(value: object, _: type) -> object:
        if type(value) is not kind:
            raise ValueError(f"must be {words}, not {value!r}")
        return value

    return read


def _number(value: object, _: type) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"must be a number, not {value!r}")
    return float(value)  # type: ignore[arg-type]


def _duration(value: object, _: type) -> timedelta:
    if not isinstance(value, str):
        raise ValueError(f'must be a duration such as "30m", "4h" or "2d", not {value!r}')
    return parse_duration(value)


def _explain(error: BaseException, path: tuple[str, ...], cls: Any) -> Iterator[Problem]:
    if isinstance(error, ClassValidationError):
        noted, bare = error.group_exceptions()
        for inner, note in noted:
            yield from _explain(inner, (*path, note.name), note.type)
        for inner in bare:
            yield from _explain(inner, path, error.cl)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [field.name for field in attrs.fields(error.cl)]
        for key in sorted(error.extra_fields):
            yield (*path, key), f"is not a key here{did_you_mean(key, known) or _known(known)}"
    elif isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _explain(member, path, cls)
    elif isinstance(error, KeyError):
        yield path, "is missing"
    else:
        yield path, str(error) or type(error).__name__


def _known(known: list[str]) -> str:
    return f"; known keys: {', '.join(known)}" if known else "; it takes none"
