from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from tritforge.quant import datasets


def test_digits_have_the_promised_form() -> None:
    data = datasets.load("digits")
    assert data.train_images.shape == (1437, 1, 8, 8)
    assert data.test_images.shape == (360, 1, 8, 8)
    assert data.train_images.dtype == data.test_images.dtype == torch.float32
    assert data.train_labels.dtype == data.test_labels.dtype == torch.int64
    assert (data.train_images.min(), data.train_images.max()) == (0, 1)
    assert data.train_labels.unique().tolist() == list(range(data.classes))


def test_the_five_held_out_parts_are_all_images_once() -> None:
    parts = [datasets.load("digits", folds=5, fold=fold) for fold in range(5)]
    seen = torch.cat([part.test_images for part in parts]).flatten(1) * 16
    pixels, labels = load_digits(return_X_y=True)
    assert sorted(map(tuple, seen.tolist())) == sorted(map(tuple, pixels.tolist()))
    assert (
        torch.bincount(torch.cat([part.test_labels for part in parts])).tolist()
        == np.bincount(labels).tolist()
    )
    for part in parts:
        assert len(part.train_images) + len(part.test_images) == 1797
        held_out = {row.numpy().tobytes() for row in part.test_images}
        assert not held_out & {row.numpy().tobytes() for row in part.train_images}


def test_an_image_keeps_its_label() -> None:
    pixels, labels = load_digits(return_X_y=True)
    known = {
        row.astype(np.float32).tobytes(): label for row, label in zip(pixels, labels, strict=True)
    }
    data = datasets.load("digits", folds=3, fold=2)
    for images, targets in (
        (data.train_images, data.train_labels),
        (data.test_images, data.test_labels),
    ):
        assert [known[(16 * image).numpy().tobytes()] for image in images] == targets.tolist()


def test_the_split_is_the_same_in_every_run() -> None:
    assert datasets.load("digits").test_labels[:16].tolist() == EXPECTED


EXPECTED = [0, 6, 0, 2, 4, 9, 6, 4, 1, 7, 3, 0, 7, 4, 1, 9]
