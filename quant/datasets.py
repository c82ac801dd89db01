"""Datasets by name: images, labels, and a held-out part that no choice may depend on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tritforge.quant.data.cifar import cifar10, cifar10_jpeg
from tritforge.quant.data.dataset import Dataset, DatasetError
from tritforge.quant.data.digits import digits
from tritforge.quant.data.folders import folders
from tritforge.quant.data.idx import fashion_mnist, mnist

__all__ = ["DATASETS", "IN_FILES", "SHAPES", "Dataset", "DatasetError", "load"]

DATASETS: dict[str, Callable[..., Dataset]] = {
    "cifar10": cifar10,
    "cifar10-jpeg": cifar10_jpeg,
    "digits": digits,
    "fashion-mnist": fashion_mnist,
    "folders": folders,
    "mnist": mnist,
}
"""Loaders by name: (folds, fold, root) -> Dataset; ``folders`` takes an ``image_size`` too."""

IN_FILES = frozenset(DATASETS) - {"digits"}
"""Datasets that are read from files, which ``root`` must name."""

SHAPES: dict[str, tuple[int, int, int]] = {
    "cifar10": (3, 32, 32),
    "cifar10-jpeg": (3, 32, 32),
    "digits": (1, 8, 8),
    "fashion-mnist": (1, 28, 28),
    "folders": (3, 224, 224),
    "mnist": (1, 28, 28),
}
"""Channels, height and width of the images of each dataset, known without its files; ``image_size``
may change those of ``folders``."""


def load(
    name: str,
    folds: int | None = None,
    fold: int = 0,
    root: Path | str | None = None,
    image_size: int | None = None,
) -> Dataset:
    """Return the dataset ``name``.

    Parameters
    ----------
    name: a key of ``DATASETS``: "digits" (embedded in scikit-learn), or one in files in ``root``.
    folds: number of folds of a dataset without a test set of its own; None takes 5.
    fold: which of them is held out, 0..folds-1.
    root: folder of a dataset that is read from files.
    image_size: height and width of the images of ``folders``; None takes 224. No other takes one.

    Raises
    ------
    DatasetError: no such dataset or fold, or files that are missing or damaged.

    >>> load("digits").description
    "scikit-learn's load_digits (8x8 pixels / 16), fold 0 of 5 held out"
    """
    if name not in DATASETS:
        raise DatasetError(f"dataset must be one of {', '.join(sorted(DATASETS))}, not {name!r}")
    if image_size is not None and name != "folders":
        raise DatasetError(
            f"dataset {name!r} has images of one size: leave out image_size, not {image_size}"
        )
    sized = {} if image_size is None else {"image_size": image_size}
    return DATASETS[name](folds, fold, None if root is None else Path(root), **sized)
