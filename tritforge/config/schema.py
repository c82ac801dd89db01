"""YAML into frozen dataclasses; an error names the file, the line, the key and the rule."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
from dataclasses import MISSING, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from tritforge.errors import ConfigError

__all__ = ["Rule", "compose", "key", "read"]

T = TypeVar("T")

LARGEST_BYTES = 1 << 18
"""Largest size of a file; real ones have less than a hundredth of it."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
# YAML 1.1 takes 1e-3 for text
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a value must satisfy beyond its type; None and empty say nothing.

    Parameters
    ----------
    minimum: smallest value allowed.
    above: largest value no longer allowed.
    choices: every text allowed, or of an Enum the values of the members that are.
    pattern: a regular expression for a whole text, with its meaning in ``meaning``.
    """

    minimum: int | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    meaning: str = ""

    def allows(self, value: Any) -> bool:
        """Whether ``value``, of the right type, satisfies the rule."""
        if isinstance(value, Enum):
            return not self.choices or value.value in self.choices
        if isinstance(value, str):
            return (not self.choices or value in self.choices) and bool(
                not self.pattern or re.fullmatch(self.pattern, value)
            )
        return (self.minimum is None or value >= self.minimum) and (
            self.above is None or value > self.above
        )

    def __str__(self) -> str:
        if self.choices:
            return f" of {', '.join(self.choices)}"
        if self.minimum is not None:
            return f" of at least {self.minimum}"
        return (
            f" above {self.above:g}"
            if self.above is not None
            else self.meaning and f" ({self.meaning})"
        )


def key(default: Any = MISSING, **rule: Any) -> Any:
    """Return a dataclass field, required without a default; ``rule``: arguments of ``Rule``."""
    return field(default=default, metadata={"rule": Rule(**rule)})


def compose(path: Path) -> yaml.Node:
    """Return the YAML file ``path`` as the nodes of its one document.

    Raises
    ------
    ConfigError: the file is no YAML, empty or too large.
    OSError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise ConfigError(f"{path}: the file must have at most {LARGEST_BYTES} bytes")
        node = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{line}: not YAML: {error.problem}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not a configuration: nested too deeply") from None
    except (yaml.YAMLError, UnicodeDecodeError, OverflowError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if node is None:
        raise ConfigError(f"{path}: the file is empty")
    return node


def read(path: Path, kind: type[T], node: yaml.Node | None = None) -> T:
    """Return the YAML file ``path``, or a document made from it, as the dataclass ``kind``.

    ``compose`` makes the document.

    A field may be an int, a float, a bool, a str, an Enum (by value), tuple[X, ...], dict[str, X],
    another dataclass, or any of these or None. A dataclass with ``VARIANTS`` is replaced by one of
    these classes, by the value of its field ``VARIANT_KEY``.

    Raises
    ------
    ConfigError: the file is no YAML or does not fit ``kind``.
    OSError: the file cannot be read.
    """
    value: T = _Reader(path).value(compose(path) if node is None else node, kind, Rule(), "")
    return value


def _described(kind: Any) -> str:
    """Name a type as a message does."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(member.value) for member in kind)}"
    if get_origin(kind) is tuple:
        return f"a list, each element {_described(get_args(kind)[0])}"
    if get_origin(kind) is dict or dataclasses.is_dataclass(kind):
        return "a mapping"
    return {int: "an int", float: "a number", bool: "true or false", str: "a string"}[kind]


class _Reader:
    """Turn nodes into values; ``where`` is the dotted path of keys down to a node."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _error(self, node: yaml.Node, text: str) -> ConfigError:
        return ConfigError(f"{self._path}:{node.start_mark.line + 1}: {text}")

    def _wrong(self, node: yaml.Node, kind: Any, rule: Rule, where: str) -> ConfigError:
        collection = "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
        got = repr(node.value) if isinstance(node, yaml.ScalarNode) else collection
        wanted = "one" if rule.choices else _described(kind)
        close: list[str] = []
        if rule.choices and isinstance(node, yaml.ScalarNode):
            close = difflib.get_close_matches(
                node.value, [str(choice) for choice in rule.choices], n=1
            )
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return self._error(node, f"{where or 'the file'} must be {wanted}{rule}, not {got}{hint}")

    def value(self, node: yaml.Node, kind: Any, rule: Rule, where: str) -> Any:
        """Return ``node`` as the type ``kind``."""
        if get_origin(kind) in (Union, types.UnionType):
            if node.tag.endswith(":null"):
                return None
            kind = next(argument for argument in get_args(kind) if argument is not type(None))
        if dataclasses.is_dataclass(kind):
            return self._dataclass(node, kind, rule, where)
        if get_origin(kind) is dict:
            pairs = self._pairs(node, kind, rule, where)
            inner = get_args(kind)[1]
            return {
                name: self.value(child, inner, Rule(), f"{where}.{name}")
                for name, child in pairs.items()
            }
        if get_origin(kind) is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self._wrong(node, kind, Rule(), where)
            inner = get_args(kind)[0]
            return tuple(
                self.value(child, inner, rule, f"{where}[{i}]")
                for i, child in enumerate(node.value)
            )
        if not isinstance(node, yaml.ScalarNode):
            raise self._wrong(node, kind, rule, where)
        value = self._scalar(node, kind)
        if value is None or not rule.allows(value):
            raise self._wrong(node, kind, rule, where)
        return value

    def _scalar(self, node: yaml.ScalarNode, kind: Any) -> Any:
        """Return a scalar as ``kind``, None where it is something else."""
        tag, plain = node.tag.rpartition(":")[2], node.style is None
        if issubclass(kind, Enum):
            return next((member for member in kind if member.value == node.value), None)
        if kind is str:
            return node.value if tag == "str" else None
        if kind is bool:
            return {"true": True, "false": False}.get(node.value.lower()) if plain else None
        if kind is int:
            return int(node.value) if plain and _INTEGER.fullmatch(node.value) else None
        if plain and _NUMBER.fullmatch(node.value) and math.isfinite(float(node.value)):
            return float(node.value)
        return None

    def _pairs(self, node: yaml.Node, kind: Any, rule: Rule, where: str) -> dict[str, yaml.Node]:
        """Return the children of a mapping by key."""
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(node, kind, rule, where)
        pairs: dict[str, yaml.Node] = {}
        for name, child in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise self._error(name, f"{where or 'the file'} must have names as keys")
            if name.value in pairs:
                raise self._error(name, f"{where or 'the file'} has the key {name.value!r} twice")
            pairs[name.value] = child
        return pairs

    def _variant(self, pairs: dict[str, yaml.Node], kind: Any, where: str) -> Any:
        """Return the class for the value of the variant's key, or for its default."""
        name = kind.VARIANT_KEY
        if name not in pairs:
            return kind.VARIANTS[getattr(kind, name)]
        rule = Rule(choices=tuple(kind.VARIANTS))
        return kind.VARIANTS[self.value(pairs[name], str, rule, f"{where}.{name}".lstrip("."))]

    def _dataclass(self, node: yaml.Node, kind: Any, rule: Rule, where: str) -> Any:
        pairs = self._pairs(node, kind, rule, where)
        if hasattr(kind, "VARIANTS"):
            kind = self._variant(pairs, kind, where)
        fields = {item.name: item for item in dataclasses.fields(kind)}
        lines = {name.value: name for name, _ in node.value}
        for name in pairs:
            if name not in fields:
                place = f" in {where}" if where else ""
                close = difflib.get_close_matches(name, fields, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise self._error(
                    lines[name],
                    f"unknown key {name!r}{place}; allowed are {', '.join(fields)}{hint}",
                )
        hints = get_type_hints(kind)
        values = {
            name: self.value(
                child,
                hints[name],
                fields[name].metadata.get("rule", Rule()),
                f"{where}.{name}".lstrip("."),
            )
            for name, child in pairs.items()
        }
        for name, item in fields.items():
            if name not in pairs and item.default is MISSING and item.default_factory is MISSING:
                raise self._error(node, f"{where or 'the file'} lacks the key {name!r}")
        try:
            return kind(**values)
        except ValueError as error:  # what concerns several keys at once
            raise self._error(node, f"{where}: {error}".removeprefix(": ")) from None
