"""A network as two files: ``network.json`` to read, ``network.safetensors`` with its integers.

The JSON names every node with its parameters and the type of its output; weights, thresholds and biases are
tensors named ``<node>.<field>``. The JSON carries the SHA-256 of the tensors and of itself, so a damaged
file, or two files that do not belong together, are refused. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import typing
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy.typing as npt
import safetensors
import safetensors.numpy

from tritforge.errors import UserError
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Network, Node, TensorType
from tritforge.export.ir.registry import NODE_KINDS
from tritforge.files import write_atomic

__all__ = ["NETWORK_FILE", "TENSOR_FILE", "NetworkFileError", "load", "save"]

NETWORK_FILE = "network.json"
TENSOR_FILE = "network.safetensors"
FORMAT = "tritforge-network"
VERSION = 1

_ARRAYS = ("planes", "thresholds", "multiplier", "bias")
"""Fields of nodes that are arrays and therefore in the tensor file."""

Tensors = dict[str, npt.NDArray[Any]]


class NetworkFileError(UserError):
    """Files that do not hold a network; the message names the file."""


def save(network: Network, directory: str | os.PathLike[str]) -> None:
    """Write ``network`` into ``directory`` as ``network.json`` and ``network.safetensors``."""
    folder = Path(directory)
    tensors: Tensors = {}
    nodes = [_describe(node, network.types[node.name], tensors) for node in network.nodes]
    blob = safetensors.numpy.save(tensors)
    body = {
        "format": FORMAT,
        "version": VERSION,
        "name": network.name,
        "input": _type_fields(network.input),
        "nodes": nodes,
        "tensors": {"file": TENSOR_FILE, "sha256": hashlib.sha256(blob).hexdigest()},
    }
    text = json.dumps({**body, "sha256": _digest(body)}, indent=2)
    write_atomic(folder / TENSOR_FILE, blob)
    write_atomic(folder / NETWORK_FILE, text + "\n")


def load(directory: str | os.PathLike[str]) -> Network:
    """Read the network that ``save`` wrote into ``directory``.

    Raises
    ------
    NetworkFileError: a file is missing, damaged, of another format or of another network.
    """
    path = Path(directory) / NETWORK_FILE
    body = _read_json(path)
    blob = _read_bytes(path.with_name(TENSOR_FILE))
    try:
        expected = str(body["tensors"]["sha256"])
    except (KeyError, TypeError) as error:
        raise NetworkFileError(f"{path}: not a network: no SHA-256 of its tensors") from error
    _check_digest(path.with_name(TENSOR_FILE), expected, hashlib.sha256(blob).hexdigest())
    try:
        tensors = safetensors.numpy.load(blob)
        nodes = tuple(_build(entry, tensors) for entry in body["nodes"])
        network = Network(body["name"], _type(body["input"]), nodes)
        for entry in body["nodes"]:
            inferred = str(network.types[entry["name"]])
            if inferred != entry["type"]:
                raise ValueError(
                    f"node {entry['name']!r} is {inferred}, the file says {entry['type']}"
                )
    except (ArithmeticError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise NetworkFileError(f"{path}: not a network: {reason}") from error
    return network


def _describe(node: Node, output: TensorType, tensors: Tensors) -> dict[str, Any]:
    """Return the JSON of a node; add its arrays to ``tensors``."""
    entry: dict[str, Any] = {
        "name": node.name,
        "kind": node.kind,
        "input": node.input,
        "type": str(output),
    }
    for name in _parameters(type(node)):
        value = getattr(node, name)
        if name in _ARRAYS:
            tensors[f"{node.name}.{name}"] = value
            entry[name] = list(value.shape)  # for the reader: the values are in the other file
        elif isinstance(value, DataType):
            entry[name] = str(value)
        elif isinstance(value, int):
            entry[name] = value
        else:
            entry[name] = list(value) if isinstance(value, tuple) else value
    return entry


def _build(entry: dict[str, Any], tensors: Tensors) -> Node:
    """Undo ``_describe``."""
    if entry["kind"] not in NODE_KINDS:
        raise ValueError(
            f"node {entry['name']!r} has kind {entry['kind']!r}; known: {', '.join(NODE_KINDS)}"
        )
    kind = NODE_KINDS[entry["kind"]]
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for name in _parameters(kind):
        if name in _ARRAYS:
            if f"{entry['name']}.{name}" not in tensors:
                raise ValueError(f"node {entry['name']!r} has no tensor {name!r}")
            values[name] = tensors[f"{entry['name']}.{name}"]
        else:
            values[name] = _value(entry[name], hints[name], f"{entry['name']}.{name}")
    return kind(name=entry["name"], input=entry["input"], **values)


def _value(value: Any, kind: Any, where: str) -> Any:
    """Return a value of JSON as ``kind``: a DataType, an int, a str or a tuple of ints."""
    if kind is DataType:
        return DataType.parse(value)
    if kind in (int, str):
        if type(value) is not kind:
            raise TypeError(
                f"{where} must be {'an int' if kind is int else 'a str'}, not {value!r}"
            )
        return value
    return _integers(value, kind, where)


def _integers(value: Any, kind: Any, where: str) -> tuple[int, ...]:
    """Return a list of JSON as the tuple of ints that ``kind`` asks for."""
    members = typing.get_args(
        typing.get_args(kind)[0] if type(None) in typing.get_args(kind) else kind
    )
    several = Ellipsis in members
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    if not whole or (not several and len(value) != len(members)):
        count = "" if several else f"{len(members)} "
        raise TypeError(f"{where} must be a list of {count}integers, not {value!r}")
    return tuple(value)


def _parameters(kind: type[Node]) -> list[str]:
    """Names of the fields that a kind of node has beside those of every node."""
    return [field.name for field in fields(kind) if field.name not in ("name", "input")]


def _type_fields(tensor: TensorType) -> dict[str, Any]:
    return {
        "height": tensor.height,
        "width": tensor.width,
        "channels": tensor.channels,
        "dtype": str(tensor.dtype),
    }


def _type(entry: dict[str, Any]) -> TensorType:
    return TensorType(
        entry["height"], entry["width"], entry["channels"], DataType.parse(entry["dtype"])
    )


def _read_json(path: Path) -> dict[str, Any]:
    """Return the content of ``network.json`` after its own digest is checked."""
    text = _read_bytes(path)
    try:
        body = json.loads(text)
        found = (body["format"], body["version"])
        expected, body_digest = body.pop("sha256"), _digest(body)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NetworkFileError(
            f"{path}: damaged, or not a network; export the network again"
        ) from error
    if found != (FORMAT, VERSION):
        raise NetworkFileError(
            f"{path}: must be {FORMAT} version {VERSION}, not {found[0]} version {found[1]}"
        )
    _check_digest(path, expected, body_digest)
    assert isinstance(body, dict)
    return body


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NetworkFileError(f"{path}: missing; export the network first") from error


def _check_digest(path: Path, expected: str, found: str) -> None:
    if expected != found:
        raise NetworkFileError(
            f"{path}: its SHA-256 must be {expected}, not {found}; "
            "the file is damaged or of another network, export the network again"
        )


def _digest(body: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON, which does not depend on layout or on the order of keys."""
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
