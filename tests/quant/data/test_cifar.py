from __future__ import annotations

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tritforge.quant import datasets
from tritforge.quant.data import cifar
from tritforge.quant.data.dataset import DatasetError, md5, values

PACK = (
    Path(os.environ.get("TRITFORGE_DATA") or Path(__file__).parents[4] / "shared" / "data")
    / "cifar10-jpeg"
)


def refusal(name: str, root: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        datasets.load(name, root=root)
    return str(caught.value)


@pytest.fixture
def batches() -> dict[str, tuple[np.ndarray, list[int]]]:
    """Pixels [n, 3072] and labels of six small batches."""
    random = np.random.default_rng(0)
    return {
        name: (
            random.integers(0, 256, (4, 3072), dtype=np.uint8),
            random.integers(0, 10, 4).tolist(),
        )
        for name in cifar.PYTHON_MD5
    }


@pytest.fixture
def python(batches: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, (pixels, labels) in batches.items():
        content = {
            b"batch_label": b"x",
            b"labels": labels,
            b"data": pixels,
            b"filenames": [b"a.png"] * 4,
        }
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol=3))
        monkeypatch.setitem(cifar.PYTHON_MD5, name, md5((tmp_path / name).read_bytes()))
    return tmp_path


def expected(batches: Any) -> tuple[np.ndarray, list[int]]:
    names = list(batches)[:5]
    pixels = np.concatenate([batches[name][0] for name in names]).reshape(-1, 3, 32, 32)
    return pixels, [label for name in names for label in batches[name][1]]


def test_python_batches(batches: Any, python: Path) -> None:
    data = datasets.load("cifar10", root=python)
    pixels, labels = expected(batches)
    assert data.train_images.dtype == torch.uint8
    np.testing.assert_array_equal(data.train_images.numpy(), pixels)
    assert data.train_labels.tolist() == labels
    assert data.test_images.shape == (4, 3, 32, 32)
    assert data.test_labels.tolist() == batches["test_batch"][1]
    assert data.description == (
        "CIFAR-10, the official python batches (32x32 pixels / 255), its own test set held out"
    )


def test_the_folder_of_the_archive_will_do(batches: Any, python: Path) -> None:
    inner = python / "cifar-10-batches-py"
    inner.mkdir()
    for name in batches:
        (python / name).rename(inner / name)
    assert len(datasets.load("cifar10", root=python).train_images) == 20


def test_a_damaged_batch_is_refused_with_both_digests(python: Path) -> None:
    path = python / "data_batch_3"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    assert refusal("cifar10", python) == (
        f"dataset 'cifar10': {path} is damaged: its MD5 is {md5(path.read_bytes())}, "
        f"expected {md5(whole)}; fetch it again"
    )
    path.unlink()
    assert refusal("cifar10", python) == f"dataset 'cifar10': {path} is missing"


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


def test_a_pickle_can_run_nothing(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    data = pickle.dumps({b"data": Evil(trap), b"labels": [1]}, protocol=3)
    with pytest.raises(DatasetError) as caught:
        cifar.read_batch(tmp_path / "b", data)
    assert str(caught.value) == (
        f"dataset 'cifar10': {tmp_path / 'b'} is not a batch of CIFAR-10 "
        f"(UnpicklingError: it asks for {os.mkdir.__module__}.mkdir, which no batch needs); fetch "
        "it again"
    )
    assert not trap.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({b"labels": [1]}, "KeyError: b'data'"),
        ([1, 2], "TypeError: list indices must be integers or slices, not bytes"),
        (
            {b"data": np.zeros((2, 5), np.uint8), b"labels": [1, 2]},
            "ValueError: an array of shape (2, 5)",
        ),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}, "2 images but 1 labels"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [77]}, "the label 77"),
    ],
)
def test_a_pickle_of_something_else_is_refused(content: Any, reason: str) -> None:
    with pytest.raises(DatasetError) as caught:
        cifar.read_batch(Path("b"), pickle.dumps(content, protocol=3))
    assert (
        str(caught.value)
        == f"dataset 'cifar10': b is not a batch of CIFAR-10 ({reason}); fetch it again"
    )


def test_binary_batches(batches: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name, (pixels, labels) in batches.items():
        records = np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    data = datasets.load("cifar10", root=tmp_path)
    pixels, labels = expected(batches)
    np.testing.assert_array_equal(data.train_images.numpy(), pixels)
    assert data.train_labels.tolist() == labels
    path = folder / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-3])
    assert refusal("cifar10", tmp_path) == (
        f"dataset 'cifar10': {path} is not a batch of CIFAR-10 "
        "(12289 bytes are no whole number of records of 3073); fetch it again"
    )


def test_a_folder_with_neither_is_refused(tmp_path: Path) -> None:
    assert refusal("cifar10", tmp_path) == (
        f"dataset 'cifar10': {tmp_path} has neither data_batch_1 (python batches) "
        "nor data_batch_1.bin (binary)"
    )


def write_pack(path: Path, count: int) -> list[np.ndarray]:
    """Write ``count`` JPEG files of one header as a pack; return what each decodes to."""
    random = np.random.default_rng(count)
    files = []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(
            file, "JPEG", quality=75
        )
        files.append(file.getvalue())
    header = os.path.commonprefix(files)  # noqa: RUF071  # of bytes, character by character
    bodies = [file[len(header) :] for file in files]
    np.savez(
        path,
        header=np.frombuffer(header, np.uint8),
        data=np.frombuffer(b"".join(bodies), np.uint8),
        offsets=np.cumsum([0, *map(len, bodies)]).astype(np.uint32),
        labels=np.arange(count, dtype=np.uint8) % 10,
    )
    return [np.asarray(Image.open(io.BytesIO(file))) for file in files]


def test_a_pack_of_jpeg_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = write_pack(tmp_path / "train.npz", 12)
    write_pack(tmp_path / "test.npz", 3)
    for name in cifar.JPEG_SHA256:
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        monkeypatch.setitem(cifar.JPEG_SHA256, name, digest)
    data = datasets.load("cifar10-jpeg", root=tmp_path)
    np.testing.assert_array_equal(data.train_images.numpy(), np.stack(train).transpose(0, 3, 1, 2))
    assert data.train_labels.tolist() == [*range(10), 0, 1]
    assert data.description == (
        "cifar10-jpeg: CIFAR-10 re-encoded as JPEG, not the original (32x32 pixels / 255), "
        "its own test set held out"
    )


def test_another_pack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.npz").write_bytes(b"x")
    assert refusal("cifar10-jpeg", tmp_path) == (
        f"dataset 'cifar10-jpeg': {tmp_path / 'train.npz'} is damaged: its SHA-256 is "
        f"{hashlib.sha256(b'x').hexdigest()}, expected {cifar.JPEG_SHA256['train.npz']}; fetch it "
        "again"
    )


@pytest.mark.verify
def test_the_real_pack_has_the_channel_means_that_are_known() -> None:
    if not (PACK / "train.npz").is_file():
        pytest.skip(f"{PACK} has no train.npz: set TRITFORGE_DATA")
    data = datasets.load("cifar10-jpeg", root=PACK)
    assert data.train_images.shape == (50000, 3, 32, 32)
    assert torch.bincount(data.test_labels).tolist() == [1000] * 10
    mean = values(data.train_images, torch.zeros(1)).double().mean((0, 2, 3))
    assert [round(float(m), 3) for m in mean] == [0.491, 0.482, 0.447]
