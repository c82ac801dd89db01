"""Variants of a configuration: one file with the common settings, and the changes of each.

A file may have a key ``variants``: by name, a mapping of the same keys as the file's own. A variant
is the rest of the file with these values in place of the file's; mappings are merged key by key,
other values replaced. Its ``name`` is the file's followed by _<variant>. Every argument that is a
configuration may be FILE:VARIANT, with a path or a name in ``networks``.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tritforge.config.schema import compose
from tritforge.errors import ConfigError

__all__ = ["KEY", "PACKAGED", "choose", "names", "shown", "split"]

KEY = "variants"

PACKAGED = Path(__file__).resolve().parent.parent / "networks"
"""Folder of the configurations in the package."""

_NAME = re.compile("[A-Za-z0-9_]+")


def split(path: Path) -> tuple[Path, str | None]:
    """Return the file of ``path`` and its variant, None for the file's own values.

    >>> split(Path("networks/mnist.yaml:twn"))
    (PosixPath('networks/mnist.yaml'), 'twn')
    """
    file, colon, variant = path.name.partition(":")
    return (path.with_name(file), variant) if colon and not path.is_file() else (path, None)


def shown(path: Path) -> str:
    """Return the form of ``path`` for a command line: by name where it is in the package."""
    file, variant = split(path)
    if file.parent != PACKAGED:
        return str(path)
    return file.stem if variant is None else f"{file.stem}:{variant}"


def names(path: Path) -> list[str]:
    """Return the names of the variants in the file ``path``, in its order.

    Raises
    ------
    ConfigError: the file is no YAML, or ``variants`` is no mapping of names to mappings.
    OSError: the file cannot be read.
    """
    return list(_variants(path, compose(path)))


def choose(path: Path, node: yaml.Node, variant: str | None) -> yaml.Node:
    """Return the document ``node`` of ``path`` with a variant applied, without ``variants``.

    Raises
    ------
    ConfigError: there is no such variant, or ``variants`` is no mapping of names to mappings.
    """
    found = _variants(path, node)
    if variant is not None and variant not in found:
        known = f"it has {', '.join(found)}" if found else "it has none"
        raise ConfigError(f"{path}: there is no variant {variant!r}; {known}")
    if not isinstance(node, yaml.MappingNode) or not found:
        return node
    plain = _mapping(node, [pair for pair in node.value if pair[0].value != KEY])
    return plain if variant is None else _named(_merged(plain, found[variant]), variant)


def _variants(path: Path, node: yaml.Node) -> dict[str, yaml.MappingNode]:
    """Return the variants of a document by name."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    found: dict[str, yaml.MappingNode] = {}
    for key, value in node.value:
        if key.value != KEY:
            continue
        if not isinstance(value, yaml.MappingNode) or not value.value:
            raise _error(path, value, f"{KEY} must be a mapping of names to what each changes")
        for name, change in value.value:
            if not (isinstance(name, yaml.ScalarNode) and _NAME.fullmatch(name.value)):
                raise _error(path, name, f"{KEY} must have names of letters, digits and _")
            where = f"{KEY}.{name.value}"
            if name.value in found:
                raise _error(path, name, f"{KEY} has the key {name.value!r} twice")
            if not isinstance(change, yaml.MappingNode):
                raise _error(path, change, f"{where} must be a mapping, not {change.value!r}")
            if any(inner.value in ("name", KEY) for inner, _ in change.value):
                raise _error(path, change, f"{where} must not have the keys name and {KEY}")
            found[name.value] = change
    return found


def _merged(base: yaml.MappingNode, change: yaml.MappingNode) -> yaml.MappingNode:
    """Return ``base`` with the values of ``change``; the reader refuses duplicate keys."""
    before = {key.value: value for key, value in base.value}
    changed = {key.value for key, _ in change.value}
    pairs = [pair for pair in base.value if pair[0].value not in changed]
    for key, value in change.value:
        old = before.get(key.value)
        if isinstance(old, yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            value = _merged(old, value)
        pairs.append((key, value))
    return _mapping(change, pairs)  # complaints about several keys at once name its line


def _named(node: yaml.MappingNode, variant: str) -> yaml.MappingNode:
    """Return ``node`` with the variant's name."""
    pairs = []
    for key, value in node.value:
        if key.value == "name" and isinstance(value, yaml.ScalarNode):
            text = f"{value.value}_{variant}"
            value = yaml.ScalarNode(value.tag, text, value.start_mark, value.end_mark, value.style)
        pairs.append((key, value))
    return _mapping(node, pairs)


def _mapping(like: yaml.MappingNode, pairs: list[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    return yaml.MappingNode(like.tag, pairs, like.start_mark, like.end_mark, like.flow_style)


def _error(path: Path, node: yaml.Node, text: str) -> ConfigError:
    return ConfigError(f"{path}:{node.start_mark.line + 1}: {text}")
