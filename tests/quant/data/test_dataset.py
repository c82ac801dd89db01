from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tritforge.quant import datasets
from tritforge.quant.data.dataset import (
    Dataset,
    DatasetError,
    md5,
    read_expected,
    stratified_folds,
    values,
)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=80), folds=st.integers(2, 7))
def test_folds_differ_by_at_most_one(labels: list[int], folds: int) -> None:
    values = np.array(labels)
    assignment = stratified_folds(values, folds)
    for part in (assignment, *(assignment[values == label] for label in set(labels))):
        sizes = np.bincount(part, minlength=folds)
        assert sizes.max() - sizes.min() <= 1


def test_the_validation_split_is_stratified_and_takes_nothing_from_the_held_out_part() -> None:
    data = datasets.load("digits")
    rest, images, labels = data.validation_split(200)
    assert (len(images), len(labels), len(rest.train_images)) == (200, 200, 1237)
    assert rest.test_images is data.test_images
    counts = torch.bincount(labels, minlength=10)
    expected = 200 * torch.bincount(data.train_labels) / 1437
    assert (counts - expected).abs().max() < 1
    parts = torch.cat([rest.train_images, images]).flatten(1)
    assert sorted(parts.tolist()) == sorted(data.train_images.flatten(1).tolist())
    known = {
        row.numpy().tobytes(): int(y)
        for row, y in zip(data.train_images, data.train_labels, strict=True)
    }
    assert [known[image.numpy().tobytes()] for image in images] == labels.tolist()
    again = data.validation_split(200)[1]
    assert torch.equal(images, again)


@given(total=st.integers(2, 40), data=st.data())
def test_a_validation_split_has_the_size_that_was_asked_for(
    total: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, total - 1))
    dataset = Dataset(
        train_images=torch.arange(total).reshape(-1, 1, 1, 1),
        train_labels=torch.arange(total) % 3,
        test_images=torch.zeros(0),
        test_labels=torch.zeros(0),
        classes=3,
        description="",
    )
    rest, images, labels = dataset.validation_split(count)
    assert len(images) == len(labels) == count
    assert sorted([*rest.train_images.flatten().tolist(), *images.flatten().tolist()]) == list(
        range(total)
    )


@pytest.mark.parametrize("count", [0, 1437])
def test_a_validation_split_leaves_both_parts_something(count: int) -> None:
    with pytest.raises(DatasetError) as caught:
        datasets.load("digits").validation_split(count)
    assert str(caught.value) == f"validation must be in 1..1436 images, not {count}"


def test_values_of_bytes_and_of_numbers() -> None:
    everything = torch.arange(256, dtype=torch.uint8)
    for like in (torch.zeros(1), torch.zeros(1, dtype=torch.float64)):
        found = values(everything, like)
        assert found.dtype == like.dtype
        # float32's quotient in both, so that a model sees the same input in either type
        assert torch.equal(found, (everything.float() / 255).to(like.dtype))
    numbers = torch.tensor([0.0, 0.1])
    assert torch.equal(values(numbers, torch.zeros(1)), numbers)


def test_a_file_with_another_digest_is_refused_with_both(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"data")
    sha = hashlib.sha256(b"data").hexdigest()
    assert read_expected("x", path, md5(b"data")) == read_expected("x", path, sha) == b"data"
    path.write_bytes(b"date")
    for digest, kind, found in (
        (md5(b"data"), "MD5", md5(b"date")),
        (sha, "SHA-256", hashlib.sha256(b"date").hexdigest()),
    ):
        with pytest.raises(DatasetError) as caught:
            read_expected("x", path, digest)
        assert str(caught.value) == (
            f"dataset 'x': {path} is damaged: its {kind} is {found}, expected {digest}; fetch it "
            "again"
        )
    path.unlink()
    with pytest.raises(DatasetError) as caught:
        read_expected("x", path, sha)
    assert str(caught.value) == f"dataset 'x': {path} is missing"
