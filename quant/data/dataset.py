"""Images with labels, the held-out part, and the digests of the files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tritforge.errors import UserError

__all__ = [
    "Dataset",
    "DatasetError",
    "md5",
    "own_test_set",
    "read_expected",
    "stratified_folds",
    "values",
]

FOLD_SEED = 2019
"""Seed of every split. Fixed: a held-out part must mean the same images in every run."""


class DatasetError(UserError):
    """A dataset that is unknown, missing or damaged; the message names file or parameter."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels.

    Parameters
    ----------
    train_images: [N, C, H, W], float32 with values 0..1, or uint8 with value * 255 (see
        ``values``).
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

    def validation_split(self, count: int) -> tuple[Dataset, Tensor, Tensor]:
        """Return the dataset without ``count`` of its training images, those images, their labels.

        The split is stratified, the same in every run, and does not look at the held-out part.

        Raises
        ------
        DatasetError: not 1..N-1 of them, N the number of training images.
        """
        total = len(self.train_images)
        if not 1 <= count < total:
            raise DatasetError(f"validation must be in 1..{total - 1} images, not {count!r}")
        labels = self.train_labels.numpy()
        random = np.random.RandomState(FOLD_SEED)
        order = random.permutation(total)
        by_class = order[np.argsort(labels[order], kind="stable")]
        chosen = np.zeros(total, dtype=bool)
        chosen[by_class[np.arange(count) * total // count]] = True  # evenly along the classes
        apart = torch.from_numpy(chosen)
        rest = replace(
            self, train_images=self.train_images[~apart], train_labels=self.train_labels[~apart]
        )
        return rest, self.train_images[apart], self.train_labels[apart]


def values(images: Tensor, like: Tensor) -> Tensor:
    """Return the values 0..1 of ``images``, in the type and on the device of ``like``.

    Bytes are divided in float32, so that a model in float64 sees the same values as one in float32.
    """
    images = images.to(like.device)
    if images.dtype == torch.uint8:
        images = images.to(torch.float32) / 255
    return images.to(like.dtype)


def stratified_folds(labels: npt.NDArray[np.int64], folds: int) -> npt.NDArray[np.int64]:
    """Return the fold 0..folds-1 of each label, int64 [N].

    Sizes differ by at most one, in total and per class.
    """
    # RandomState, because numpy guarantees its stream for all time; a Generator's may change.
    random = np.random.RandomState(FOLD_SEED)
    order = random.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    assignment = np.empty(len(labels), dtype=np.int64)
    assignment[by_class] = np.arange(len(labels)) % folds
    return assignment


def own_test_set(name: str, folds: int | None, fold: int, root: Path | None, needed: str) -> Path:
    """Return ``root``, the folder of a dataset that brings its own test set.

    Raises
    ------
    DatasetError: a fold is asked for, or there is no such folder; ``needed`` says what it must
        hold.
    """
    if folds is not None or fold != 0:
        raise DatasetError(
            f"dataset {name!r} has a test set of its own: leave out folds and fold, not {folds}, "
            f"{fold}"
        )
    if root is None:
        raise DatasetError(f"dataset {name!r} needs root: the folder of {needed}")
    if not root.is_dir():
        raise DatasetError(f"dataset {name!r}: {root} is not a folder")
    return root


def md5(data: bytes) -> str:
    """Return the MD5 of ``data``, by which the makers of datasets publish their files."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def read_expected(name: str, path: Path, digest: str) -> bytes:
    """Return the content of the file ``path`` of the dataset ``name``, after checking its digest.

    ``digest`` is an MD5 or a SHA-256 in hexadecimal; its length tells which.

    Raises
    ------
    DatasetError: the file is missing or another.
    """
    if not path.is_file():
        raise DatasetError(f"dataset {name!r}: {path} is missing")
    data = path.read_bytes()
    kind, found = (
        ("MD5", md5(data)) if len(digest) == 32 else ("SHA-256", hashlib.sha256(data).hexdigest())
    )
    if found != digest:
        raise DatasetError(
            f"dataset {name!r}: {path} is damaged: its {kind} is {found}, expected {digest}; fetch "
            "it again"
        )
    return data
