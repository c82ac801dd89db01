from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from tritforge.quant import datasets
from tritforge.quant.data import idx as module
from tritforge.quant.data.dataset import DatasetError, md5


def idx(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + b"".join(
        extent.to_bytes(4, "big") for extent in array.shape
    )
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
        f"dataset 'mnist': {tmp_path} has neither train-images-idx3-ubyte nor "
        "train-images-idx3-ubyte.gz; "
        "it needs train-images-idx3-ubyte, train-labels-idx1-ubyte and the same two for t10k"
    )
    assert refusal(tmp_path / "none") == f"dataset 'mnist': {tmp_path / 'none'} is not a folder"


def test_a_whole_file_of_other_bytes_is_refused_with_both_digests(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six images stand for the 60,000 of the published file."""
    path = mnist / "train-images-idx3-ubyte.gz"
    data = gzip.decompress(path.read_bytes())
    monkeypatch.setattr(module, "_WHOLE", {"train": 6, "t10k": 4})
    labels = md5((mnist / "train-labels-idx1-ubyte").read_bytes())
    monkeypatch.setitem(module._MNIST_MD5, "train-labels-idx1-ubyte", labels)
    monkeypatch.setitem(module._MNIST_MD5, "train-images-idx3-ubyte", md5(data))
    assert len(datasets.load("mnist", root=mnist).train_images) == 6
    other = data[:-1] + bytes((data[-1] ^ 1,))
    path.write_bytes(gzip.compress(other))
    assert refusal(mnist) == (
        f"dataset 'mnist': {path} is damaged: the MD5 of its decompressed bytes is {md5(other)}, "
        f"expected {md5(data)}; fetch it again"
    )


def test_fashion_mnist_is_of_the_same_form_under_its_own_name(mnist: Path) -> None:
    data = datasets.load("fashion-mnist", root=mnist)
    assert torch.equal(data.train_images, datasets.load("mnist", root=mnist).train_images)
    assert data.description == "Fashion-MNIST (28x28 pixels / 255), its own test set held out"
    (mnist / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match=r"^dataset 'fashion-mnist': "):
        datasets.load("fashion-mnist", root=mnist)


def test_damaged_files_are_refused_by_name(mnist: Path) -> None:
    path = mnist / "t10k-labels-idx1-ubyte"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert (
        refusal(mnist)
        == f"dataset 'mnist': {path} says shape (3,) but holds 2 bytes; fetch it again"
    )
    path.write_bytes(b"<html>")
    assert (
        refusal(mnist)
        == f"dataset 'mnist': {path} is not an IDX file of unsigned bytes with 1 axes"
    )
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
