"""The handwritten digits that scikit-learn carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tritforge.quant.data.dataset import Dataset, DatasetError, stratified_folds

__all__ = ["digits"]


def digits(folds: int | None, fold: int, root: Path | None) -> Dataset:
    """1,797 handwritten digits of 8x8 pixels, values 0..16, from scikit-learn.

    E. Alpaydin, C. Kaynak, UCI 1998.

    Raises
    ------
    DatasetError: a root is given, or ``folds`` or ``fold`` is out of range.
    """
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
        description="scikit-learn's load_digits (8x8 pixels / 16), "
        f"fold {fold} of {folds} held out",
    )
