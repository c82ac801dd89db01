"""Records: frozen dataclasses stored as JSON files, and read back completely or refused.

A file starts with the name and the version of its format. A file that is damaged, of another format
or version, or that has a key too few, too many or twice, is refused: no record is ever half read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from tritforge.errors import UserError
from tritforge.files import write_atomic

__all__ = ["Format", "convert"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Format(Generic[T]):
    """The JSON form of a record.

    Parameters
    ----------
    kind: dataclass of the record. Its annotations say what each key must hold.
    name, version: first two keys of the file. A change of ``kind`` needs a new version.
    error: what a file that is refused raises.
    again: advice that ends each message, "run synthesis again".
    derived: properties of ``kind`` that the file has for other readers; ignored when it is read.
    """

    kind: type[T]
    name: str
    version: int
    error: type[UserError]
    again: str
    derived: Sequence[str] = ()

    def body(self, record: T) -> dict[str, Any]:
        """Return ``record`` as JSON values, the keys in the order of the file."""
        return {
            "format": self.name,
            "version": self.version,
            **{name: msgspec.to_builtins(getattr(record, name)) for name in self.derived},
            **msgspec.to_builtins(record),
        }

    def encode(self, record: T) -> str:
        """Return the text of the file; ValueError for a number that JSON does not have."""
        return json.dumps(self.body(record), indent=2, allow_nan=False) + "\n"

    def write(self, path: str | os.PathLike[str], record: T) -> None:
        """Write ``record`` to ``path``, which is never half written."""
        write_atomic(path, self.encode(record))

    def decode(self, content: bytes | str, file: str | os.PathLike[str]) -> T:
        """Return the record from which ``encode`` made ``content``.

        Raises
        ------
        error: ``content`` is something else; the message names ``file``, the key and what to do.
        """
        try:
            body = _parse(content)
            found = (body.pop("format", None), body.pop("version", None))
            if found != (self.name, self.version):
                raise ValueError(
                    f"must be {self.name} version {self.version}, not {found[0]} version {found[1]}"
                )
            for name in self.derived:
                body.pop(name, None)
            record = convert(body, self.kind)
            _refuse_unread(body, msgspec.to_builtins(record), "")
        except (ValueError, RecursionError) as error:
            raise self.error(f"{file}: {error}; {self.again}") from None
        return record

    def read(self, path: str | os.PathLike[str]) -> T:
        """Return the record in the file ``path``.

        Raises
        ------
        FileNotFoundError: there is no such file.
        error: it holds something else; the message names the file, the key and what to do.
        """
        return self.decode(Path(path).read_bytes(), path)


def convert(value: Any, kind: type[T]) -> T:
    """Return JSON values as ``kind``, a dataclass or an annotation.

    Raises
    ------
    ValueError: the values do not fit; the message names key and fault.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def _parse(content: bytes | str) -> dict[str, Any]:
    try:
        body = json.loads(content, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("is not JSON: brackets nest too deeply") from None
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ValueError("must be a JSON object")
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("a key appears twice in an object")
    return body


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _refuse_unread(given: Any, read: Any, where: str) -> None:
    """Refuse a key of ``given`` that the record does not have, where msgspec skips it."""
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in read:
                raise ValueError(f"unknown key {where + key!r}; known: {', '.join(read)}")
            _refuse_unread(value, read[key], f"{where}{key}.")
    elif isinstance(given, list):
        for index, pair in enumerate(zip(given, read, strict=True)):
            _refuse_unread(*pair, f"{where.removesuffix('.')}[{index}].")
