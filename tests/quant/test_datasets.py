from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from quant import datasets
from quant.datasets import DatasetError, stratified_folds


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
    known = {row.astype(np.float32).tobytes(): label for row, label in zip(pixels, labels, strict=True)}
    data = datasets.load("digits", folds=3, fold=2)
    for images, targets in ((data.train_images, data.train_labels), (data.test_images, data.test_labels)):
        assert [known[(16 * image).numpy().tobytes()] for image in images] == targets.tolist()


def test_the_split_is_the_same_in_every_run() -> None:
    assert datasets.load("digits").test_labels[:16].tolist() == EXPECTED


EXPECTED = [0, 6, 0, 2, 4, 9, 6, 4, 1, 7, 3, 0, 7, 4, 1, 9]


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=80), folds=st.integers(2, 7))
def test_folds_differ_by_at_most_one(labels: list[int], folds: int) -> None:
    values = np.array(labels)
    assignment = stratified_folds(values, folds)
    for part in (assignment, *(assignment[values == label] for label in set(labels))):
        sizes = np.bincount(part, minlength=folds)
        assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cifar",), "dataset must be one of digits, mnist, not 'cifar'"),
        (("digits", 5, 5), "fold must be in 0..4, not 5"),
        (("digits", 5, -1), "fold must be in 0..4, not -1"),
        (("digits", 1), "folds must be in 2..174 for 'digits', not 1"),
        (("digits", 175), "folds must be in 2..174 for 'digits', not 175"),
        (
            ("digits", 5, 0, "here"),
            "dataset 'digits' is embedded in scikit-learn and takes no root, not 'here'",
        ),
        (("mnist",), "dataset 'mnist' needs root: the folder of its four IDX files"),
        (
            ("mnist", 5),
            "dataset 'mnist' has a test set of its own: leave out folds and fold, not 5, 0",
        ),
    ],
)
def test_what_does_not_exist_is_refused(arguments: tuple[str, int], message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        datasets.load(*arguments)
    assert str(caught.value) == message


def idx(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + b"".join(extent.to_bytes(4, "big") for extent in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A folder in MNIST's layout with 6 and 3 random images, two of the files compressed."""
    random = np.random.default_rng(0)
    for part, count in (("train", 6), ("t10k", 3)):
        images = idx(random.integers(0, 256, (count, 28, 28)))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(random.integers(0, 10, count)))
    return tmp_path


def test_idx_files_are_read_in_their_order(mnist: Path) -> None:
    data = datasets.load("mnist", root=mnist)
    assert data.train_images.shape == (6, 1, 28, 28)
    assert data.test_images.shape == (3, 1, 28, 28)
    raw = gzip.decompress((mnist / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    assert (data.test_images * 255).round().to(torch.uint8).numpy().tobytes() == raw
    assert data.train_labels.tolist() == list((mnist / "train-labels-idx1-ubyte").read_bytes()[8:])


def refusal(root: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        datasets.load("mnist", root=root)
    return str(caught.value)


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        f"dataset 'mnist': {tmp_path} has neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz; "
        "it needs train-images-idx3-ubyte, train-labels-idx1-ubyte and the same two for t10k"
    )
    assert refusal(tmp_path / "none") == f"dataset 'mnist': {tmp_path / 'none'} is not a folder"


def test_damaged_files_are_refused_by_name(mnist: Path) -> None:
    path = mnist / "t10k-labels-idx1-ubyte"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert refusal(mnist) == f"dataset 'mnist': {path} says shape (3,) but holds 2 bytes; fetch it again"
    path.write_bytes(b"<html>")
    assert refusal(mnist) == f"dataset 'mnist': {path} is not an IDX file of unsigned bytes with 1 axes"
    path.write_bytes(idx(np.array([1, 2])))
    assert refusal(mnist) == f"dataset 'mnist': {mnist} holds 3 images but 2 labels in 't10k'"
    path.write_bytes(idx(np.array([1, 2, 77])))
    assert refusal(mnist) == f"dataset 'mnist': {mnist} holds the label 77 in 't10k'"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"x" + data, lambda data: data[:40] + b"?" * 9]
)
def test_damaged_compression_is_refused_by_name(mnist: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = mnist / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    message = refusal(mnist)
    assert message.startswith(f"dataset 'mnist': {path} is damaged (")
    assert message.endswith("); fetch it again")
