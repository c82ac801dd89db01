"""Checkpoints without pickles: model.safetensors for tensors, model.json for the rest."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from tritforge.errors import UserError
from tritforge.files import write_atomic
from tritforge.record import Format

__all__ = ["CheckpointError", "load", "restore", "save", "versions"]

_TENSORS = "model.safetensors"
_PENDING = "model.safetensors.pending"
_DESCRIPTION = "model.json"


class CheckpointError(UserError):
    """A checkpoint that is missing, damaged or of another network; names the file or tensor."""


def versions() -> dict[str, str]:
    """Return the versions of what the result of a training depends on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a subclass of str
        "numpy": np.__version__,
    }


@dataclass(frozen=True)
class _Tensors:
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class _Description:
    """``model.json``."""

    tensors: _Tensors
    versions: dict[str, str] = field(default_factory=versions)
    meta: dict[str, Any]


FORMAT = Format(
    kind=_Description,
    name="tritforge-checkpoint",
    version=1,
    error=CheckpointError,
    again="train again",
)


def save(directory: Path | str, model: nn.Module, meta: Mapping[str, Any]) -> None:
    """Write the state of ``model`` and ``meta`` to ``directory``.

    A kill at any moment leaves either the old checkpoint or the new one: the tensors are written
    under a pending name, model.json with their digest replaces the old one, and only then the
    tensors do. ``load`` completes a step that a kill has cut off.

    Parameters
    ----------
    directory: made when missing.
    meta: what JSON can hold: configuration, seeds, metrics.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    state = {
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in model.state_dict().items()
    }
    data = safetensors.torch.save(state)
    description = _Description(
        tensors=_Tensors(_TENSORS, hashlib.sha256(data).hexdigest()), meta=dict(meta)
    )
    text = FORMAT.encode(description)  # refuses what JSON cannot hold, before anything is written
    write_atomic(directory / _PENDING, data)
    write_atomic(directory / _DESCRIPTION, text)
    os.replace(directory / _PENDING, directory / _TENSORS)


def load(directory: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors by name and the ``meta`` that ``save`` was given.

    Raises
    ------
    CheckpointError: a file is missing, truncated, of another format or not what model.json was
        written for.
    """
    directory = Path(directory)
    path = directory / _DESCRIPTION
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: there is no checkpoint, train first")
    description = FORMAT.read(path)
    expected = description.tensors.sha256
    found = "none"
    for name in (_TENSORS, _PENDING):
        if (directory / name).is_file():
            data = (directory / name).read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest == expected:
                try:
                    return safetensors.torch.load(data), description.meta
                except SafetensorError as error:
                    raise CheckpointError(
                        f"{directory / name} holds no tensors: {error}"
                    ) from error
            found = digest if name == _TENSORS else found
    path = directory / _TENSORS
    if found == "none":
        raise CheckpointError(f"{path} is missing: train again")
    raise CheckpointError(
        f"{path} is damaged: its SHA-256 is {found}, {_DESCRIPTION} expects {expected}; train again"
    )


def restore(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy the tensors of ``state`` into ``model``, bit for bit.

    Raises
    ------
    CheckpointError: the state is of another network; the message names the first tensor that is
        missing, of another shape or type, or not expected. The model is then left as it was.
    """
    own = model.state_dict()
    advice = "the checkpoint is of another network"
    for name, tensor in own.items():
        if name not in state:
            raise CheckpointError(f"tensor {name!r} is missing: {advice}")
        for what, has, needs in (
            ("shape", list(state[name].shape), list(tensor.shape)),
            ("type", state[name].dtype, tensor.dtype),
        ):
            if has != needs:
                raise CheckpointError(
                    f"tensor {name!r} has {what} {has}, the network needs {needs}: {advice}"
                )
    for name in state:
        if name not in own:
            raise CheckpointError(f"tensor {name!r} is not expected: {advice}")
    model.load_state_dict(dict(state))
