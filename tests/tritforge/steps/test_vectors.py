"""Test vectors survive the disk, and one wrong integer is found and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tritforge import quant
from tritforge.errors import MissingStep, ProofFailed
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import ArgMax, Dense, Network, TensorType
from tritforge.export.lowering.lower import Lowered, lower
from tritforge.quant.evaluate import exact
from tritforge.quant.networks import build
from tritforge.sim import reference
from tritforge.steps import vectors as vectors_module
from tritforge.steps.vectors import Vectors, collect, compare, demand_equal

IMAGES = 5


@pytest.fixture
def network() -> Network:
    planes = np.array([[[1, 0, -1], [0, 1, 1]]], dtype=np.int8)
    nodes = (
        Dense(name="dense", input="input", planes=planes),
        ArgMax(name="argmax", input="dense"),
    )
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
    assert (
        str(caught.value)
        == f"torch and the integer reference differ in 1 integers; the first: {first}"
    )


def test_another_shape_is_refused(network: Network, vectors: Vectors) -> None:
    wrong = Vectors(
        labels=vectors.labels, torch={**vectors.torch, "dense": vectors.torch["dense"][:, :, :, :1]}
    )
    with pytest.raises(ProofFailed) as caught:
        compare(network, wrong)
    assert (
        str(caught.value)
        == "dense: torch has the shape (1, 1, 1) an image, the reference (1, 1, 2)"
    )


def lowered_digits() -> tuple[nn.Module, Lowered]:
    torch.manual_seed(0)
    model64 = exact(quant.ternarize(build("digits", channels=(2, 3))))
    return model64, lower(model64, (1, 8, 8), name="small")


@pytest.mark.parametrize("at_a_time", [2, 3, 7])
def test_a_few_images_at_a_time_change_nothing(
    at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model64, lowered = lowered_digits()
    images = torch.rand(7, 1, 8, 8)
    whole = collect(model64, lowered, images, torch.arange(7))
    agreement = compare(lowered.network, whole)
    size = sum(declared.size for declared in lowered.network.types.values())
    monkeypatch.setattr(vectors_module, "INTEGERS_AT_A_TIME", at_a_time * size + 1)
    parts = collect(model64, lowered, images, torch.arange(7))
    assert {name: array.dtype for name, array in parts.torch.items()} == {
        "input": np.uint8, "act1": np.uint8, "act2": np.uint8, "classifier_bias": np.int16, "argmax": np.uint8
    }  # fmt: skip
    for name, array in whole.torch.items():
        np.testing.assert_array_equal(parts.torch[name], array)
    again = compare(lowered.network, parts)
    assert (again.words, again.differences, again.first) == (agreement.words, 0, None)
    np.testing.assert_array_equal(again.classes, agreement.classes)


def test_the_first_wrong_integer_is_that_of_the_first_tensor(
    network: Network, vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "INTEGERS_AT_A_TIME", 1)
    changed = {name: array.copy() for name, array in vectors.torch.items()}
    changed["argmax"][0] += 1
    changed["dense"][4, 0, 0, 1] += 1
    agreement = compare(network, Vectors(labels=vectors.labels, torch=changed))
    assert agreement.differences == 2
    assert agreement.first is not None
    assert agreement.first.startswith("dense: image 4, y 0, x 0, channel 1: torch has ")


def test_an_integer_outside_its_type_is_refused() -> None:
    model64, lowered = lowered_digits()
    narrow = TensorType(8, 8, 1, DataType(3, signed=False))
    wrong = replace(lowered, network=Network("narrow", narrow, lowered.network.nodes))
    with pytest.raises(ProofFailed) as caught:
        collect(model64, wrong, torch.ones(1, 1, 8, 8), torch.zeros(1))
    assert str(caught.value) == "input: torch has 15..15, outside u3"
