"""Images in class folders, as ImageNet is laid out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.quant.data.dataset import Dataset, DatasetError, own_test_set
from tritforge.quant.data.pillow import decoded

__all__ = ["folders"]

_SUFFIXES = {
    ".jpeg", ".jpg", ".png", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff"
}  # fmt: skip
_LITTER = {"__MACOSX", "__pycache__", "@eaDir", "lost+found", "Thumbs.db"}
_SIZE = 224


def folders(folds: int | None, fold: int, root: Path | None, image_size: int = _SIZE) -> Dataset:
    """Images from root/train/<class>/* and root/val/<class>/*; those of val are held out.

    A class has the number of its folder's name in alphabetical order. Images are held as bytes in
    memory, 3 * image_size^2 each, in the order of their names. What is hidden (``.git``) or left
    by a system (``__MACOSX``) is no class and no image.

    Raises
    ------
    DatasetError: no such folders; the two parts differ in their classes; a class without an image.
    """
    root = own_test_set("folders", folds, fold, root, "train/<class>/ and val/<class>/")
    names = {part: _classes(root / part) for part in ("train", "val")}
    for part, other in (("train", "val"), ("val", "train")):
        for name in names[other]:
            if name not in names[part]:
                raise DatasetError(
                    f"dataset 'folders': the class folder {root / part / name} is missing, "
                    f"{root / other / name} is there"
                )
    train, train_labels = _images(root / "train", names["train"], image_size)
    test, test_labels = _images(root / "val", names["train"], image_size)
    return Dataset(
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
        classes=len(names["train"]),
        description=f"{len(names['train'])} class folders of {root.name} "
        f"({image_size}x{image_size} pixels / 255, middle square), val held out",
    )


def _classes(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise DatasetError(f"dataset 'folders': {folder} is not a folder")
    names = sorted(path.name for path in _shown(folder) if path.is_dir())
    if len(names) < 2:
        raise DatasetError(
            f"dataset 'folders': {folder} must have a folder for each of at least 2 classes, not "
            f"{names}"
        )
    return names


def _shown(folder: Path) -> list[Path]:
    """What a person put into the folder, in the order of the names."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name not in _LITTER
    )


def _images(folder: Path, names: list[str], size: int) -> tuple[Tensor, Tensor]:
    """Return bytes [N, 3, size, size] and labels [N]."""
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        found = [p for p in _shown(folder / name) if p.suffix.lower() in _SUFFIXES]
        if not found:
            raise DatasetError(f"dataset 'folders': the class folder {folder / name} has no image")
        files += found
        labels += [label] * len(found)
    pixels = np.empty((len(files), 3, size, size), dtype=np.uint8)
    for row, path in enumerate(tqdm(files, desc=folder.name, unit="image", disable=None)):
        pixels[row] = decoded(path, size).transpose(2, 0, 1)
    return torch.from_numpy(pixels), torch.tensor(labels)
