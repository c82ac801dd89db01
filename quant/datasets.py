"""Datasets by name: images in [0, 1], labels, and a held-out part that no choice may depend on."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["DATASETS", "IN_FILES", "Dataset", "DatasetError", "load"]

FOLD_SEED = 2019
"""Seed of the split into folds. Fixed: a held-out fold must mean the same images in every run."""


class DatasetError(ValueError):
    """A dataset that is unknown, missing or damaged; the message names the file or the parameter."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels.

    Parameters
    ----------
    train_images: float32 [N, C, H, W], values 0..1.
    train_labels: int64 [N], values 0..classes-1.
    test_images, test_labels: the held-out part, of the same types; for the final figure only.
    classes: number of classes.
    description: one line that says where the images come from and how they are split.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: int
    description: str


def load(name: str, folds: int | None = None, fold: int = 0, root: Path | str | None = None) -> Dataset:
    """Return the dataset ``name``.

    Parameters
    ----------
    name: a key of ``DATASETS``: "digits" (embedded in scikit-learn) or "mnist" (files in ``root``).
    folds: number of folds of a dataset without a test set of its own; None takes 5.
    fold: which of them is held out, 0..folds-1.
    root: folder of a dataset that is read from files.

    Raises
    ------
    DatasetError: no such dataset or fold, or files that are missing or damaged.

    >>> load("digits").description
    "scikit-learn's load_digits (8x8 pixels / 16), fold 0 of 5 held out"
    """
    if name not in DATASETS:
        raise DatasetError(f"dataset must be one of {', '.join(sorted(DATASETS))}, not {name!r}")
    return DATASETS[name](folds, fold, None if root is None else Path(root))


def stratified_folds(labels: npt.NDArray[np.int64], folds: int) -> npt.NDArray[np.int64]:
    """Return the fold 0..folds-1 of each label; sizes differ by at most one, in total and per class."""
    # RandomState, because numpy guarantees its stream for all time; a Generator's may change.
    random = np.random.RandomState(FOLD_SEED)
    order = random.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    assignment = np.empty(len(labels), dtype=np.int64)
    assignment[by_class] = np.arange(len(labels)) % folds
    return assignment


def _digits(folds: int | None, fold: int, root: Path | None) -> Dataset:
    """1,797 handwritten digits of 8x8 pixels, 0..16 (E. Alpaydin, C. Kaynak, UCI 1998), from scikit-learn."""
    from sklearn.datasets import load_digits  # here, because its import takes a second

    if root is not None:
        raise DatasetError(
            f"dataset 'digits' is embedded in scikit-learn and takes no root, not {str(root)!r}"
        )
    folds = 5 if folds is None else folds
    pixels, labels = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels.reshape(-1, 1, 8, 8).astype(np.float32) / 16)  # [N, 1, 8, 8]
    labels = labels.astype(np.int64)
    smallest = int(np.bincount(labels).min())
    if not 2 <= folds <= smallest:
        raise DatasetError(f"folds must be in 2..{smallest} for 'digits', not {folds!r}")
    if not 0 <= fold < folds:
        raise DatasetError(f"fold must be in 0..{folds - 1}, not {fold!r}")
    held_out = torch.from_numpy(stratified_folds(labels, folds) == fold)
    targets = torch.from_numpy(labels)
    return Dataset(
        train_images=images[~held_out],
        train_labels=targets[~held_out],
        test_images=images[held_out],
        test_labels=targets[held_out],
        classes=10,
        description=f"scikit-learn's load_digits (8x8 pixels / 16), fold {fold} of {folds} held out",
    )


def _mnist(folds: int | None, fold: int, root: Path | None) -> Dataset:
    """70,000 handwritten digits of 28x28 pixels, 0..255, from four IDX files; 10,000 are held out."""
    if folds is not None or fold != 0:
        raise DatasetError(
            f"dataset 'mnist' has a test set of its own: leave out folds and fold, not {folds}, {fold}"
        )
    if root is None:
        raise DatasetError("dataset 'mnist' needs root: the folder of its four IDX files")
    if not root.is_dir():
        raise DatasetError(f"dataset 'mnist': {root} is not a folder")
    images, labels = {}, {}
    for part in ("train", "t10k"):
        pixels = _read_idx(root, f"{part}-images-idx3-ubyte", axes=3)
        images[part] = torch.from_numpy(pixels).unsqueeze(1).to(torch.float32) / 255  # [N, 1, H, W]
        labels[part] = torch.from_numpy(_read_idx(root, f"{part}-labels-idx1-ubyte", axes=1)).to(torch.int64)
        if len(images[part]) != len(labels[part]):
            counts = f"{len(images[part])} images but {len(labels[part])} labels"
            raise DatasetError(f"dataset 'mnist': {root} holds {counts} in {part!r}")
        if int(labels[part].max()) > 9:
            raise DatasetError(
                f"dataset 'mnist': {root} holds the label {int(labels[part].max())} in {part!r}"
            )
    return Dataset(
        train_images=images["train"],
        train_labels=labels["train"],
        test_images=images["t10k"],
        test_labels=labels["t10k"],
        classes=10,
        description="MNIST (28x28 pixels / 255), its own test set held out",
    )


LARGEST_IDX_BYTES = 1 << 26
"""MNIST's largest file has 47,040,016; a compressed one could hold anything."""


def _read_idx(root: Path, name: str, axes: int) -> npt.NDArray[np.uint8]:
    """Return the array in the IDX file ``name`` or ``name``.gz: 0, 0, 8, axes; the extents; the bytes."""
    path = next((p for p in (root / name, root / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise DatasetError(
            f"dataset 'mnist': {root} has neither {name} nor {name}.gz; "
            "it needs train-images-idx3-ubyte, train-labels-idx1-ubyte and the same two for t10k"
        )
    header = 4 + 4 * axes
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            data = file.read(LARGEST_IDX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"dataset 'mnist': {path} is damaged ({error}); fetch it again") from error
    if len(data) > LARGEST_IDX_BYTES:
        raise DatasetError(f"dataset 'mnist': {path} holds more than {LARGEST_IDX_BYTES:,} bytes")
    if len(data) < header or data[:4] != bytes((0, 0, 8, axes)):
        raise DatasetError(f"dataset 'mnist': {path} is not an IDX file of unsigned bytes with {axes} axes")
    shape = tuple(int(extent) for extent in np.frombuffer(data[4:header], dtype=">u4"))
    if len(data) - header != math.prod(shape) or 0 in shape:
        raise DatasetError(
            f"dataset 'mnist': {path} says shape {shape} but holds {len(data) - header} bytes; fetch it again"
        )
    return np.array(np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape))


DATASETS: dict[str, Callable[[int | None, int, Path | None], Dataset]] = {"digits": _digits, "mnist": _mnist}
"""Loaders by name: (folds, fold, root) -> Dataset."""

IN_FILES = frozenset({"mnist"})
"""Datasets that are read from files, which ``root`` must name."""
