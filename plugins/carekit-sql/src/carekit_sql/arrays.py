"""Columns of values as PostgreSQL's arrays, in the binary form in which it sends them, and texts that may hold NUL.

psycopg's own lists look twice at every value to find out what it is, and make another statement of it whenever the
largest number of a list has grown a byte. Here a statement takes hundreds of values, of types that the tables name.

The form is that of ``array_send`` in PostgreSQL's ``arrayfuncs.c``: dimensions, a flag for NULL, the type of the
elements; the length and lower bound of each dimension; then each element after its length, where -1 stands for NULL.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.string import StrBinaryDumper, StrDumper, TextBinaryLoader, TextLoader

_HEAD = struct.Struct("!5i")
_LENGTH = struct.Struct("!i")
_EMPTY = struct.Struct("!3i")
_NULL = _LENGTH.pack(-1)


class Array:
    """A column ready to be sent."""

    __slots__ = ("data",)
    element = 0
    """The number of the elements' type in ``pg_type``, as below that of their arrays."""
    oid = 0

    def __init__(self, values: Sequence[Any]) -> None:
        none = None in values
        if not values:
            self.data = _EMPTY.pack(0, 0, self.element)
        else:
            body = self._sparse(values) if none else self._dense(values)
            self.data = _HEAD.pack(1, none, self.element, len(values), 1) + body

    def _sparse(self, values: Sequence[Any]) -> bytes:
        return b"".join([_NULL if value is None else self._dense((value,)) for value in values])

    @staticmethod
    def _dense(values: Sequence[Any]) -> bytes:
        raise NotImplementedError


class Bytes(Array):
    """An array of ``bytea``."""

    element, oid = 17, 1001

    @staticmethod
    def _dense(values: Sequence[bytes]) -> bytes:
        pack = _LENGTH.pack
        return b"".join([part for value in values for part in (pack(len(value)), value)])


class Texts(Array):
    """An array of ``text``."""

    element, oid = 25, 1009

    @staticmethod
    def _dense(values: Sequence[str]) -> bytes:
        whole = "".join(values)
        if "\x00" in whole or _MARK in whole:
            values = [escape(value) for value in values]
        return Bytes._dense([value.encode() for value in values])


class Numbers(Array):
    """An array of ``bigint``."""

    element, oid = 20, 1016

    @staticmethod
    def _dense(values: Sequence[int]) -> bytes:
        return _interleaved("iq", 8, values)


class SmallNumbers(Array):
    """An array of ``integer``."""

    element, oid = 23, 1007

    @staticmethod
    def _dense(values: Sequence[int]) -> bytes:
        return _interleaved("ii", 4, values)


def _interleaved(form: str, size: int, values: Sequence[int]) -> bytes:
    flat = [size] * (2 * len(values))
    flat[1::2] = values
    return struct.pack("!" + form * len(values), *flat)


KINDS: dict[str, type[Array]] = {"TEXT": Texts, "BYTEA": Bytes, "BIGINT": Numbers, "INTEGER": SmallNumbers}
"""The array of each type that our tables have."""
_BY_VALUE: dict[type, type[Array]] = {str: Texts, bytes: Bytes, int: Numbers}


def array_of(values: Sequence[Any]) -> Array:
    """Any *values*, at least one, none of them None."""
    return _BY_VALUE[type(values[0])](values)


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Teach *connection* these arrays, and texts with NUL."""
    adapters = connection.adapters
    for kind in KINDS.values():
        adapters.register_dumper(kind, _dumper(kind))
    adapters.register_dumper(str, _TextDumper)
    adapters.register_dumper(str, _BinaryTextDumper)
    adapters.register_loader("text", _TextLoader)
    adapters.register_loader("text", _BinaryTextLoader)


def _dumper(kind: type[Array]) -> type[Dumper]:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = kind.oid

        def dump(self, obj: Array) -> bytes:
            return obj.data

    return ArrayDumper


# PostgreSQL cannot keep the character NUL in a text, but people can send it. Nothing is lost if it is written as two
# code points that are no characters, and the first of these doubled where it comes by itself.
_MARK, _NUL = "\ufdd0", "\ufdd1"
_MARKED = re.compile(f"{_MARK}(.)", re.DOTALL)


def escape(text: str) -> str:
    """*text* as it is sent, without NUL."""
    if "\x00" in text or _MARK in text:
        return text.replace(_MARK, _MARK + _MARK).replace("\x00", _MARK + _NUL)
    return text


def unescape(text: str) -> str:
    """A text as it was before `escape`."""
    return _MARKED.sub(lambda found: "\x00" if found[1] == _NUL else found[1], text) if _MARK in text else text


class _TextDumper(StrDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(escape(obj))


class _BinaryTextDumper(StrBinaryDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(escape(obj))


class _TextLoader(TextLoader):
    def load(self, data: Any) -> Any:
        return unescape(str(data, "utf-8"))


class _BinaryTextLoader(TextBinaryLoader):
    def load(self, data: Any) -> Any:
        return unescape(str(data, "utf-8"))
