"""The state of an unfinished training: one safetensors file, with its description in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from tritforge.errors import UserError
from tritforge.files import write_atomic
from tritforge.quant.checkpoint import CheckpointError, restore, versions
from tritforge.quant.data.dataset import Dataset
from tritforge.record import Format

__all__ = ["EpochRecord", "ResumeError", "ResumeState", "fingerprint"]

_FILE = "resume.safetensors"


class ResumeError(UserError):
    """A resume state that is damaged or of another run; names the file and the difference."""


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """Results of one epoch: its number from 1, mean loss and training accuracy.

    ``validation_accuracy`` is the share of right answers afterwards on images held apart; None
    without any.
    """

    epoch: int
    loss: float
    train_accuracy: float
    validation_accuracy: float | None = None


@dataclass(frozen=True)
class _Description:
    run: dict[str, Any]
    history: tuple[EpochRecord, ...]


FORMAT = Format(
    kind=_Description,
    name="tritforge-resume",
    version=2,
    error=ResumeError,
    again="delete it or restart without resuming",
)


def fingerprint(model: nn.Module, dataset: Dataset, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two runs must have in common for one to continue the other.

    The structure of the model, its starting weights, the images of both parts, the configuration
    and the versions: all that the final weights depend on.
    """
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    return {
        **config,
        "model": hashlib.sha256(str(model).encode()).hexdigest(),
        "starting weights": _digest(model.state_dict()),
        "dataset": _digest({part: getattr(dataset, part) for part in parts}),
        "versions of Python, torch and numpy": versions(),
    }


class ResumeState:
    """Save and restore an unfinished training.

    Parameters
    ----------
    directory: folder of resume.safetensors.
    run: the run's ``fingerprint``.
    """

    def __init__(self, directory: Path, run: Mapping[str, Any]) -> None:
        self.directory = directory
        self.path = directory / _FILE
        self._run = json.loads(json.dumps(dict(run)))  # as it comes back: a tuple is a list there

    def tensors(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, best: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return copies of the weights, the optimizer's moments and the best weights so far."""
        found = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        found.update({f"best.{name}": tensor for name, tensor in best.items()})
        for index, state in optimizer.state_dict()["state"].items():
            for name, tensor in state.items():
                if tensor is not None:
                    found[f"optimizer.{index}.{name}"] = tensor
        return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in found.items()}

    def write(self, copies: dict[str, Tensor], history: list[EpochRecord]) -> None:
        """Write what ``tensors`` returned, and the epochs so far, atomically."""
        description = FORMAT.encode(_Description(self._run, tuple(history)))
        metadata = {"description": description, "sha256": _digest(copies)}
        write_atomic(self.path, safetensors.torch.save(copies, metadata))

    def restore(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[list[EpochRecord], dict[str, Tensor]]:
        """Load the saved state into ``model`` and ``optimizer``; return epochs and best weights.

        Without a saved state nothing changes and both are empty.

        Raises
        ------
        ResumeError: the file is damaged or of another run.
        """
        if not self.path.is_file():
            return [], {}
        tensors, description = self._read()
        for name, value in self._run.items():
            if description.run.get(name) != value:
                raise ResumeError(
                    f"{self.path} is of an unfinished run that differs in {name}: "
                    "finish that run as it was started, or restart without resuming"
                )
        weights, best = (
            {name.removeprefix(kind): t for name, t in tensors.items() if name.startswith(kind)}
            for kind in ("model.", "best.")
        )
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, field = name.split(".")
                moments.setdefault(int(index), {})[field] = tensor
        try:
            restore(model, weights)
        except CheckpointError as error:
            raise self._damaged(str(error)) from error
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return list(description.history), best

    def remove(self) -> None:
        """Delete the file: the run is finished."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[dict[str, Tensor], _Description]:
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            text = metadata["description"]
        except (safetensors.SafetensorError, KeyError) as error:
            raise self._damaged(f"{type(error).__name__} {error}") from error
        description = FORMAT.decode(text, self.path)
        if metadata.get("sha256") != _digest(tensors):
            raise self._damaged("its SHA-256 does not match")
        return tensors, description

    def _damaged(self, reason: str) -> ResumeError:
        return ResumeError(
            f"{self.path} is damaged ({reason}): delete it or restart without resuming"
        )


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the names, types, shapes and values of tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
