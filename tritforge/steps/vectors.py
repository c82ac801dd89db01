"""Test vectors: held-out images as hardware inputs, their labels, and torch's integers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy
import torch
from torch import Tensor, nn

from tritforge.errors import MissingStep, ProofFailed
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import INPUT, ArgMax, Network
from tritforge.export.lowering.lower import Lowered
from tritforge.files import write_atomic
from tritforge.quant.evaluate import integer_activations, predictions
from tritforge.sim import reference
from tritforge.types import IntArray

__all__ = ["Agreement", "Vectors", "collect", "compare", "demand_equal"]

Integers = npt.NDArray[np.integer]

INTEGERS_AT_A_TIME = 1 << 24
"""Elements of all tensors together per pass; each takes 8 bytes of memory until it is stored."""


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Labels and torch's integers.

    Parameters
    ----------
    labels: int64 [N].
    torch: integers of the float64 model by tensor of the network, each [N, H, W, C], in the
        smallest type of numpy that holds the tensor's; "input" among them.
    """

    labels: IntArray
    torch: dict[str, Integers]

    @property
    def images(self) -> Integers:
        """The input of the network [N, H, W, C]."""
        return self.torch[INPUT]

    def save(self, path: Path) -> None:
        """Write them to ``path``."""
        tensors = {
            "labels": self.labels,
            **{f"torch.{name}": array for name, array in self.torch.items()},
        }
        contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        write_atomic(
            path, safetensors.numpy.save(contiguous, {"order": json.dumps(list(self.torch))})
        )

    @classmethod
    def load(cls, path: Path) -> Vectors:
        """Read a file that ``save`` wrote.

        Raises
        ------
        MissingStep: it is damaged.
        """
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                order = json.loads((file.metadata() or {})["order"])
                return cls(
                    labels=file.get_tensor("labels"),
                    torch={name: file.get_tensor(f"torch.{name}") for name in order},
                )
        except (
            safetensors.SafetensorError,
            KeyError,
            TypeError,
            ValueError,
            RecursionError,
        ) as error:
            raise MissingStep(f"{path} is damaged: run `tritforge export` again") from error


def collect(model64: nn.Module, lowered: Lowered, images: Tensor, labels: Tensor) -> Vectors:
    """Return the tensors of ``model64``, the source of ``lowered``, on ``images`` [N, C, H, W].

    Raises
    ------
    ProofFailed: an integer is outside the type of its tensor.
    """
    network = lowered.network
    kinds = {name: _smallest(declared.dtype) for name, declared in network.types.items()}
    parts: dict[str, list[Integers]] = {}
    for some in torch.split(images, _images_at_a_time(network)):
        integers = integer_activations(model64, some)
        known = {tensor: integers[path] for tensor, path in lowered.sources.items()}
        if isinstance(network.nodes[-1], ArgMax):
            known[network.output] = predictions(model64, some).numpy()[:, None]
        for tensor, array in known.items():
            if not network.types[tensor].dtype.holds(array):
                raise ProofFailed(
                    f"{tensor}: torch has {array.min()}..{array.max()}, outside "
                    f"{network.types[tensor].dtype}"
                )
            parts.setdefault(tensor, []).append(_nhwc(array).astype(kinds[tensor]))
    return Vectors(
        labels=labels.numpy(),
        torch={tensor: np.concatenate(arrays) for tensor, arrays in parts.items()},
    )


def _images_at_a_time(network: Network) -> int:
    return max(1, INTEGERS_AT_A_TIME // sum(declared.size for declared in network.types.values()))


def _smallest(dtype: DataType) -> np.dtype[np.integer]:
    """The smallest type of numpy that holds ``dtype``."""
    return np.result_type(np.min_scalar_type(dtype.minimum), np.min_scalar_type(dtype.maximum))


def _nhwc(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return torch's [N, C, H, W] or [N, K] as [N, H, W, C]."""
    four = array[:, :, None, None] if array.ndim == 2 else array
    return np.ascontiguousarray(four.transpose(0, 2, 3, 1))


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How torch and the integer reference agree.

    Parameters
    ----------
    words: integers compared, by tensor.
    differences: how many of them differ.
    first: where the first one is, in words; None if there is none.
    classes: the class of each image by the reference, int64 [N]; None if the network's output is no
        class.
    """

    words: dict[str, int]
    differences: int
    first: str | None
    classes: IntArray | None


def compare(network: Network, vectors: Vectors) -> Agreement:
    """Run the reference on the images and compare every tensor that torch knows, and the class."""
    ends_in_class = isinstance(network.nodes[-1], ArgMax)
    keep = {*vectors.torch, network.output} if ends_in_class else set(vectors.torch)
    classes: list[IntArray] = []
    differences = 0
    firsts: dict[str, str] = {}
    at_a_time = _images_at_a_time(network)
    for start in range(0, len(vectors.images), at_a_time):
        some = slice(start, start + at_a_time)
        found = reference.run(network, vectors.images[some], keep)
        classes.append(
            found[network.output].reshape(-1) if ends_in_class else np.empty(0, dtype=np.int64)
        )
        for name, values in vectors.torch.items():
            count, first = _differences(name, start, values[some], found[name])
            differences += count
            if first is not None:
                firsts.setdefault(name, first)
    return Agreement(
        words={name: int(values.size) for name, values in vectors.torch.items()},
        differences=differences,
        first=next((firsts[name] for name in vectors.torch if name in firsts), None),
        classes=np.concatenate(classes) if ends_in_class else None,
    )


def _differences(name: str, start: int, said: Integers, found: IntArray) -> tuple[int, str | None]:
    """Return how many integers of the images from ``start`` on differ, and where the first does."""
    if found.shape != said.shape:
        raise ProofFailed(
            f"{name}: torch has the shape {said.shape[1:]} an image, the reference "
            f"{found.shape[1:]}"
        )
    wrong = np.argwhere(found != said)
    if not len(wrong):
        return 0, None
    image, y, x, channel = (int(index) for index in wrong[0])
    return len(wrong), (
        f"{name}: image {start + image}, y {y}, x {x}, channel {channel}: torch has "
        f"{said[image, y, x, channel]}, the reference {found[image, y, x, channel]}"
    )


def demand_equal(network: Network, vectors: Vectors) -> Agreement:
    """Return the agreement of ``compare``.

    Raises
    ------
    ProofFailed: the tensors differ.
    """
    agreement = compare(network, vectors)
    if agreement.first is not None:
        raise ProofFailed(
            f"torch and the integer reference differ in {agreement.differences} integers; "
            f"the first: {agreement.first}"
        )
    return agreement
