"""From a TOML table to an attrs class, with every fault of it at once, each at its key."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

from carekit.ground.durations import parse_duration
from carekit.ground.suggest import closest, did_you_mean
from carekit.seams.settings import Secret

MISSING = "is missing"
LONGEST = 60
"""Characters of a value that are repeated when it is refused."""


class Problem(NamedTuple):
    """The keys that lead to a fault, and what is wrong there."""

    keys: tuple[str, ...]
    message: str
    meant: str = ""
    """The key that was probably meant, where the last one is none."""


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

    def read(self, cls: type, table: Any, *, others: Collection[str] = ()) -> tuple[Any, list[Problem]]:
        """An instance of *cls* from *table*, and what is wrong with it; *others* are keys that somebody else reads.

        With faults it is a stand-in, to look for more of them: a key that is wrong has its default there, and one
        without a default has no value at all (reading it raises `AttributeError`). None if *table* is no table.
        """
        if not isinstance(table, dict):
            return None, [Problem((), "must be a table")]
        try:
            return self._converter.structure(table, cls), []
        except Exception as error:  # noqa: BLE001 - cattrs gathers whatever the hooks raise into groups
            problems = _without_consequences(_explain(error, (), cls, others))
        left = _without(table, [problem.keys for problem in problems])
        try:
            return self._converter.structure(left, cls), problems
        except Exception:  # noqa: BLE001 - likewise; what is wrong has been explained
            return self._stand_in(cls, left), problems

    def _stand_in(self, cls: type, table: Mapping[str, Any]) -> Any:
        """An instance of *cls* that its constructor would refuse to make."""
        made: Any = object.__new__(cls)
        for field in attrs.fields(cls):
            if field.name in table:
                try:
                    value = self._converter.structure(table[field.name], field.type)
                except Exception:  # noqa: BLE001 - likewise
                    inner = class_of(field.type)
                    if inner is None or not isinstance(table[field.name], dict):
                        continue
                    value = self._stand_in(inner, table[field.name])
            elif isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
                value = field.default.factory()
            elif field.default is attrs.NOTHING:
                continue
            else:
                value = field.default
            object.__setattr__(made, field.name, value)
        return made

    def _path(self, value: object, _: type) -> Path:
        if not isinstance(value, str) or not value:
            raise ValueError(f"must be a path, not {_shown(value)}")
        _check_nul(value)
        return (self._folder / Path(value).expanduser()).resolve()

    def _secret(self, value: object, _: type) -> Secret:
        if isinstance(value, str):
            _check_nul(value)
            return Secret(value)
        if isinstance(value, Mapping) and len(value) == 1:
            ((source, name),) = value.items()
            if source == "env" and isinstance(name, str) and name:
                return self._secret_variable(name)
            if source == "file" and isinstance(name, str) and name:
                return self._secret_file(self._folder / name)
        raise ValueError('must be a text, { env = "NAME" } or { file = "path" }')

    def _secret_variable(self, name: str) -> Secret:
        text = self._environment.get(name)
        if text is None:
            raise ValueError(f"environment variable {name} is not set; set it before starting")
        if not text:
            raise ValueError(f"environment variable {name} is empty; put the secret into it")
        return Secret(text)

    def _secret_file(self, path: Path) -> Secret:
        try:
            text = path.read_text("utf-8").strip()
        except FileNotFoundError:
            raise ValueError(f"there is no file {path}; put the secret into it") from None
        except OSError as error:
            raise ValueError(
                f"file {path} cannot be read: {error.strerror}; let the account that runs the service read it"
            ) from None
        except UnicodeDecodeError:
            raise ValueError(f"file {path} is not UTF-8 text; put the secret into it as text") from None
        if not text:
            raise ValueError(f"file {path} is empty; put the secret into it")
        return Secret(text)

    def _sequence(self, value: object, kind: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {_shown(value)}")
        item, items, errors = get_args(kind)[0], [], []
        for entry in value:
            try:
                items.append(self._converter.structure(entry, item))
            except Exception as error:  # noqa: BLE001 - likewise
                errors.append(error)
        if errors:
            raise ExceptionGroup("entries", errors)
        return tuple(items) if get_origin(kind) is tuple else items


def class_of(kind: Any) -> type | None:
    """The class of a key that is a table of known keys, or may be one; None for any other *kind* of key."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return next((one for one in kinds if isinstance(one, type) and attrs.has(one)), None)


def _is_sequence(kind: Any) -> bool:
    return get_origin(kind) in (tuple, list)


def _strictly(kind: type, words: str) -> Any:
    def read(value: object, _: type) -> object:
        if type(value) is not kind:
            raise ValueError(f"must be {words}, not {_shown(value)}")
        if isinstance(value, str):
            _check_nul(value)
        return value

    return read


def _check_nul(text: str) -> None:
    """Refuse what no path, database or server could be given; without showing it, as it may be a secret."""
    if "\0" in text:
        raise ValueError(r"holds the character NUL (\u0000), which ends a text elsewhere; take it out")


def _number(value: object, _: type) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"must be a number, not {_shown(value)}")
    return float(value)  # type: ignore[arg-type]


def _duration(value: object, _: type) -> timedelta:
    if not isinstance(value, str):
        raise ValueError(f'must be a duration such as "30m", "4h" or "2d", not {_shown(value)}')
    return parse_duration(value)


def _shown(value: object) -> str:
    """*value* as it stands in the file, if it is short enough to be recognized."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = value.isoformat() if isinstance(value, date | time) else repr(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _explain(error: BaseException, path: tuple[str, ...], cls: Any, others: Collection[str] = ()) -> Iterator[Problem]:
    if isinstance(error, ClassValidationError):
        noted, bare = error.group_exceptions()
        for inner, note in noted:
            yield from _explain(inner, (*path, note.name), note.type)
        for inner in bare:
            yield from _explain(inner, path, error.cl, others)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [field.name for field in attrs.fields(error.cl)]
        for key in sorted(error.extra_fields):
            meant = closest(key, {*known, *others})
            hint = did_you_mean(key, {*known, *others}) or _known(known)
            yield Problem((*path, key), f"is not a key here{hint}", meant or "")
    elif isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _explain(member, path, cls)
    elif isinstance(error, KeyError):
        yield Problem(path, MISSING)
    else:
        yield Problem(path, str(error) or type(error).__name__)


def _without_consequences(problems: Iterator[Problem]) -> list[Problem]:
    """All but the keys that are missing only because they are misspelt."""
    found = list(problems)
    meant = {(*problem.keys[:-1], problem.meant) for problem in found if problem.meant}
    return [problem for problem in found if problem.message != MISSING or problem.keys not in meant]


def _without(table: Mapping[str, Any], places: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """*table* without what is at *places*."""
    left = {}
    for key, value in table.items():
        inner = [place[1:] for place in places if place[:1] == (key,)]
        if () not in inner:
            left[key] = _without(value, inner) if inner and isinstance(value, dict) else value
    return left


def _known(known: list[str]) -> str:
    return f"; known keys: {', '.join(known)}" if known else "; it takes none"
