"""A network as two files: ``network.json`` to read, ``network.safetensors`` with its integers.

The JSON names every node with its parameters and the type of its output; weights, thresholds and
biases are tensors named ``<node>.<field>``. The JSON carries the SHA-256 of the tensors and of
itself, so a damaged file, or two files that do not belong together, are refused. Nothing is
unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import typing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from tritforge.errors import UserError
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Network, Node, TensorType
from tritforge.export.ir.registry import NODE_KINDS
from tritforge.files import write_atomic
from tritforge.record import Format, convert

__all__ = ["NETWORK_FILE", "TENSOR_FILE", "NetworkFileError", "load", "save"]

NETWORK_FILE = "network.json"
TENSOR_FILE = "network.safetensors"

Tensors = dict[str, npt.NDArray[Any]]


class NetworkFileError(UserError):
    """Files that do not hold a network; the message names the file."""


@dataclass(frozen=True)
class _Input:
    height: int
    width: int
    channels: int
    dtype: str


@dataclass(frozen=True)
class _Tensors:
    file: str
    sha256: str


@dataclass(frozen=True)
class _Description:
    """``network.json``; ``sha256`` is of all the rest."""

    name: str
    input: _Input
    nodes: tuple[dict[str, Any], ...]
    tensors: _Tensors
    sha256: str = ""


FORMAT = Format(
    kind=_Description,
    name="tritforge-network",
    version=1,
    error=NetworkFileError,
    again="export the network again",
)


def save(network: Network, directory: str | os.PathLike[str]) -> None:
    """Write ``network`` into ``directory`` as ``network.json`` and ``network.safetensors``."""
    folder = Path(directory)
    tensors: Tensors = {}
    nodes = tuple(_describe(node, network.types[node.name], tensors) for node in network.nodes)
    blob = safetensors.numpy.save(tensors)
    size = network.input
    description = _Description(
        network.name,
        _Input(size.height, size.width, size.channels, str(size.dtype)),
        nodes,
        _Tensors(TENSOR_FILE, hashlib.sha256(blob).hexdigest()),
    )
    write_atomic(folder / TENSOR_FILE, blob)
    sealed = replace(description, sha256=_digest(FORMAT.body(description)))
    FORMAT.write(folder / NETWORK_FILE, sealed)


def load(directory: str | os.PathLike[str]) -> Network:
    """Read the network that ``save`` wrote into ``directory``.

    Raises
    ------
    NetworkFileError: a file is missing, damaged, of another format or of another network.
    """
    path = Path(directory) / NETWORK_FILE
    found = FORMAT.decode(_read_bytes(path), path)
    _check_digest(path, found.sha256, _digest(FORMAT.body(found)))
    blob = _read_bytes(path.with_name(TENSOR_FILE))
    expected = found.tensors.sha256
    _check_digest(path.with_name(TENSOR_FILE), expected, hashlib.sha256(blob).hexdigest())
    try:
        tensors = safetensors.numpy.load(blob)
        size = found.input
        source = TensorType(size.height, size.width, size.channels, DataType.parse(size.dtype))
        nodes = tuple(_build(entry, tensors) for entry in found.nodes)
        network = Network(found.name, source, nodes)
        for entry in found.nodes:
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
    for name, kind in _parameters(type(node)).items():
        value = getattr(node, name)
        if _is_array(kind):
            tensors[f"{node.name}.{name}"] = value
            entry[name] = list(value.shape)  # for the reader: the values are in the other file
        else:
            entry[name] = str(value) if isinstance(value, DataType) else value
    return entry


def _build(entry: dict[str, Any], tensors: Tensors) -> Node:
    """Undo ``_describe``."""
    if entry["kind"] not in NODE_KINDS:
        raise ValueError(
            f"node {entry['name']!r} has kind {entry['kind']!r}; known: {', '.join(NODE_KINDS)}"
        )
    kind = NODE_KINDS[entry["kind"]]
    values: dict[str, Any] = {}
    for name, hint in _parameters(kind).items():
        if _is_array(hint):
            if f"{entry['name']}.{name}" not in tensors:
                raise ValueError(f"node {entry['name']!r} has no tensor {name!r}")
            values[name] = tensors[f"{entry['name']}.{name}"]
        else:
            values[name] = _value(entry[name], hint, f"{entry['name']}.{name}")
    return kind(name=entry["name"], input=entry["input"], **values)


def _value(value: Any, kind: Any, where: str) -> Any:
    """Return a value of JSON as ``kind``."""
    try:
        return DataType.parse(value) if kind is DataType else convert(value, kind)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _parameters(kind: type[Node]) -> dict[str, Any]:
    """Names and types of the fields that a kind of node has beside those of every node."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name not in ("name", "input")]
    return {name: hints[name] for name in names}


def _is_array(hint: Any) -> bool:
    """Whether a field of this type is an array and therefore in the tensor file."""
    return typing.get_origin(hint) is np.ndarray


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
    """SHA-256 of the canonical JSON without its digest; layout and order of keys do not count."""
    body = {name: value for name, value in body.items() if name != "sha256"}
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
