"""Test vectors survive the disk, and one wrong integer is found and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.datatype import DataType
from export.ir import ArgMax, Dense, Network, TensorType
from sim import reference
from tritforge.errors import MissingStep, ProofFailed
from tritforge.vectors import Vectors, compare, demand_equal, nhwc

IMAGES = 5


@pytest.fixture
def network() -> Network:
    planes = np.array([[[1, 0, -1], [0, 1, 1]]], dtype=np.int8)
    nodes = (Dense(name="dense", input="input", planes=planes), ArgMax(name="argmax", input="dense"))
    return Network("tiny", TensorType(1, 1, 3, DataType(2, signed=False)), nodes)


@pytest.fixture
def vectors(network: Network) -> Vectors:
    images = np.random.default_rng(0).integers(0, 4, (IMAGES, 1, 1, 3))
    return Vectors(labels=np.arange(IMAGES), torch=reference.run(network, images))


def test_the_disk_changes_nothing(tmp_path: Path, vectors: Vectors) -> None:
    path = tmp_path / "vectors.safetensors"
    vectors.save(path)
    again = Vectors.load(path)
    assert list(again.torch) == list(vectors.torch)  # the order of the chain, too
    assert all(np.array_equal(again.torch[name], array) for name, array in vectors.torch.items())
    assert np.array_equal(again.labels, vectors.labels)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("size", [0, 7, 100])
def test_a_truncated_file_is_refused(tmp_path: Path, vectors: Vectors, size: int) -> None:
    path = tmp_path / "vectors.safetensors"
    vectors.save(path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(MissingStep) as caught:
        Vectors.load(path)
    assert str(caught.value) == f"{path} is damaged: run `tritforge export` again"


def test_agreement(network: Network, vectors: Vectors) -> None:
    agreement = demand_equal(network, vectors)
    assert agreement.words == {"input": 15, "dense": 10, "argmax": 5}
    assert (agreement.differences, agreement.first) == (0, None)
    assert agreement.classes is not None
    assert np.array_equal(agreement.classes, vectors.torch["argmax"].reshape(-1))


def test_one_wrong_integer_is_named(network: Network, vectors: Vectors) -> None:
    scores = vectors.torch["dense"].copy()
    scores[3, 0, 0, 1] += 1
    wrong = Vectors(labels=vectors.labels, torch={**vectors.torch, "dense": scores})
    first = (
        f"dense: image 3, y 0, x 0, channel 1: torch has {scores[3, 0, 0, 1]}, "
        f"the reference {scores[3, 0, 0, 1] - 1}"
    )
    assert compare(network, wrong).first == first
    with pytest.raises(ProofFailed) as caught:
        demand_equal(network, wrong)
    assert str(caught.value) == f"torch and the integer reference differ in 1 integers; the first: {first}"


def test_another_shape_is_refused(network: Network, vectors: Vectors) -> None:
    wrong = Vectors(
        labels=vectors.labels, torch={**vectors.torch, "dense": vectors.torch["dense"][:, :, :, :1]}
    )
    with pytest.raises(ProofFailed) as caught:
        compare(network, wrong)
    assert str(caught.value) == "dense: torch has the shape (5, 1, 1, 1), the reference (5, 1, 1, 2)"


def test_nhwc() -> None:
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert nhwc(images).shape == (2, 4, 5, 3)
    assert nhwc(images)[1, 2, 3, 0] == images[1, 0, 2, 3]
    assert nhwc(images[:, :, 0, 0]).shape == (2, 1, 1, 3)
