"""Test vectors: held-out images as the hardware takes them, their labels, and torch's integers for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from export.files import write_atomic
from export.ir import INPUT, ArgMax, IntArray, Network
from sim import reference
from tritforge.errors import MissingStep, ProofFailed

__all__ = ["Agreement", "Vectors", "compare", "demand_equal", "nhwc"]


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """What torch says.

    Parameters
    ----------
    labels: int64 [N].
    torch: integers of the float64 model by tensor of the network, each [N, H, W, C]; "input" among them.
    """

    labels: IntArray
    torch: dict[str, IntArray]

    @property
    def images(self) -> IntArray:
        """The input of the network [N, H, W, C]."""
        return self.torch[INPUT]

    def save(self, path: Path) -> None:
        """Write them to ``path``."""
        tensors = {"labels": self.labels, **{f"torch.{name}": array for name, array in self.torch.items()}}
        contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        write_atomic(path, safetensors.numpy.save(contiguous, {"order": json.dumps(list(self.torch))}))

    @classmethod
    def load(cls, path: Path) -> Vectors:
        """Read what ``save`` wrote; MissingStep if it is damaged."""
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                order = json.loads((file.metadata() or {})["order"])
                return cls(
                    labels=file.get_tensor("labels"),
                    torch={name: file.get_tensor(f"torch.{name}") for name in order},
                )
        except (safetensors.SafetensorError, KeyError, ValueError) as error:
            raise MissingStep(f"{path} is damaged: run `tritforge export` again") from error


def nhwc(array: npt.NDArray[Any]) -> IntArray:
    """Return torch's [N, C, H, W] or [N, K] as [N, H, W, C], int64."""
    four = array[:, :, None, None] if array.ndim == 2 else array
    return np.ascontiguousarray(four.transpose(0, 2, 3, 1)).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How torch and the integer reference agree.

    Parameters
    ----------
    words: integers compared, by tensor.
    differences: how many of them differ.
    first: where the first one is, in words; None if there is none.
    classes: the class of each image by the reference, int64 [N]; None if the network's output is no class.
    """

    words: dict[str, int]
    differences: int
    first: str | None
    classes: IntArray | None


def compare(network: Network, vectors: Vectors) -> Agreement:
    """Run the reference on the images and compare every tensor that torch knows, and the class."""
    found = reference.run(network, vectors.images)
    classes = found[network.output].reshape(-1) if isinstance(network.nodes[-1], ArgMax) else None
    differences, first = 0, None
    for name, values in vectors.torch.items():
        if found[name].shape != values.shape:
            raise ProofFailed(
                f"{name}: torch has the shape {values.shape}, the reference {found[name].shape}"
            )
        wrong = np.argwhere(found[name] != values)
        differences += len(wrong)
        if len(wrong) and first is None:
            image, y, x, channel = (int(index) for index in wrong[0])
            first = (
                f"{name}: image {image}, y {y}, x {x}, channel {channel}: torch has "
                f"{values[image, y, x, channel]}, the reference {found[name][image, y, x, channel]}"
            )
    return Agreement(
        words={name: int(values.size) for name, values in vectors.torch.items()},
        differences=differences,
        first=first,
        classes=classes,
    )


def demand_equal(network: Network, vectors: Vectors) -> Agreement:
    """Return ``compare``'s agreement; ProofFailed if it is none."""
    agreement = compare(network, vectors)
    if agreement.first is not None:
        raise ProofFailed(
            f"torch and the integer reference differ in {agreement.differences} integers; "
            f"the first: {agreement.first}"
        )
    return agreement
