"""IDX files, the format of MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tritforge.quant.data.dataset import Dataset, DatasetError, md5, own_test_set

__all__ = ["LARGEST_BYTES", "fashion_mnist", "mnist"]

_MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""Of the decompressed files of MNIST; the wrappers that are in circulation differ."""

LARGEST_BYTES = 1 << 26
"""MNIST's largest file has 47,040,016; a compressed one could hold anything."""

_WHOLE = {"train": 60000, "t10k": 10000}
"""Images in the published parts. Only a file of this size claims to be one of them, and is
checked."""


def _idx_dataset(
    name: str, title: str, digests: dict[str, str], folds: int | None, fold: int, root: Path | None
) -> Dataset:
    """70,000 images of 28x28 pixels in 10 classes from four IDX files; 10,000 are held out."""
    root = own_test_set(name, folds, fold, root, "its four IDX files")
    images, labels = {}, {}
    for part, count in _WHOLE.items():
        found = {}
        for stem, axes in ((f"{part}-images-idx3-ubyte", 3), (f"{part}-labels-idx1-ubyte", 1)):
            path, data = _read(name, root, stem)
            found[axes] = _parse(name, path, data, axes)
            expected = digests.get(stem)
            if len(found[axes]) == count and expected is not None and md5(data) != expected:
                raise DatasetError(
                    f"dataset {name!r}: {path} is damaged: the MD5 of its decompressed bytes is "
                    f"{md5(data)}, expected {expected}; fetch it again"
                )
        pixels = torch.from_numpy(found[3]).unsqueeze(1)  # [N, 1, H, W]
        images[part] = pixels.to(torch.float32) / 255
        labels[part] = torch.from_numpy(found[1]).to(torch.int64)
        if len(images[part]) != len(labels[part]):
            counts = f"{len(images[part])} images but {len(labels[part])} labels"
            raise DatasetError(f"dataset {name!r}: {root} holds {counts} in {part!r}")
        if int(labels[part].max()) > 9:
            raise DatasetError(
                f"dataset {name!r}: {root} holds the label {int(labels[part].max())} in {part!r}"
            )
    return Dataset(
        train_images=images["train"],
        train_labels=labels["train"],
        test_images=images["t10k"],
        test_labels=labels["t10k"],
        classes=10,
        description=f"{title} (28x28 pixels / 255), its own test set held out",
    )


def _read(name: str, root: Path, stem: str) -> tuple[Path, bytes]:
    """Return the path of the file, ``stem`` or ``stem``.gz, and its decompressed bytes."""
    path = next((p for p in (root / stem, root / f"{stem}.gz") if p.is_file()), None)
    if path is None:
        raise DatasetError(
            f"dataset {name!r}: {root} has neither {stem} nor {stem}.gz; "
            "it needs train-images-idx3-ubyte, train-labels-idx1-ubyte and the same two for t10k"
        )
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(
            f"dataset {name!r}: {path} is damaged ({error}); fetch it again"
        ) from error
    if len(data) > LARGEST_BYTES:
        raise DatasetError(f"dataset {name!r}: {path} holds more than {LARGEST_BYTES:,} bytes")
    return path, data


def _parse(name: str, path: Path, data: bytes, axes: int) -> npt.NDArray[np.uint8]:
    """Return the array of an IDX file: 0, 0, 8, axes; the extents, four bytes each; the bytes."""
    header = 4 + 4 * axes
    if len(data) < header or data[:4] != bytes((0, 0, 8, axes)):
        raise DatasetError(
            f"dataset {name!r}: {path} is not an IDX file of unsigned bytes with {axes} axes"
        )
    shape = tuple(int(extent) for extent in np.frombuffer(data[4:header], dtype=">u4"))
    if len(data) - header != math.prod(shape) or 0 in shape:
        raise DatasetError(
            f"dataset {name!r}: {path} says shape {shape} but holds {len(data) - header} bytes; "
            "fetch it again"
        )
    return np.array(np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape))


_Loader = Callable[[int | None, int, Path | None], Dataset]

mnist: _Loader = partial(_idx_dataset, "mnist", "MNIST", _MNIST_MD5)
"""Y. LeCun, C. Cortes, C. Burges, 1998: handwritten digits."""

fashion_mnist: _Loader = partial(_idx_dataset, "fashion-mnist", "Fashion-MNIST", {})
"""H. Xiao, K. Rasul, R. Vollgraf, 2017: articles of clothing."""
