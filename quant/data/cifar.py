"""CIFAR-10: the official python batches and binary batches, and a pack of JPEG re-encodings.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from __future__ import annotations

import io
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tritforge.quant.data.dataset import Dataset, DatasetError, own_test_set, read_expected
from tritforge.quant.data.pillow import decoded

__all__ = ["BINARY_MD5", "JPEG_SHA256", "PYTHON_MD5", "cifar10", "cifar10_jpeg", "read_batch"]

PYTHON_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
"""Of the official python batches."""

BINARY_MD5: dict[str, str | None] = {
    **{f"data_batch_{number}.bin": None for number in range(1, 6)},
    "test_batch.bin": None,
}
"""The official binary batches; their makers publish the digest of the archive alone."""

JPEG_SHA256 = {
    "train.npz": "1e3ac5713a701d42e332be6950a26fbbcbfd876b1456a53a9765e57344ddf874",
    "test.npz": "2e87c3991e5314bd00978f6f46f61643ba85525b2a710687b872eb5679020203",
}
"""Of the pack of re-encodings that figures under the name ``cifar10-jpeg`` are of."""

_RECORD = 1 + 3 * 32 * 32

_Part = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]  # images [N, 3, 32, 32], labels [N]


def cifar10(folds: int | None, fold: int, root: Path | None) -> Dataset:
    """60,000 colour images of 32x32 pixels in 10 classes, bytes; 10,000 are held out.

    ``root`` holds the six python batches or the six binary ones, or the folder of them that the
    archive makes (cifar-10-batches-py, cifar-10-batches-bin).

    Raises
    ------
    DatasetError: a fold is asked for, or the files are missing or damaged.
    """
    root = own_test_set("cifar10", folds, fold, root, "the six python or binary batches")
    for folder in (root, root / "cifar-10-batches-py", root / "cifar-10-batches-bin"):
        if any((folder / name).is_file() for name in PYTHON_MD5):
            parts = [
                read_batch(folder / name, read_expected("cifar10", folder / name, digest))
                for name, digest in PYTHON_MD5.items()
            ]
            return _dataset(parts[:5], parts[5:], "CIFAR-10, the official python batches")
        if any((folder / name).is_file() for name in BINARY_MD5):
            parts = [_read_binary(folder / name, digest) for name, digest in BINARY_MD5.items()]
            return _dataset(parts[:5], parts[5:], "CIFAR-10, the official binary batches")
    raise DatasetError(
        f"dataset 'cifar10': {root} has neither data_batch_1 (python batches) nor data_batch_1.bin "
        "(binary)"
    )


def cifar10_jpeg(folds: int | None, fold: int, root: Path | None) -> Dataset:
    """Images of CIFAR-10 re-encoded as JPEG, from train.npz and test.npz.

    Figures for them cannot be compared with those for CIFAR-10.

    Raises
    ------
    DatasetError: a fold is asked for, or a file is missing or damaged.
    """
    root = own_test_set("cifar10-jpeg", folds, fold, root, "train.npz and test.npz")
    parts = [_read_pack(root / name, digest) for name, digest in JPEG_SHA256.items()]
    return _dataset(
        parts[:1], parts[1:], "cifar10-jpeg: CIFAR-10 re-encoded as JPEG, not the original"
    )


def read_batch(path: Path, data: bytes) -> _Part:
    """Return images and labels of a python batch.

    It is a pickle, of which only plain values and arrays are read.

    Raises
    ------
    DatasetError: the pickle holds anything else, which is never called or imported, or is no batch.
    """
    try:
        content = _BatchUnpickler(io.BytesIO(data), encoding="bytes").load()
        pixels = content[b"data"].array()
        labels = np.array(content[b"labels"], dtype=np.uint8)
        return pixels.reshape(-1, 3, 32, 32), _checked(path, pixels, labels)
    except DatasetError:
        raise
    except Exception as error:  # a pickle that was tampered with can raise anything
        raise _no_batch(path, f"{type(error).__name__}: {error}") from error


class _Array:
    """What numpy's pickles build: takes the state of an array, and nothing else."""

    def __init__(self, *arguments: Any) -> None:
        self._state: Any = None

    def __setstate__(self, state: Any) -> None:
        self._state = state

    def array(self) -> npt.NDArray[np.uint8]:
        """Return the array of bytes [N, 3072] that the state describes."""
        _, shape, _, fortran, raw = self._state
        if fortran or len(shape) != 2 or shape[1] != _RECORD - 1 or not isinstance(raw, bytes):
            raise ValueError(f"an array of shape {shape!r}")
        pixels: npt.NDArray[np.uint8] = np.frombuffer(raw, dtype=np.uint8).reshape(shape)
        return pixels


class _BatchUnpickler(pickle.Unpickler):
    """Reads numbers, text, lists, mappings and byte arrays; refuses all else, so no code runs."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a stand-in for the three names of numpy that an array needs."""
        array = (
            module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct"
        )
        if array or (module == "numpy" and name in ("ndarray", "dtype")):
            return _Array
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")


def _read_binary(path: Path, digest: str | None) -> _Part:
    """Return images and labels of a binary batch: for each image a label and 3072 bytes."""
    if not path.is_file():
        raise DatasetError(f"dataset 'cifar10': {path} is missing")
    data = path.read_bytes() if digest is None else read_expected("cifar10", path, digest)
    if not data or len(data) % _RECORD:
        raise _no_batch(path, f"{len(data)} bytes are no whole number of records of {_RECORD}")
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), _checked(path, records, records[:, 0])


def _read_pack(path: Path, digest: str) -> _Part:
    """Return images and labels of a pack: one header that all JPEG files share, and the bodies."""
    data = read_expected("cifar10-jpeg", path, digest)
    with np.load(io.BytesIO(data), allow_pickle=False) as pack:
        header, bodies = pack["header"].tobytes(), pack["data"].tobytes()
        offsets, labels = pack["offsets"].tolist(), pack["labels"].astype(np.uint8)
    files = (header + bodies[begin:end] for begin, end in pairwise(offsets))
    images = np.stack([decoded(file) for file in files])  # [N, 32, 32, 3]
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels


def _checked(path: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Any:
    if len(images) != len(labels) or not len(labels):
        raise _no_batch(path, f"{len(images)} images but {len(labels)} labels")
    if labels.max() > 9:
        raise _no_batch(path, f"the label {labels.max()}")
    return labels


def _no_batch(path: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"dataset 'cifar10': {path} is not a batch of CIFAR-10 ({reason}); fetch it again"
    )


def _dataset(train: list[_Part], test: list[_Part], title: str) -> Dataset:
    images, labels = (
        [
            torch.from_numpy(np.concatenate([part[index] for part in parts]))
            for parts in (train, test)
        ]
        for index in (0, 1)
    )
    return Dataset(
        train_images=images[0],
        train_labels=labels[0].to(torch.int64),
        test_images=images[1],
        test_labels=labels[1].to(torch.int64),
        classes=10,
        description=f"{title} (32x32 pixels / 255), its own test set held out",
    )
